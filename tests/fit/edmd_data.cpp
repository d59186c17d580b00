// EDMD and its data: streaming, weights, pair sets, floats, and everything that must be refused.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "assignment.hpp"
#include "edmd_data.hpp"
#include "kdm/fit/dictionaries/dictionaries.hpp"
#include "kdm/fit/edmd.hpp"
#include "support.hpp"

namespace test_edmd_data {

using namespace kdm_test;
using kdm::numeric_error;
using kdm::option_error;
using kdm::shape_error;

const_view<double> rows(const matrix<double>& m, index_t first, index_t count) {
  return m.view().row_range(first, count);
}

TEST_CASE("edmd data: any portions and merged parts give the same fit") {
  const slow_manifold flow;
  const auto x = points(3000, 2), y = image(x, flow);
  const kdm::monomials psi({1, 2}, 6);
  kdm::edmd_accumulator whole(psi), pieces(psi), left(psi), right(psi);
  whole.append(x, y);
  for (index_t at = 0, size = 1; at < 3000; at += size, size = size * 2 % 613 + 1) {
    size = std::min<index_t>(size, 3000 - at);
    pieces.append(rows(x, at, size), rows(y, at, size));
  }
  left.append(rows(x, 0, 1700), rows(y, 0, 1700));
  right.append(rows(x, 1700, 1300), rows(y, 1700, 1300));
  left.merge(right);
  CHECK(whole.rows() == 3000);
  CHECK(left.rows() == 3000);
  const auto a = whole.fit(), b = pieces.fit(), c = left.fit();
  CHECK(relative_difference(a.dynamics.k, b.dynamics.k) == 0);  // the same rows in the same order
  CHECK(matching_error(a.dynamics.eigenvalues, c.dynamics.eigenvalues) < 1e-13);
  CHECK(matching_error(c.dynamics.eigenvalues, flow.eigenvalues(6)) < 1e-13);
}

TEST_CASE("edmd data: a weight counts like repeated rows") {
  const auto x = points(30, 2), y = random_matrix<double>(30, 2, 5);
  matrix<double> weights(30, 1), x3(60, 2), y3(60, 2);
  for (index_t i = 0; i < 30; ++i) weights(i, 0) = i < 15 ? 3 : 1;
  index_t to = 0;
  for (index_t i = 0; i < 30; ++i)
    for (int copy = 0; copy < (i < 15 ? 3 : 1); ++copy, ++to)
      for (index_t j = 0; j < 2; ++j) x3(to, j) = x(i, j), y3(to, j) = y(i, j);
  const auto weighted = kdm::edmd(kdm::monomials(2, 2), x, y, {}, weights);
  const auto repeated = kdm::edmd(kdm::monomials(2, 2), x3, y3);
  CHECK(relative_difference(weighted.dynamics.k, repeated.dynamics.k) < 1e-12);
  CHECK(relative_difference(weighted.dynamics.decode, repeated.dynamics.decode) < 1e-12);
  for (std::size_t j = 0; j < 6; ++j)
    CHECK(weighted.dynamics.residuals[j] == doctest::Approx(repeated.dynamics.residuals[j]));

  kdm::snapshot_pairs pairs;
  pairs.x = x, pairs.y = y, pairs.weights = weights, pairs.dt = 0.25;
  const auto of_pairs = kdm::edmd(kdm::monomials(2, 2), pairs);
  CHECK(relative_difference(of_pairs.dynamics.k, weighted.dynamics.k) == 0);
  CHECK(of_pairs.dynamics.dt == 0.25);
  pairs.u = matrix<double>(30, 1);
  CHECK(message_of<option_error>([&] { kdm::edmd(kdm::monomials(2, 2), pairs); }) ==
        "edmd: the pairs have 1 inputs, which this fit would ignore, expected none");
}

TEST_CASE("edmd data: floats and float encoders") {
  const auto x = points(200, 2), y = image(x, triangular_map);
  kdm::edmd_accumulator data(kdm::row_features(2, 5, [](const_view<float> a, kdm::view<float> z) {
    for (index_t i = 0; i < a.rows; ++i) {
      const float p = a(i, 0), q = a(i, 1);
      z(i, 0) = p, z(i, 1) = q, z(i, 2) = p * p, z(i, 3) = p * q, z(i, 4) = q * q;
    }
  }));
  data.append(matrix<float>(x.view()), matrix<float>(y.view()));
  const double error = matching_error(data.fit().dynamics.eigenvalues, {0.9, 0.6, 0.81, 0.54, 0.36});
  CHECK(error < 1e-5);
  CHECK(error > 1e-12);
}

TEST_CASE("edmd data: data without information end in a status or an error") {
  const kdm::monomials psi(2, 2);
  const auto x = points(40, 2), y = image(x, triangular_map);

  SUBCASE("fewer pairs than features") {
    const auto few = kdm::edmd(psi, rows(x, 0, 4), rows(y, 0, 4));
    CHECK(few.dynamics.status == kdm::fit_status::fewer_rows_than_columns);
    CHECK(few.dynamics.rank.rank == 4);
    CHECK(few.dynamics.eigenvalues.size() == 4);
  }
  SUBCASE("one pair") {
    const auto one = kdm::edmd(psi, rows(x, 0, 1), rows(y, 0, 1));
    CHECK(one.dynamics.status == kdm::fit_status::fewer_rows_than_columns);
    CHECK(one.dynamics.eigenvalues.size() == 1);
  }
  SUBCASE("constant states") {
    matrix<double> same(20, 2);
    for (index_t i = 0; i < 20; ++i) same(i, 0) = 2, same(i, 1) = -1;
    const auto constant = kdm::edmd(psi, same, same);
    CHECK(constant.dynamics.status == kdm::fit_status::rank_deficient);
    REQUIRE(constant.dynamics.eigenvalues.size() == 1);
    CHECK(std::abs(constant.dynamics.eigenvalues[0] - 1.) < 1e-14);
    CHECK(relative_difference(constant.step(same), same) < 1e-14);
  }
  SUBCASE("duplicate pairs") {
    matrix<double> xx(20, 2), yy(20, 2);
    for (index_t i = 0; i < 20; ++i)
      for (index_t j = 0; j < 2; ++j) xx(i, j) = x(i % 3, j), yy(i, j) = y(i % 3, j);
    const auto repeated = kdm::edmd(psi, xx, yy);
    CHECK(repeated.dynamics.status == kdm::fit_status::rank_deficient);
    CHECK(repeated.dynamics.rank.rank == 3);
  }
  SUBCASE("a state that is always zero") {
    matrix<double> xx = x, yy = y;
    for (index_t i = 0; i < 40; ++i) xx(i, 1) = yy(i, 1) = 0;
    const auto flat = kdm::edmd(psi, xx, yy);
    CHECK(flat.dynamics.status == kdm::fit_status::rank_deficient);
    CHECK(flat.dynamics.rank.rank == 3);  // 1, x1, x1^2
  }
  SUBCASE("all features zero") {
    const matrix<double> zero(10, 2);
    CHECK(message_of<numeric_error>([&] { kdm::edmd(kdm::identity_dictionary(2), zero, zero); }) ==
          "edmd: all features of x are zero, expected one that is not");
    CHECK_THROWS_AS(kdm::edmd(psi, x, y, {}, matrix<double>(40, 1)), numeric_error);  // all weights zero
  }
  SUBCASE("images that no feature explains") {
    const auto noise = kdm::edmd(kdm::identity_dictionary(2), x, random_matrix<double>(40, 2, 3));
    CHECK(noise.dynamics.status == kdm::fit_status::ok);
    for (const double r : noise.dynamics.residuals) CHECK(r > 0.5);
    CHECK(noise.dynamics.relative_residual > 0.5);
  }
}

TEST_CASE("edmd data: wrong shapes and numbers are refused and nothing is appended") {
  const kdm::monomials psi(2, 2);
  const auto x = points(40, 2), y = image(x, triangular_map), wide = points(40, 3);
  CHECK(message_of<shape_error>([&] { kdm::edmd(psi, wide, y); }) == "edmd: columns of x is 3, expected 2");
  CHECK(message_of<shape_error>([&] { kdm::edmd(psi, x, wide); }) == "edmd: columns of y is 3, expected 2");
  CHECK(message_of<shape_error>([&] { kdm::edmd(psi, x, rows(y, 0, 39)); }) == "edmd: rows of y is 39, expected 40");
  CHECK(message_of<shape_error>([&] { kdm::edmd(psi, x, y, {}, matrix<double>(7, 1)); }) ==
        "edmd: rows of the weights is 7, expected 40");
  CHECK_THROWS_AS(kdm::edmd(psi, x, y, {}, matrix<double>(40, 2)), shape_error);
  CHECK(message_of<shape_error>([&] { kdm::edmd(psi, rows(x, 0, 0), rows(y, 0, 0)); }) ==
        "edmd: no pairs, expected at least 1");
  CHECK_THROWS_AS(kdm::edmd(psi, x, y, {.ridge = -1}), option_error);
  CHECK_THROWS_AS(kdm::edmd(psi, x, y, {.ridge = NAN}), option_error);
  CHECK(message_of<option_error>([&] { kdm::edmd(psi, x, y, {.dt = 0}); }) ==
        "edmd: dt is 0, expected a finite number above 0");
  for (const double bad : {double(NAN), double(INFINITY)}) {
    matrix<double> xx = x, yy = y, weights(40, 1);
    xx(3, 1) = bad, yy(5, 0) = bad, weights(7, 0) = bad;
    CHECK_THROWS_AS(kdm::edmd(psi, xx, y), numeric_error);
    CHECK_THROWS_AS(kdm::edmd(psi, x, yy), numeric_error);
    CHECK_THROWS_AS(kdm::edmd(psi, x, y, {}, weights), numeric_error);
  }
  matrix<double> negative(40, 1);
  negative(2, 0) = -1;
  CHECK_THROWS_AS(kdm::edmd(psi, x, y, {}, negative), numeric_error);

  // A feature that overflows in the second portion takes the first back.
  matrix<double> far = points(3000, 2);
  far(2900, 1) = 1e200;
  kdm::edmd_accumulator data(psi);
  data.append(x, y);
  CHECK(message_of<numeric_error>([&] { data.append(far, far); }) ==
        "edmd: row 2900 of psi(x) has inf in column 5, expected a finite number");
  CHECK(data.rows() == 40);
  CHECK(relative_difference(data.fit().dynamics.k, kdm::edmd(psi, x, y).dynamics.k) == 0);

  kdm::edmd_accumulator other(kdm::monomials(2, 3));
  CHECK_THROWS_AS(data.merge(other), shape_error);
  const auto model = data.fit();
  CHECK_THROWS_AS(model.step(wide), shape_error);
  CHECK_THROWS_AS(model.simulate(x, 3), shape_error);
  CHECK_THROWS_AS(model.step(x, -1), option_error);
  CHECK_THROWS_AS(model.residuals(x, rows(y, 0, 2)), shape_error);
}

}  // namespace test_edmd_data
