// Bagging: the spread of exponents over parts of noisy snapshots, and the matching it rests on.
#include "kdm/fit/bagging_dmd.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <numeric>
#include <vector>

#include "assignment.hpp"
#include "support.hpp"

namespace test_bagging_dmd {

using namespace kdm_test;
using complex = std::complex<double>;
using kdm::index_t;
using kdm::matrix;

TEST_CASE("assignment: no permutation of a small table is cheaper") {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    const auto cost = random_matrix<double>(5, 5, seed);
    const auto total = [&](const std::vector<index_t>& columns) {
      double sum = 0;
      for (index_t i = 0; i < 5; ++i) sum += cost(i, columns[std::size_t(i)]);
      return sum;
    };
    std::vector<index_t> columns(5);
    std::iota(columns.begin(), columns.end(), index_t(0));
    double least = total(columns);
    while (std::next_permutation(columns.begin(), columns.end())) least = std::min(least, total(columns));
    CHECK(total(kdm::optimal_assignment(cost)) == doctest::Approx(least));
  }
  CHECK(kdm::optimal_assignment(matrix<double>(0, 0)).empty());
  CHECK(message_of<kdm::shape_error>([] { kdm::optimal_assignment(matrix<double>(2, 3)); }) ==
        "optimal_assignment: columns of the costs is 3, expected 2");
  matrix<double> bad(1, 1);
  bad(0, 0) = NAN;
  CHECK(message_of<kdm::numeric_error>([&] { kdm::optimal_assignment(bad); }) ==
        "optimal_assignment: a cost is not finite");
}

/// Three lanes, chunks from the last to the first: what a lane may rely on and no more.
struct backwards {
  int lanes() const { return 3; }
  template <class F>
  void for_chunks(index_t n, index_t grain, F&& f) const {
    for (index_t c = (n + grain - 1) / grain; c-- > 0;) f(c * grain, std::min(n, (c + 1) * grain), int(c % 3));
  }
};

const std::vector<complex> alpha{{-0.1, 2.3}, {-0.1, -2.3}, {-0.4, 5.1}, {-0.4, -5.1}};

struct noisy {
  std::vector<double> times;
  matrix<double> x;
};
noisy damped_cosines(index_t count, double noise, unsigned seed) {
  noisy d{{}, random_matrix<double>(count, 5, seed, noise)};
  const auto modes = random_matrix<double>(4, 5, 40);
  for (index_t i = 0; i < count; ++i) {
    const double t = 4 * (double(i) + 0.3 * std::sin(double(i * i))) / double(count);
    d.times.push_back(t);
    for (index_t j = 0; j < 4; ++j) {
      const complex factor = std::exp(alpha[std::size_t(j)] * t);
      for (index_t k = 0; k < 5; ++k) d.x(i, k) += (j % 2 ? factor.imag() : factor.real()) * modes(j, k);
    }
  }
  return d;
}

TEST_CASE("bagging: without noise every trial agrees") {
  const auto d = damped_cosines(80, 0, 1);
  kdm::dmd::bagging_options o;
  o.trials = 10;
  o.fit.rank = kdm::rank_rule::fixed(4);
  const auto b = kdm::dmd::bagging(d.x, d.times, o);
  CHECK(b.trials == 10);
  CHECK(b.failed == 0);
  CHECK(matching_error(b.exponents, alpha) < 1e-12);
  for (std::size_t j = 0; j < 4; ++j) {
    CHECK(b.growth_deviations[j] < 1e-12);
    CHECK(b.frequency_deviations[j] < 1e-12);
  }
  CHECK(relative_difference(b.mode_deviations, matrix<double>(4, 5)) < 1e-11);
  for (index_t j = 0; j < 4; ++j)
    for (index_t k = 0; k < 5; ++k) CHECK(std::abs(b.modes(j, k) - b.whole.modes(j, k)) < 1e-11);
}

