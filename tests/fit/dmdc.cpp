// DMD with control: exact where the input varies on its own, and a verdict where it does not.
#include "kdm/fit/dmdc.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "assignment.hpp"
#include "support.hpp"

namespace test_dmdc {

using namespace kdm_test;
using kdm::dmdc;
using kdm::identifiability;
using kdm::index_t;
using kdm::matrix;
using kdm::snapshot_pairs;

/// x1+ = 1.5 x1 + u, x2+ = 0.1 x2 (Proctor, Brunton, Kutz 2016) under random inputs or under u = -x1.
snapshot_pairs plant(index_t m, bool feedback) {
  const auto u = random_matrix<double>(m, 1, 3);
  snapshot_pairs p{matrix<double>(m, 2), matrix<double>(m, 2), matrix<double>(m, 1), {}, 0.5};
  double x1 = 4, x2 = 7;
  for (index_t i = 0; i < m; ++i) {
    p.x(i, 0) = x1;
    p.x(i, 1) = x2;
    p.u(i, 0) = feedback ? -x1 : u(i, 0);
    x1 = 1.5 * x1 + p.u(i, 0);
    x2 = 0.1 * x2;
    p.y(i, 0) = x1;
    p.y(i, 1) = x2;
  }
  return p;
}

matrix<double> values(index_t rows, index_t cols, std::vector<double> v) {
  matrix<double> m(rows, cols);
  for (index_t i = 0; i < m.size(); ++i) m.data()[i] = v[std::size_t(i)];
  return m;
}

TEST_CASE("dmdc: a random input tells A from B") {
  const auto d = dmdc(plant(12, false));
  CHECK(d.verdict == identifiability::identified);
  CHECK(d.data_rank == 3);
  CHECK(d.unknown_rank == 3);
  CHECK(relative_difference(d.state_transition(), values(2, 2, {1.5, 0, 0, 0.1})) < 3e-11);
  CHECK(relative_difference(d.input_matrix(), values(2, 1, {1, 0})) < 3e-11);
  CHECK(matching_error(d.free.eigenvalues, {1.5, 0.1}) < 3e-11);
  CHECK(d.relative_residual < 1e-13);
  CHECK(d.free.dt == 0.5);
  for (const double r : d.free.residuals) CHECK(r < 1e-8);
}

TEST_CASE("dmdc: under feedback the answer is not identifiable unless B is given") {
  const auto pairs = plant(6, true);
  const auto d = dmdc(pairs);
  CHECK(d.verdict == identifiability::not_identifiable);
  CHECK(name_of(d.verdict) == "not identifiable");
  CHECK(d.data_rank == 2);
  CHECK(d.unknown_rank == 3);
  CHECK(d.free.status == kdm::fit_status::rank_deficient);
  kdm::dmdc_options o;
  o.b = values(1, 2, {1, 0});
  const auto given = dmdc(pairs, o);
  CHECK(given.verdict == identifiability::identified);
  CHECK(relative_difference(given.state_transition(), values(2, 2, {1.5, 0, 0, 0.1})) < 1e-14);
  CHECK(relative_difference(given.input_matrix(), values(2, 1, {1, 0})) < 1e-14);
}

TEST_CASE("dmdc: step and simulate follow the plant under new inputs") {
  const auto d = dmdc(plant(12, false));
  const auto u = values(3, 1, {0.5, -1, 2});
  const auto x = d.simulate(values(1, 2, {1, 1}), u);
  // By hand: 1.5 + 0.5 = 2, 3 - 1 = 2, 3 + 2 = 5.
  CHECK(relative_difference(x, values(4, 2, {1, 1, 2, 0.1, 2, 0.01, 5, 0.001})) < 1e-9);
  CHECK(relative_difference(d.step(values(1, 2, {1, 1}), values(1, 1, {0.5})), values(1, 2, {2, 0.1})) < 1e-10);
  CHECK(message_of<kdm::shape_error>([&] { d.step(matrix<double>(1, 2), matrix<double>(1, 2)); }) ==
        "controlled_dynamics: columns of u is 2, expected 1");
  CHECK(message_of<kdm::shape_error>([&] { d.simulate(matrix<double>(2, 2), u); }) ==
        "controlled_dynamics: rows of the first state is 2, expected 1");
}

TEST_CASE("dmdc: states in many dimensions are fitted in the directions they take") {
  const auto small = plant(12, false);
  const auto lift = random_matrix<double>(2, 30, 5);
  snapshot_pairs p{matrix<double>(12, 30), matrix<double>(12, 30), small.u, {}, 1};
  for (index_t i = 0; i < 12; ++i)
    for (index_t k = 0; k < 30; ++k)
      for (index_t j = 0; j < 2; ++j) {
        p.x(i, k) += small.x(i, j) * lift(j, k);
        p.y(i, k) += small.y(i, j) * lift(j, k);
      }
  const auto d = dmdc(p);
  CHECK(d.verdict == identifiability::identified);
  CHECK(d.free.latent() == 2);
  CHECK(matching_error(d.free.eigenvalues, {1.5, 0.1}) < 1e-9);
  CHECK(relative_difference(d.step(p.x, p.u), p.y) < 1e-10);
}

TEST_CASE("dmdc: a weight counts a pair that many times") {
  auto p = plant(8, false);
  const auto noise = random_matrix<double>(8, 2, 9, 0.1);
  for (index_t i = 0; i < 16; ++i) p.y.data()[i] += noise.data()[i];
  auto twice = p;
  p.weights = matrix<double>(8, 1);
  for (index_t i = 0; i < 8; ++i) p.weights(i, 0) = i < 4 ? 2 : 1;
  twice.x = twice.y = matrix<double>(12, 2);
  twice.u = matrix<double>(12, 1);
  for (index_t i = 0; i < 12; ++i) {
    const index_t from = i < 8 ? i : i - 8;
    for (index_t j = 0; j < 2; ++j) twice.x(i, j) = p.x(from, j), twice.y(i, j) = p.y(from, j);
    twice.u(i, 0) = p.u(from, 0);
  }
  const auto a = dmdc(p), b = dmdc(twice);
  CHECK(relative_difference(a.state_transition(), b.state_transition()) < 1e-10);
  CHECK(relative_difference(a.input_matrix(), b.input_matrix()) < 1e-10);
  CHECK(a.relative_residual == doctest::Approx(b.relative_residual).epsilon(1e-9));
}

TEST_CASE("dmdc: bad input is an error and too little data a verdict") {
  auto p = plant(12, false);
  auto without = p;
  without.u = {};
  CHECK(message_of<kdm::shape_error>([&] { dmdc(without); }) ==
        "dmdc: the pairs have no inputs, expected at least one column of u");
  auto bad = p;
  bad.u(3, 0) = std::nan("");
  CHECK(message_of<kdm::numeric_error>([&] { dmdc(bad); }).find("of u is nan") != std::string::npos);
  kdm::dmdc_options o;
  o.b = matrix<double>(1, 3);
  CHECK(message_of<kdm::shape_error>([&] { dmdc(p, o); }) == "dmdc: columns of b is 3, expected 2");
  CHECK(dmdc(plant(2, false)).verdict == identifiability::not_identifiable);
  CHECK(dmdc(plant(1, false)).verdict == identifiability::not_identifiable);
  auto silent = p;
  silent.u = matrix<double>(12, 1);
  CHECK(dmdc(silent).verdict == identifiability::not_identifiable);
  auto zero = p;
  zero.x = matrix<double>(12, 2);
  CHECK(message_of<kdm::numeric_error>([&] { dmdc(zero); }).find("keeps no singular value") != std::string::npos);
}

}  // namespace test_dmdc
