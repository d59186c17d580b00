// The VAMP score: two-state chains in closed form, invariance under linear maps, bad input.
#include "kdm/fit/vamp.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "edmd_data.hpp"
#include "support.hpp"

namespace test_vamp {

using namespace kdm_test;

/// Pairs of a chain of two states, counted exactly: psi(x) is the indicator of each state.
kdm::snapshot_qr chain(double stay0, double stay1, int rows) {
  // The stationary share of state 0 is (1 - stay1) / (2 - stay0 - stay1).
  const double share = (1 - stay1) / (2 - stay0 - stay1);
  matrix<double> x(4, 2), y(4, 2), weights(4, 1);
  for (index_t i = 0; i < 2; ++i)
    for (index_t j = 0; j < 2; ++j) {
      x(2 * i + j, i) = 1, y(2 * i + j, j) = 1;
      const double from = i == 0 ? share : 1 - share, stay = i == 0 ? stay0 : stay1;
      weights(2 * i + j, 0) = rows * from * (i == j ? stay : 1 - stay);
    }
  kdm::snapshot_qr data(2, 2);
  data.append(x, y, weights);
  return data;
}

TEST_CASE("vamp: a chain of two states has the singular values 1 and its second eigenvalue") {
  // Reversible, like every chain of two states: sigma_2 = stay0 + stay1 - 1.
  const auto v = kdm::vamp(chain(0.9, 0.7, 1000));
  REQUIRE(v.singular_values.size() == 2);
  CHECK(std::abs(v.singular_values[0] - 1) < 1e-14);
  CHECK(std::abs(v.singular_values[1] - 0.6) < 1e-14);
  CHECK(v.score(1) == doctest::Approx(1.6));
  CHECK(v.score() == doctest::Approx(1.36));
}

TEST_CASE("vamp: functions have mean square one and correlate by the singular values") {
  const index_t m = 400;
  const auto x = random_matrix<double>(m, 4, 1);
  auto y = random_matrix<double>(m, 3, 2);
  for (index_t i = 0; i < m; ++i) y(i, 0) += x(i, 0) - x(i, 2), y(i, 1) = 5 * x(i, 1);
  kdm::snapshot_qr data(4, 3);
  data.append(x, y);
  const auto v = kdm::vamp(data);
  REQUIRE(v.singular_values.size() == 3);
  CHECK(std::abs(v.singular_values[0] - 1) < 1e-14);  // y2 is a function of x
  CHECK(v.singular_values[2] < 0.2);
  const auto mean = [&](const matrix<double>& a, const matrix<double>& wa, index_t ja, const matrix<double>& b,
                        const matrix<double>& wb, index_t jb) {
    double sum = 0;
    for (index_t i = 0; i < m; ++i) {
      double left = 0, right = 0;
      for (index_t c = 0; c < a.cols(); ++c) left += a(i, c) * wa(c, ja);
      for (index_t c = 0; c < b.cols(); ++c) right += b(i, c) * wb(c, jb);
      sum += left * right / double(m);
    }
    return sum;
  };
  for (index_t j = 0; j < 3; ++j)
    for (index_t k = 0; k < 3; ++k) {
      CHECK(std::abs(mean(x, v.left, j, x, v.left, k) - (j == k)) < 1e-13);
      CHECK(std::abs(mean(y, v.right, j, y, v.right, k) - (j == k)) < 1e-13);
      CHECK(std::abs(mean(x, v.left, j, y, v.right, k) - (j == k ? v.singular_values[std::size_t(j)] : 0)) < 1e-13);
    }

  // Any invertible change of features leaves the score alone, and so does a redundant one.
  const auto mix = random_matrix<double>(4, 5, 7);
  matrix<double> mixed(m, 5);
  for (index_t i = 0; i < m; ++i)
    for (index_t j = 0; j < 5; ++j)
      for (index_t c = 0; c < 4; ++c) mixed(i, j) += x(i, c) * mix(c, j);
  kdm::snapshot_qr other(5, 3);
  other.append(mixed, y);
  const auto w = kdm::vamp(other);
  CHECK(w.rank_x.rank == 4);
  CHECK(w.score() == doctest::Approx(v.score()).epsilon(1e-12));
  CHECK(kdm::vamp(data, kdm::rank_rule::tolerance(), 1).singular_values.size() == 1);
}

TEST_CASE("vamp: bad input is refused") {
  kdm::snapshot_qr empty(2, 2), zero(2, 2), none(2, 0), data(2, 2);
  CHECK_THROWS_AS(kdm::vamp(empty), kdm::shape_error);
  zero.append(points(5, 2), matrix<double>(5, 2));
  CHECK(message_of<kdm::numeric_error>([&] { kdm::vamp(zero); }) ==
        "vamp: all features of y are zero, expected one that is not");
  none.append(points(5, 2), matrix<double>(5, 0));
  CHECK_THROWS_AS(kdm::vamp(none), kdm::shape_error);
  data.append(points(5, 2), points(5, 2, 2));
  CHECK_THROWS_AS(kdm::vamp(data, kdm::rank_rule::tolerance(), 3), kdm::shape_error);
  kdm::snapshot_qr one(3, 3);
  one.append(points(1, 3), points(1, 3, 2));
  const auto v = kdm::vamp(one);
  REQUIRE(v.singular_values.size() == 1);
  CHECK(std::abs(v.singular_values[0] - 1) < 1e-14);
}

}  // namespace test_vamp
