// Optimized DMD on sums of exponentials that are known exactly, at times that are not even.
#include "kdm/fit/optimized_dmd.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <random>
#include <vector>

#include "assignment.hpp"
#include "support.hpp"

namespace test_optimized_dmd {

using namespace kdm_test;
using complex = std::complex<double>;
using kdm::index_t;
using kdm::matrix;
using kdm::dmd::optimized;
using kdm::dmd::optimized_options;
using kdm::dmd::optimized_status;

std::vector<double> random_times(index_t count, double end, unsigned seed) {
  std::mt19937 engine(seed);
  std::vector<double> t;
  for (index_t i = 0; i < count; ++i) t.push_back(end * (double(engine()) + 0.5) / 4294967296.);
  std::sort(t.begin(), t.end());
  return t;
}

/// Sum of exp(alpha t) times a random complex mode; of a pair the real part of twice the first.
matrix<double> signal(const std::vector<complex>& alpha, const std::vector<double>& times, index_t n, unsigned seed) {
  const auto re = random_matrix<double>(index_t(alpha.size()), n, seed);
  const auto im = random_matrix<double>(index_t(alpha.size()), n, seed + 1);
  matrix<double> x(index_t(times.size()), n);
  for (index_t j = 0; j < re.rows(); ++j) {
    const complex a = alpha[std::size_t(j)];
    if (a.imag() < 0) continue;
    for (index_t i = 0; i < x.rows(); ++i)
      for (index_t k = 0; k < n; ++k) {
        const complex factor = std::exp(a * times[std::size_t(i)]);
        x(i, k) += a.imag() > 0 ? 2 * (factor * complex(re(j, k), im(j, k))).real() : factor.real() * re(j, k);
      }
  }
  return x;
}

const std::vector<complex> two_pairs{{-0.1, 2.3}, {-0.1, -2.3}, {-0.4, 5.1}, {-0.4, -5.1}};

TEST_CASE("optimized: two damped cosines at random times") {
  for (unsigned seed = 1; seed <= 5; ++seed) {
    CAPTURE(seed);
    const auto times = random_times(81, 4, seed);
    const auto x = signal(two_pairs, times, 6, 10 * seed);
    const auto d = optimized(x, times);
    CHECK(d.status == optimized_status::converged);
    CHECK(matching_error(d.exponents, two_pairs) < 1e-12);
    CHECK(d.exponents[0] == std::conj(d.exponents[1]));
    CHECK(d.exponents[0].imag() > 0);
    CHECK(d.rank.rank == 4);
    CHECK(d.relative_residual < 1e-13);
    CHECK(relative_difference(d.evaluate(times), x) < 1e-12);
    // Between and beyond the data.
    const std::vector<double> later{0.123, 4.5, 6};
    CHECK(relative_difference(d.evaluate(later), signal(two_pairs, later, 6, 10 * seed)) < 1e-11);
    for (const double r : d.residuals) CHECK(r < 1e-11);
  }
}

TEST_CASE("optimized: as a map of states it steps from any state") {
  const auto times = random_times(60, 4, 3);
  const auto x = signal(two_pairs, times, 6, 7);
  const auto d = optimized(x, times).dynamics(0.25);
  std::vector<complex> lambda;
  for (const auto& a : two_pairs) lambda.push_back(std::exp(0.25 * a));
  CHECK(matching_error(d.eigenvalues, lambda) < 1e-12);
  CHECK(d.status == kdm::fit_status::ok);
  std::vector<double> later = times;
  for (double& t : later) t += 0.5;
  CHECK(relative_difference(d.step(x, 2), signal(two_pairs, later, 6, 7)) < 1e-11);
  CHECK(d.residuals.size() == 4);
}

TEST_CASE("optimized: real and growing exponents and those that nearly coincide") {
  const auto times = random_times(100, 3, 5);
  const std::vector<std::vector<complex>> cases{
      {0.7, -0.3, -2.},
      {0.5, {0.2, 9.}, {0.2, -9.}},
      {-1., -1.2},
      {-5., {-0.01, 1.}, {-0.01, -1.}, 0.},
  };
  for (const auto& alpha : cases) {
    CAPTURE(alpha.size());
    const auto d = optimized(signal(alpha, times, 5, 21), times);
    CHECK(matching_error(d.exponents, alpha) < 1e-10);
    CHECK(d.relative_residual < 1e-13);
    CHECK(std::is_sorted(d.exponents.begin(), d.exponents.end(),
                         [](complex a, complex b) { return a.real() > b.real(); }));
  }
}

TEST_CASE("optimized: a start of two real exponents finds a pair and the other way round") {
  const auto times = random_times(80, 2, 8);
  optimized_options o;
  o.start = {-1., -2.};
  const std::vector<complex> pair{{-0.5, 2.}, {-0.5, -2.}};
  CHECK(matching_error(optimized(signal(pair, times, 3, 4), times, o).exponents, pair) < 1e-11);
  o.start = {{-1., 2.}, {-1., -2.}};
  const std::vector<complex> real{-0.3, -2.5};
  CHECK(matching_error(optimized(signal(real, times, 3, 4), times, o).exponents, real) < 1e-11);
}

TEST_CASE("optimized: a scalar signal needs a start and then more exponents than directions") {
  const auto times = random_times(60, 3, 2);
  const auto x = signal(two_pairs, times, 1, 31);
  optimized_options o;
  o.start = {{0., 2.}, {0., -2.}, {0., 5.}, {0., -5.}};
  const auto d = optimized(x, times, o);
  CHECK(matching_error(d.exponents, two_pairs) < 1e-10);
  CHECK(d.dynamics(0.1).status == kdm::fit_status::rank_deficient);
}

TEST_CASE("optimized: the fit is a minimum where there is noise") {
  const auto times = random_times(200, 4, 6);
  auto x = signal(two_pairs, times, 4, 11);
  const auto noise = random_matrix<double>(200, 4, 12, 0.05);
  for (index_t i = 0; i < x.size(); ++i) x.data()[i] += noise.data()[i];
  optimized_options o;
  o.rank = kdm::rank_rule::fixed(4);
  const auto d = optimized(x, times, o);
  CHECK(d.status == optimized_status::converged);
  CHECK(matching_error(d.exponents, two_pairs) < 0.05);
  // Any nearby exponents, with no further search, fit worse.
  for (const double shift : {-1e-3, 1e-3})
    for (std::size_t j : {std::size_t(0), std::size_t(2)})
      for (const complex direction : {complex(1, 0), complex(0, 1)}) {
        optimized_options near = o;
        near.max_iterations = 0;
        near.start = d.exponents;
        near.start[j] += shift * direction;
        near.start[j + 1] = std::conj(near.start[j]);
        const auto other = optimized(x, times, near);
        CHECK(other.status == optimized_status::iteration_limit);
        CHECK(other.relative_residual > d.relative_residual);
      }
}

TEST_CASE("optimized: growth rates keep to their bounds") {
  const auto times = random_times(80, 4, 9);
  const std::vector<complex> alpha{{0.3, 2.}, {0.3, -2.}, {-1., 6.}, {-1., -6.}};
  const auto x = signal(alpha, times, 5, 3);
  optimized_options o;
  o.highest_growth = 0;
  const auto d = optimized(x, times, o);
  CHECK(d.status == optimized_status::bound_active);
  for (const double g : d.growth_rates()) CHECK(g <= 0);
  CHECK(std::abs(d.exponents[0].real()) < 1e-12);
  CHECK(std::abs(d.exponents[0].imag() - 2) < 0.5);
  // Bounds that hold anyway change nothing.
  o.highest_growth = 1;
  o.lowest_growth = -2;
  CHECK(optimized(x, times, o).status == optimized_status::converged);
  CHECK(matching_error(optimized(x, times, o).exponents, alpha) < 1e-11);
  // Real exponents beyond the bound.
  const std::vector<complex> real{0.5, -0.5};
  optimized_options low;
  low.highest_growth = 0.1;
  const auto r = optimized(signal(real, times, 3, 2), times, low);
  CHECK(r.exponents[0].real() <= 0.1 + 1e-12);
  CHECK(r.status == optimized_status::bound_active);
}

TEST_CASE("optimized: an exponent that ran away is not called converged") {
  // Frequencies beyond what the trapezoid rule can start from: the search loses the decaying exponent.
  const std::vector<complex> alpha{{-0.2, 9}, {-0.2, -9}, {0.3, 40}, {0.3, -40}, {-30, 0}};
  std::vector<double> times;
  for (int i = 0; i < 120; ++i) times.push_back(0.05 * i + 0.02 * std::sin(1.7 * i));
  optimized_options o;
  o.rank = kdm::rank_rule::fixed(5);
  int lost = 0;
  for (unsigned seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    const auto x = signal(alpha, times, 6, 10 * seed);
    const auto d = optimized(x, times, o);
    double fastest = 0;  // |Re alpha| times the shortest step
    for (const auto& a : d.exponents) fastest = std::max(fastest, std::abs(a.real()) * 0.03);
    if (fastest > 40) {  // below rounding on the second snapshot
      lost += d.status == optimized_status::runaway;
      CHECK((d.status == optimized_status::runaway || d.status == optimized_status::iteration_limit));
      CHECK(d.relative_residual > 0.1);
    } else CHECK(d.status != optimized_status::runaway);
    // The same data are no trouble from a start that is near.
    o.start = {{-0.15, 9.02}, {-0.15, -9.02}, {0.28, 40.02}, {0.28, -40.02}, {-29, 0}};
    const auto near_by = optimized(x, times, o);
    CHECK(near_by.status == optimized_status::converged);
    CHECK(matching_error(near_by.exponents, alpha) < 1e-9);
    o.start.clear();
  }
  CHECK(lost >= 5);
  CHECK(name_of(optimized_status::runaway) == "runaway exponent");
}

TEST_CASE("optimized: a fast transient that the data do tell is converged") {
  const std::vector<complex> alpha{{-0.3, 2}, {-0.3, -2}, {-100, 0}};  // exp(-5) from one snapshot to the next
  std::vector<double> times;
  for (int i = 0; i < 100; ++i) times.push_back(0.05 * i);
  auto x = signal(alpha, times, 6, 3);
  const auto noise = random_matrix<double>(100, 6, 4, 1e-3);
  for (index_t i = 0; i < 100; ++i)
    for (index_t k = 0; k < 6; ++k) x(i, k) += noise(i, k);
  optimized_options o;
  o.rank = kdm::rank_rule::fixed(3);
  o.start = {{0, 2}, {0, -2}, {-60, 0}};
  CHECK(optimized(x, times, o).status == optimized_status::converged);
}

TEST_CASE("optimized: no start and no bound overflows") {
  const auto times = random_times(50, 1, 4);
  const auto x = signal({{-0.5, 3.}, {-0.5, -3.}}, times, 3, 5);
  for (const double growth : {5000., -5000.}) {
    optimized_options o;
    o.start = {{growth, 3.}, {growth, -3.}};
    const auto d = optimized(x, times, o);
    for (const auto& a : d.exponents) CHECK(std::isfinite(std::abs(a)));
    CHECK(std::isfinite(d.relative_residual));
    CHECK(kdm::first_not_finite(d.evaluate(times).view()) == -1);
  }
}

TEST_CASE("optimized: bad input is named") {
  const std::vector<double> times{0, 1, 2, 3, 4, 5};
  const auto x = random_matrix<double>(6, 2, 1);
  CHECK(message_of<kdm::option_error>([&] { optimized(x, {0, 1, 2, 2, 4, 5}); }) ==
        "dmd::optimized: time 3 is 2, expected finite times, each later than the one before");
  CHECK(message_of<kdm::option_error>([&] { optimized(x, {0, 1, 2, 1.5, 4, 5}); }) ==
        "dmd::optimized: time 3 is 1.5, expected finite times, each later than the one before");
  CHECK(message_of<kdm::option_error>([&] { optimized(x, {0, std::nan(""), 2, 3, 4, 5}); }) ==
        "dmd::optimized: time 1 is nan, expected finite times, each later than the one before");
  CHECK(message_of<kdm::shape_error>([&] { optimized(x, {0, 1, 2}); }) ==
        "dmd::optimized: number of times is 3, expected 6");
  CHECK(message_of<kdm::shape_error>([&] { optimized(random_matrix<double>(6, 9, 1), times); }) ==
        "dmd::optimized: 6 snapshots of rank 6 do not determine 6 exponents and their modes, expected more snapshots "
        "or a lower rank");
  CHECK(message_of<kdm::shape_error>([&] { optimized(matrix<double>(1, 2), {0}); }) ==
        "dmd::optimized: 1 snapshots of 2 numbers, expected at least 2 of 1");
  CHECK(message_of<kdm::numeric_error>([&] { optimized(matrix<double>(6, 2), times); }) ==
        "dmd::optimized: all snapshots are zero");
  auto bad = x;
  bad(4, 1) = std::numeric_limits<double>::infinity();
  CHECK(message_of<kdm::numeric_error>([&] { optimized(bad, times); }) ==
        "dmd::optimized: row 4 of x has inf in column 1, expected a finite number");
  optimized_options o;
  o.start = {{0., 1.}, {0., 2.}};
  CHECK(message_of<kdm::option_error>([&] { optimized(x, times, o); }).find("has no conjugate") != std::string::npos);
  o = {};
  o.lowest_growth = 1;
  o.highest_growth = 0;
  CHECK(message_of<kdm::option_error>([&] { optimized(x, times, o); }) ==
        "dmd::optimized: growth rates between 1 and 0, expected an interval");
  // A constant has the exponent 0.
  matrix<double> constant(6, 2);
  for (index_t i = 0; i < 6; ++i) constant(i, 0) = 1, constant(i, 1) = 2;
  const auto d = optimized(constant, times);
  REQUIRE(d.exponents.size() == 1);
  CHECK(std::abs(d.exponents[0]) < 1e-13);
}

}  // namespace test_optimized_dmd