TEST_CASE("bagging: the spread is of the size of the error and has the same bits in any lanes") {
  const auto d = damped_cosines(300, 0.1, 7);
  kdm::dmd::bagging_options o;
  o.trials = 40;
  o.fit.rank = kdm::rank_rule::fixed(4);
  o.seed = 5;
  const auto b = kdm::dmd::bagging(d.x, d.times, o);
  CHECK(b.trials + b.failed == 40);
  CHECK(b.trials >= 38);
  CHECK(b.exponents[0] == std::conj(b.exponents[1]));
  for (std::size_t j = 0; j < 4; ++j) {
    double off = 10;
    for (const auto& a : alpha) off = std::min(off, std::abs(b.exponents[j] - a));
    const double spread = std::hypot(b.growth_deviations[j], 2 * 3.14159265358979 * b.frequency_deviations[j]);
    CHECK(spread > 1e-3);
    CHECK(spread < 0.2);
    CHECK(off < 4 * spread);
  }
  const auto again = kdm::dmd::bagging(d.x, d.times, o, backwards{});
  CHECK(again.exponents == b.exponents);
  CHECK(relative_difference(again.mode_deviations, b.mode_deviations) == 0);
  o.seed = 6;
  CHECK(kdm::dmd::bagging(d.x, d.times, o).exponents != b.exponents);
}

TEST_CASE("bagging: the deviations are those of independent data sets for any share") {
  // The truth: fits of 200 data sets whose noise is drawn anew. Of 4 modes in 5 columns, 4 of 5 directions are kept.
  kdm::dmd::optimized_options fit;
  fit.rank = kdm::rank_rule::fixed(4);
  fit.start = alpha;
  const index_t count = 100, sets = 200;
  const auto clean = damped_cosines(count, 0, 1);
  const auto truth = kdm::dmd::optimized(clean.x, clean.times, fit);
  struct variances {
    double growth = 0, frequency = 0, mode = 0;
  };
  variances real;
  for (unsigned s = 0; s < sets; ++s) {
    const auto d = damped_cosines(count, 0.05, 100 + s);
    const auto f = kdm::dmd::optimized(d.x, d.times, fit);
    for (std::size_t j = 0; j < 4; j += 2) {
      real.growth += std::pow(f.exponents[j].real() - alpha[j].real(), 2) / sets;
      real.frequency += std::pow((f.exponents[j].imag() - alpha[j].imag()) / 6.283185307179586, 2) / sets;
    }
    for (index_t j = 0; j < 4; ++j)
      for (index_t k = 0; k < 5; ++k) real.mode += std::norm(f.modes(j, k) - truth.modes(j, k)) / sets;
  }
  for (const double share : {0.3, 0.6, 0.8}) {
    CAPTURE(share);
    variances told;
    const unsigned repeats = 3;
    for (unsigned s = 0; s < repeats; ++s) {
      const auto d = damped_cosines(count, 0.05, 500 + s);
      const auto b = kdm::dmd::bagging(d.x, d.times, {.fit = fit, .trials = 60, .share = share, .seed = s});
      for (std::size_t j = 0; j < 4; j += 2) {
        told.growth += std::pow(b.growth_deviations[j], 2) / repeats;
        told.frequency += std::pow(b.frequency_deviations[j], 2) / repeats;
      }
      for (index_t j = 0; j < 4; ++j)
        for (index_t k = 0; k < 5; ++k) told.mode += std::pow(b.mode_deviations(j, k), 2) / repeats;
    }
    CHECK(std::sqrt(told.growth / real.growth) == doctest::Approx(1).epsilon(0.2));
    CHECK(std::sqrt(told.frequency / real.frequency) == doctest::Approx(1).epsilon(0.2));
    CHECK(std::sqrt(told.mode / real.mode) == doctest::Approx(0.95).epsilon(0.2));
  }
}

TEST_CASE("bagging: options that leave too little are errors") {
  const auto d = damped_cosines(20, 0, 1);
  kdm::dmd::bagging_options o;
  o.fit.rank = kdm::rank_rule::fixed(4);
  o.trials = 1;
  CHECK(message_of<kdm::option_error>([&] { kdm::dmd::bagging(d.x, d.times, o); }) ==
        "dmd::bagging: 1 trials of a share of 0.6, expected at least 2 and a share in (0, 1)");
  o.trials = 5;
  o.share = 1;
  CHECK(message_of<kdm::option_error>([&] { kdm::dmd::bagging(d.x, d.times, o); }) ==
        "dmd::bagging: 5 trials of a share of 1, expected at least 2 and a share in (0, 1)");
  o.share = 0.99;
  CHECK(message_of<kdm::option_error>([&] { kdm::dmd::bagging(d.x, d.times, o); }) ==
        "dmd::bagging: a share of 0.99 of 20 snapshots is all of them, so every trial is the same, expected a smaller "
        "share");
  o.share = 0.2;
  CHECK(message_of<kdm::shape_error>([&] { kdm::dmd::bagging(d.x, d.times, o); }) ==
        "dmd::bagging: 4 of 20 snapshots do not determine 4 exponents and their modes, expected a larger share");
}

}  // namespace test_bagging_dmd
