// What noise does to the methods of dynamic mode decomposition: bias against theory, ranks, and bad input.
#include "kdm/fit/dmd.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <complex>
#include <random>
#include <vector>

#include "assignment.hpp"
#include "support.hpp"

namespace test_dmd_noise {

using namespace kdm_test;
using complex = std::complex<double>;
using kdm::fit_status;
using kdm::index_t;
using kdm::linear_dynamics;
using kdm::matrix;
using kdm::rank_rule;
using kdm::snapshot_pairs;

using method = linear_dynamics (*)(const snapshot_pairs&, const kdm::dmd_options&);
const std::vector<method> methods{kdm::dmd::projected, kdm::dmd::exact, kdm::dmd::total_least_squares,
                                  kdm::dmd::forward_backward};

/// Mean and standard error of |lambda| - 1 over trials.
struct bias {
  double sum = 0, squares = 0;
  int trials = 0;
  void add(const linear_dynamics& d) {
    const double b = std::abs(d.eigenvalues[0]) / 2 + std::abs(d.eigenvalues[1]) / 2 - 1;
    sum += b, squares += b * b, ++trials;
  }
  double mean() const { return sum / trials; }
  double error() const { return std::sqrt((squares / trials - mean() * mean()) / trials); }
};

TEST_CASE("dmd noise: the bias of an oscillation has its theoretical size and two methods have none") {
  // Columns move by (1/sqrt 3) [1 1; -1 2]: eigenvalues (sqrt 3 +- i) / 2 of modulus 1; 501 snapshots with noise.
  const double a = 1 / std::sqrt(3.);
  const index_t m = 500;
  matrix<double> clean(m + 1, 2);
  clean(0, 0) = 1, clean(0, 1) = 0.1;
  double xx = 0, xy = 0, yy = 0;
  for (index_t t = 0; t < m; ++t) {
    clean(t + 1, 0) = a * (clean(t, 0) + clean(t, 1));
    clean(t + 1, 1) = a * (-clean(t, 0) + 2 * clean(t, 1));
    xx += clean(t, 0) * clean(t, 0), xy += clean(t, 0) * clean(t, 1), yy += clean(t, 1) * clean(t, 1);
  }
  // Least squares multiplies the determinant, |lambda|^2, by 1 - m sigma^2 sum 1 / s_i^2 to first order.
  const double trace_of_inverse = (xx + yy) / (xx * yy - xy * xy);
  std::mt19937_64 engine(20);
  std::normal_distribution<double> normal;
  for (const double sigma : {0.05, 0.2}) {
    bias exact, forward_backward, total;
    for (int trial = 0; trial < 300; ++trial) {
      matrix<double> noisy(m + 1, 2);
      for (index_t i = 0; i < noisy.size(); ++i) noisy.data()[i] = clean.data()[i] + sigma * normal(engine);
      const snapshot_pairs p = kdm::pairs_from_trajectory(noisy);
      exact.add(kdm::dmd::exact(p));
      forward_backward.add(kdm::dmd::forward_backward(p));
      total.add(kdm::dmd::total_least_squares(p));
    }
    const double theory = -0.5 * double(m) * sigma * sigma * trace_of_inverse;
    MESSAGE("sigma ", sigma, ": exact ", exact.mean(), " +- ", exact.error(), ", theory ", theory,
            ", forward-backward ", forward_backward.mean(), " +- ", forward_backward.error(), ", total ", total.mean(),
            " +- ", total.error());
    // Second order in the bias itself.
    CHECK(std::abs(exact.mean() - theory) < 4 * exact.error() + 2 * theory * theory);
    CHECK(exact.mean() < -20 * exact.error());
    // What is left of the others is of the order (sigma^2 / |x|^2)^2 / m.
    const double rest = sigma * sigma * sigma * sigma / 10;
    CHECK(std::abs(forward_backward.mean()) < 4 * forward_backward.error() + rest);
    CHECK(std::abs(total.mean()) < 4 * total.error() + rest);
  }
}

TEST_CASE("dmd noise: ranks of a signal in noise") {
  // Two oscillations in 60 states, 100 snapshots, noise 1e-3: only rules that know of noise find 4.
  const index_t n = 60, times = 101;
  const matrix<double> shapes = random_matrix<double>(4, n, 1);
  matrix<double> u = random_matrix<double>(times, n, 2, 1e-3);
  for (index_t t = 0; t < times; ++t)
    for (index_t i = 0; i < n; ++i)
      u(t, i) += std::cos(0.3 * double(t)) * shapes(0, i) + std::sin(0.3 * double(t)) * shapes(1, i) +
                 std::cos(1.1 * double(t)) * shapes(2, i) + std::sin(1.1 * double(t)) * shapes(3, i);
  const snapshot_pairs p = kdm::pairs_from_trajectory(u);
  const std::vector<complex> expected{std::polar(1., 0.3), std::polar(1., -0.3), std::polar(1., 1.1),
                                      std::polar(1., -1.1)};
  for (const method f : methods) {
    for (const rank_rule& rule : {rank_rule::gavish_donoho(), rank_rule::gavish_donoho(1e-3), rank_rule::fixed(4),
                                  rank_rule::tolerance(0.01), rank_rule::energy(0.9999)}) {
      const auto d = f(p, {rule});
      CHECK(d.rank.rank == 4);
      CHECK(d.rank.has_gap());
      CHECK(d.status == fit_status::ok);
      CHECK(matching_error(d.eigenvalues, expected) < 1e-4);
      for (const double r : d.residuals) CHECK(r < 0.01);
    }
    CHECK(f(p, {}).rank.rank == 60);
  }
  CHECK(kdm::dmd::total_least_squares(p).rank.rule == "limit");  // 120 columns, 60 states
}

TEST_CASE("dmd input: what cannot be fitted is refused by every method") {
  const auto x = random_matrix<double>(5, 2, 1), y = random_matrix<double>(5, 2, 2);
  for (const method f : methods) {
    CHECK_THROWS_AS(f({}, {}), kdm::shape_error);
    CHECK_THROWS_AS(f({matrix<double>(3, 0), matrix<double>(3, 0), {}, {}, 1}, {}), kdm::shape_error);
    CHECK_THROWS_AS(f({x, random_matrix<double>(4, 2, 1), {}, {}, 1}, {}), kdm::shape_error);
    CHECK_THROWS_AS(f({x, random_matrix<double>(5, 3, 1), {}, {}, 1}, {}), kdm::shape_error);
    CHECK_THROWS_AS(f({x, y, {}, {}, 0}, {}), kdm::option_error);
    for (const double bad : {double(NAN), double(INFINITY)}) {
      snapshot_pairs broken{x, y, {}, {}, 1};
      broken.y(4, 1) = bad;
      CHECK_THROWS_AS(f(broken, {}), kdm::numeric_error);
    }
    CHECK_THROWS_AS(f({matrix<double>(5, 2), matrix<double>(5, 2), {}, {}, 1}, {}), kdm::numeric_error);
    snapshot_pairs weightless{x, y, {}, matrix<double>(5, 1), 1};
    CHECK_THROWS_AS(f(weightless, {}), kdm::numeric_error);
    // Noise alone, and a rule that knows it.
    CHECK_THROWS_AS(f({x, y, {}, {}, 1}, {rank_rule::gavish_donoho(100)}), kdm::numeric_error);
  }
  CHECK(message_of<kdm::numeric_error>([] {
          kdm::dmd::projected({matrix<double>(5, 2), matrix<double>(5, 2), {}, {}, 1});
        }) ==
        "dmd::projected: the rank rule keeps no singular value of the data, the largest is 0, expected to keep at "
        "least 1");
  const kdm::snapshot_qr empty(2, 2);
  kdm::snapshot_qr uneven(2, 3), good(2, 2);
  uneven.append(x, random_matrix<double>(5, 3, 1));
  good.append(x, y);
  CHECK(message_of<kdm::shape_error>([&] { kdm::dmd::exact(empty); }) == "dmd::exact: no rows, expected at least 1");
  CHECK(message_of<kdm::shape_error>([&] { kdm::dmd::exact(uneven); }) ==
        "dmd::exact: columns of b is 3, expected 2");
  CHECK_THROWS_AS(kdm::dmd::exact(good, {}, -1), kdm::option_error);
  CHECK_THROWS_AS(kdm::dmd::exact(good, {rank_rule::tolerance(), true}), kdm::option_error);
}

TEST_CASE("dmd input: poor data give a status") {
  const auto z = random_matrix<double>(30, 2, 1);
  matrix<double> constant(30, 3), twice(30, 3), twice_next(30, 3), one(1, 3), one_next(1, 3);
  for (index_t i = 0; i < 30; ++i)
    for (index_t j = 0; j < 3; ++j) {
      constant(i, j) = double(j + 1);
      twice(i, j) = z(i, j % 2);  // the third column repeats the first
      twice_next(i, j) = (j % 2 ? 0.5 : 0.9) * z(i, j % 2);
    }
  for (index_t j = 0; j < 3; ++j) one(0, j) = double(j + 1), one_next(0, j) = 2 * double(j + 1);
  for (const method f : methods) {
    const auto still = f(kdm::pairs_from_trajectory(constant), {});
    CHECK(matching_error(still.eigenvalues, {1}) < 1e-14);
    CHECK(still.status == fit_status::rank_deficient);
    const auto repeated = f(kdm::pairs_from_matrices(twice, twice_next), {});
    CHECK(matching_error(repeated.eigenvalues, {.9, .5}) < 1e-14);
    CHECK(repeated.status == fit_status::rank_deficient);
    CHECK(repeated.rank.numerical_rank == 2);
    const auto single = f(kdm::pairs_from_matrices(one, one_next), {});
    CHECK(matching_error(single.eigenvalues, {2}) < 1e-14);
    CHECK(single.status == fit_status::fewer_rows_than_columns);
    CHECK(relative_difference(single.step(one), one_next) < 1e-14);
    // Two states, one pair twice: one direction of two.
    matrix<double> same(2, 2), same_next(2, 2);
    for (index_t i = 0; i < 2; ++i) same(i, 0) = same_next(i, 1) = 1, same(i, 1) = same_next(i, 0) = 0.5;
    CHECK(f(kdm::pairs_from_matrices(same, same_next), {}).status == fit_status::rank_deficient);
    // Fewer pairs than states, cut below the number of pairs: nothing is met exactly.
    const auto few = kdm::pairs_from_matrices(random_matrix<double>(4, 9, 3), random_matrix<double>(4, 9, 4));
    CHECK(f(few, {}).status == fit_status::fewer_rows_than_columns);
    CHECK(f(few, {rank_rule::fixed(2)}).status == fit_status::ok);
  }
}

TEST_CASE("dmd input: a singular backward operator is reported") {
  // The next states fill one direction only: the past cannot be told from them.
  const auto x = random_matrix<double>(30, 2, 1);
  matrix<double> y(30, 2);
  for (index_t i = 0; i < 30; ++i) y(i, 0) = y(i, 1) = 0.4 * x(i, 0) + 0.4 * x(i, 1);
  const auto d = kdm::dmd::forward_backward(kdm::pairs_from_matrices(x, y));
  CHECK(d.status == fit_status::rank_deficient);
  CHECK(d.note == "the backward operator is nearly singular: this is the forward operator");
  CHECK(matching_error(d.eigenvalues, {0.8, 0}) < 1e-14);
  // Full rank both ways, but what happens next has nothing to do with what was.
  matrix<double> before(4, 1), after(4, 1);
  before(0, 0) = before(1, 0) = after(0, 0) = 1, after(1, 0) = -1;
  CHECK(kdm::dmd::forward_backward(kdm::pairs_from_matrices(before, after)).note == d.note);
}

TEST_CASE("dmd input: forward and backward without a relation give a root or say that there is none") {
  int roots = 0, none = 0;
  for (unsigned seed = 0; seed < 60; ++seed) {
    const auto x = random_matrix<double>(5, 3, 2 * seed), y = random_matrix<double>(5, 3, 2 * seed + 1);
    const auto p = kdm::pairs_from_matrices(x, y);
    const auto d = kdm::dmd::forward_backward(p), forward = kdm::dmd::projected(p);
    if (d.note.empty()) {
      ++roots;
      // Some roots lie far from the forward operator and miss the pairs that it meets.
      const bool far = d.relative_residual > 10 * forward.relative_residual;
      CHECK(d.status == (far ? fit_status::inaccurate : fit_status::ok));
      CHECK(d.warnings.empty() == (!far && d.relative_residual <= 0.5));
      CHECK(relative_difference(d.k, forward.k) > 0);
    } else {
      ++none;
      CHECK(d.note == "no square root lies near the forward operator: this is the forward operator");
      CHECK(d.status == fit_status::rank_deficient);
      CHECK(relative_difference(d.k, forward.k) == 0);
    }
  }
  CHECK(roots > 0);
  CHECK(none > 0);
}

}  // namespace test_dmd_noise
