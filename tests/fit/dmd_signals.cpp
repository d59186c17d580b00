// Dynamic mode decomposition of signals in space and time whose exponents and futures are known exactly.
#include "kdm/fit/dmd.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>
#include <vector>

#include "assignment.hpp"
#include "support.hpp"

namespace test_dmd_signals {

using namespace kdm_test;
using complex = std::complex<double>;
using kdm::dmd_options;
using kdm::fit_status;
using kdm::index_t;
using kdm::linear_dynamics;
using kdm::matrix;
using kdm::rank_rule;
using kdm::snapshot_pairs;
using std::numbers::pi;

struct method {
  const char* name;
  linear_dynamics (*pairs)(const snapshot_pairs&, const dmd_options&);
};
const std::vector<method> methods{
    {"projected", kdm::dmd::projected},
    {"exact", kdm::dmd::exact},
    {"total_least_squares", kdm::dmd::total_least_squares},
    {"forward_backward", kdm::dmd::forward_backward},
};

double largest(const std::vector<double>& v) { return *std::max_element(v.begin(), v.end()); }

TEST_CASE("dmd: the heat equation from few and from many snapshots") {
  // n points between cold ends, five sine modes: rates -(4 nu / h^2) sin^2(k pi h / 2).
  const index_t n = 32, times = 25;
  const double h = 1. / double(n + 1), nu = 0.1, dt = 0.02;
  matrix<double> u(times, n);
  std::vector<complex> expected;
  std::vector<double> rates;
  for (int k = 1; k <= 5; ++k) {
    const double s = std::sin(k * pi * h / 2), rate = -4 * nu / (h * h) * s * s;
    rates.push_back(rate);
    expected.push_back(std::exp(rate * dt));
    for (index_t t = 0; t < times; ++t)
      for (index_t i = 0; i < n; ++i)
        u(t, i) += std::exp(rate * dt * double(t)) * std::sin(k * pi * h * double(i + 1)) / k;
  }
  const snapshot_pairs few = kdm::pairs_from_trajectory(u, {.dt = dt});
  const snapshot_pairs many = kdm::pairs_from_trajectories(std::vector<matrix<double>>{u, u, u, u}, {.dt = dt});
  for (const method& f : methods) {
    CAPTURE(f.name);
    for (const snapshot_pairs* p : {&few, &many}) {
      const auto d = f.pairs(*p, {rank_rule::fixed(5)});
      CHECK(d.latent() == 5);
      CHECK(d.rank.has_gap());
      CHECK(matching_error(d.eigenvalues, expected) < 5e-12);
      for (std::size_t k = 0; k < 5; ++k) CHECK(std::abs(d.growth_rates()[k] - rates[k]) < 1e-8);
      CHECK(d.status == fit_status::rank_deficient);  // 32 columns, 5 directions
      // Half a step on and 30 steps on.
      double worst = 0;
      const auto between = d.evaluate(u.view().row(3), dt / 2), later = d.step(u.view().row(0), 30);
      for (index_t i = 0; i < n; ++i) {
        double half = 0, far = 0;
        for (int k = 1; k <= 5; ++k) {
          const double shape = std::sin(k * pi * h * double(i + 1)) / k, rate = rates[std::size_t(k - 1)];
          half += std::exp(rate * dt * 3.5) * shape;
          far += std::exp(rate * dt * 30) * shape;
        }
        worst = std::max({worst, std::abs(between(0, i) - half), std::abs(later(0, i) - far)});
      }
      CHECK(worst < 1e-10);
    }
    // The tolerance alone finds the five.
    CHECK(f.pairs(few, {rank_rule::tolerance(1e-10)}).latent() == 5);
    CHECK(f.pairs(few, {rank_rule::fixed(5), true}).eigenvalues.size() == 5);
  }
  const auto scaled = kdm::dmd::projected(few, {rank_rule::fixed(5), true});
  CHECK(matching_error(scaled.eigenvalues, expected) < 5e-12);
}

TEST_CASE("dmd: two oscillating modes of a complex signal") {
  // f = sech(x + 3) e^(2.3 i t) + 2 sech x tanh x e^(2.8 i t), its real and imaginary part beside each other.
  const index_t points = 65, times = 129;
  const double dt = 4 * pi / 128;
  matrix<double> u(times, 2 * points);
  for (index_t t = 0; t < times; ++t)
    for (index_t i = 0; i < points; ++i) {
      const double x = -5 + 10 * double(i) / 64, at = dt * double(t);
      const complex f = 1 / std::cosh(x + 3) * std::polar(1., 2.3 * at) +
                        2 / std::cosh(x) * std::tanh(x) * std::polar(1., 2.8 * at);
      u(t, i) = f.real(), u(t, points + i) = f.imag();
    }
  const snapshot_pairs p = kdm::pairs_from_trajectory(u, {.dt = dt});
  for (const method& f : methods) {
    CAPTURE(f.name);
    const auto d = f.pairs(p, {rank_rule::tolerance(1e-10)});
    CHECK(d.latent() == 4);
    const std::vector<complex> expected{{0, 2.3}, {0, -2.3}, {0, 2.8}, {0, -2.8}};
    CHECK(matching_error(d.exponents(), expected) < 1e-12);
    // Pairs stand side by side, and their modes are conjugate.
    for (std::size_t j = 0; j < 4; j += 2) {
      CHECK(d.eigenvalues[j].imag() > 0);
      CHECK(d.eigenvalues[j + 1] == std::conj(d.eigenvalues[j]));
      for (index_t i = 0; i < 2 * points; ++i)
        CHECK(std::abs(d.modes(index_t(j), i) - std::conj(d.modes(index_t(j) + 1, i))) < 1e-13);
    }
    CHECK(relative_difference(d.simulate(u.view().row(0), times - 1), u) < 1e-11);
  }
}

TEST_CASE("dmd: a travelling wave with a mean flow") {
  // Harmonics k of a shedding frequency w: eigenvalues e^(i k w dt), and 1 for the mean.
  const index_t n = 300, times = 60;
  const double w = 1.03, dt = 0.2;
  matrix<double> u(times, n);
  std::vector<complex> expected{1};
  for (int k = 1; k <= 3; ++k)
    for (const int sign : {1, -1}) expected.push_back(std::polar(1., sign * k * w * dt));
  const auto wave = [&](double s, index_t i) {
    const double x = 2 * pi * double(i) / double(n);
    double value = 2 + std::cos(x);
    for (int k = 1; k <= 3; ++k)
      value += std::cos(k * (x - w * s) + 0.3 * k) * std::exp(-std::pow(x - 2, 2) / 8) / (k * k);
    return value;
  };
  for (index_t t = 0; t < times; ++t)
    for (index_t i = 0; i < n; ++i) u(t, i) = wave(dt * double(t), i);
  const snapshot_pairs p = kdm::pairs_from_trajectory(u, {.dt = dt});
  for (const method& f : methods) {
    CAPTURE(f.name);
    const auto d = f.pairs(p, {rank_rule::tolerance(1e-10)});
    CHECK(d.latent() == 7);
    CHECK(matching_error(d.eigenvalues, expected) < 1e-12);
    CHECK(largest(d.residuals) < 1e-11);
    CHECK(largest(d.mode_residuals) < 1e-11);
    double worst = 0;
    const auto then = d.evaluate(u.view().row(0), 7.777);
    for (index_t i = 0; i < n; ++i) worst = std::max(worst, std::abs(then(0, i) - wave(7.777, i)));
    CHECK(worst < 1e-10);
  }
}

TEST_CASE("dmd: delays see an oscillation in one number") {
  std::vector<double> signal;
  for (int t = 0; t < 40; ++t) signal.push_back(std::pow(0.97, t) * std::cos(0.5 * t) + 0.4 * std::cos(1.3 * t + 1));
  const std::vector<complex> expected{std::polar(0.97, 0.5), std::polar(0.97, -0.5), std::polar(1., 1.3),
                                      std::polar(1., -1.3)};
  for (const method& f : methods)
    for (const index_t delays : {4, 12}) {
      CAPTURE(f.name);
      CAPTURE(delays);
      const auto d = f.pairs(kdm::pairs_from_trajectory(signal, {.delays = delays}), {rank_rule::tolerance(1e-10)});
      CHECK(matching_error(d.eigenvalues, expected) < 1e-11);
    }
  CHECK(matching_error(kdm::dmd::projected(kdm::pairs_from_trajectory(signal)).eigenvalues, expected) > 1);
}

}  // namespace test_dmd_signals
