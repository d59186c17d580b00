// Linear dynamics against closed forms: predictions, spectra, exponents.
#include "kdm/fit/dynamics.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <complex>
#include <numbers>
#include <vector>

#include "assignment.hpp"
#include "support.hpp"

namespace test_dynamics {

using namespace kdm_test;
using complex = std::complex<double>;
using kdm::index_t;
using kdm::linear_dynamics;
using kdm::matrix;
using std::numbers::pi;

matrix<double> table(index_t rows, index_t cols, const std::vector<double>& values) {
  matrix<double> m(rows, cols);
  for (index_t i = 0; i < m.size(); ++i) m.data()[i] = values[std::size_t(i)];
  return m;
}

matrix<double> unit(index_t n) {
  matrix<double> m(n, n);
  for (index_t i = 0; i < n; ++i) m(i, i) = 1;
  return m;
}

/// The state is the latent.
linear_dynamics plain(const matrix<double>& k, double dt = 1) {
  linear_dynamics d;
  d.encode = d.decode = unit(k.rows());
  d.k = k;
  d.dt = dt;
  kdm::find_spectrum(d);
  return d;
}

/// A damped rotation of rows: z = a (cos, sin) turns to a q (cos(. + w), sin(. + w)).
matrix<double> rotation(double q, double w) {
  return table(2, 2, {q * std::cos(w), q * std::sin(w), -q * std::sin(w), q * std::cos(w)});
}

TEST_CASE("dynamics: a damped rotation at steps and at times in between") {
  const double q = 0.98, w = 0.7, dt = 0.25;
  const linear_dynamics d = plain(rotation(q, w), dt);
  const matrix<double> start = table(2, 2, {1, 0, 0, -2});
  const auto expected = [&](double steps) {
    const double r = std::pow(q, steps), c = r * std::cos(w * steps), s = r * std::sin(w * steps);
    return table(2, 2, {c, s, 2 * s, -2 * c});
  };
  for (const index_t steps : {0, 1, 2, 7, 100}) {
    CHECK(relative_difference(d.step(start, steps), expected(double(steps))) < 1e-14);
    CHECK(relative_difference(d.evaluate(start, dt * double(steps)), expected(double(steps))) < 1e-13);
  }
  for (const double t : {0.1, 0.3333, 2.71828, -0.5}) {
    CAPTURE(t);
    CHECK(relative_difference(d.evaluate(start, t), expected(t / dt)) < 1e-14);
  }
  const matrix<double> path = d.simulate(start.view().row(1), 50);
  REQUIRE(path.rows() == 51);
  for (index_t t = 0; t <= 50; ++t) {
    const matrix<double> then = expected(double(t));
    CHECK(std::hypot(path(t, 0) - then(1, 0), path(t, 1) - then(1, 1)) < 1e-14);
  }
  CHECK(matching_error(d.eigenvalues, {std::polar(q, w), std::polar(q, -w)}) < 1e-15);
  CHECK(d.eigenvalues[0].imag() > 0);
  CHECK(d.eigenvalues[1] == std::conj(d.eigenvalues[0]));
  for (std::size_t j = 0; j < 2; ++j) {
    CHECK(d.growth_rates()[j] == doctest::Approx(std::log(q) / dt).epsilon(1e-13));
    CHECK(std::abs(d.frequencies()[j]) == doctest::Approx(w / dt / (2 * pi)).epsilon(1e-13));
  }
  CHECK(relative_difference(d.state_transition(), rotation(q, -w)) < 1e-15);  // the transpose
}

TEST_CASE("dynamics: encode and decode stand between features and states") {
  // Features (x, x^2), latents swapped and scaled, one state: x -> x / 2, x^2 -> x^2 / 4.
  linear_dynamics d;
  d.encode = table(2, 2, {0, 2, 1, 0});  // z = (x^2, 2 x)
  d.k = table(2, 2, {0.25, 0, 0, 0.5});
  d.decode = table(2, 1, {0, 0.5});
  kdm::find_spectrum(d);
  const matrix<double> psi = table(3, 2, {1, 1, -3, 9, 0.1, 0.01});
  CHECK(relative_difference(d.reconstruct(psi), table(3, 1, {1, -3, 0.1})) < 1e-15);
  CHECK(relative_difference(d.step(psi, 3), table(3, 1, {0.125, -0.375, 0.0125})) < 1e-15);
  const double half = std::sqrt(0.5);
  CHECK(relative_difference(d.evaluate(psi, 0.5), table(3, 1, {half, -3 * half, 0.1 * half})) < 1e-15);
  CHECK(d.features() == 2);
  CHECK(d.latent() == 2);
  CHECK(d.states() == 1);
  // The eigenfunction of 0.5 is a multiple of x, that of 0.25 one of x^2; with the modes they make x.
  const matrix<complex> phi = d.eigenfunctions(psi);
  REQUIRE(std::abs(d.eigenvalues[0] - 0.5) < 1e-15);
  CHECK(std::abs(phi(1, 0) / phi(0, 0) + 3.) < 1e-14);
  CHECK(std::abs(phi(1, 1) / phi(0, 1) - 9.) < 1e-14);
  for (index_t i = 0; i < 3; ++i)
    CHECK(std::abs(phi(i, 0) * d.modes(0, 0) + phi(i, 1) * d.modes(1, 0) - psi(i, 0)) < 1e-15);
}

TEST_CASE("dynamics: a negative eigenvalue turns half a circle a step") {
  const linear_dynamics d = plain(table(1, 1, {-0.9}), 2);
  const matrix<double> one = table(1, 1, {1});
  CHECK(d.exponents()[0].real() == doctest::Approx(std::log(0.9) / 2));
  CHECK(d.exponents()[0].imag() == doctest::Approx(pi / 2));
  CHECK(d.step(one, 3)(0, 0) == doctest::Approx(-0.729).epsilon(1e-14));
  CHECK(d.evaluate(one, 6)(0, 0) == doctest::Approx(-0.729).epsilon(1e-14));
  CHECK(d.evaluate(one, 1.5)(0, 0) == doctest::Approx(std::pow(0.9, 0.75) * std::cos(0.75 * pi)).epsilon(1e-14));
}

TEST_CASE("dynamics: an eigenvalue zero is gone after one step") {
  const linear_dynamics d = plain(table(2, 2, {0.5, 0, 0, 0}));
  const matrix<double> start = table(1, 2, {1, 1});
  CHECK(relative_difference(d.evaluate(start, 0), start) < 1e-15);
  CHECK(relative_difference(d.evaluate(start, 1e-9), table(1, 2, {1, 0})) < 1e-8);
  CHECK(relative_difference(d.evaluate(start, 1), table(1, 2, {0.5, 0})) < 1e-15);
  CHECK(std::isinf(d.growth_rates()[1]));
  CHECK(message_of<kdm::numeric_error>([&] { d.evaluate(start, -1); }) ==
        "linear_dynamics: the time is -1, expected 0 or more: an eigenvalue is 0");
}

TEST_CASE("dynamics: many steps by repeated squaring") {
  const double w = 1e-3;
  const linear_dynamics d = plain(rotation(1, w));
  const double steps = 1e6;
  const matrix<double> expected = table(1, 2, {std::cos(w * steps), std::sin(w * steps)});
  CHECK(relative_difference(d.step(table(1, 2, {1, 0}), index_t(steps)), expected) < 1e-9);
}

TEST_CASE("dynamics: a nearly defective operator says so") {
  CHECK(plain(rotation(0.9, 0.3)).eigenvector_condition < 10);
  const linear_dynamics d = plain(table(2, 2, {0.9, 1, 0, 0.9}));
  CHECK(d.eigenvector_condition > 1e8);
  CHECK(d.step(table(1, 2, {1, 0}), 10)(0, 1) == doctest::Approx(10 * std::pow(0.9, 9)).epsilon(1e-13));
}

TEST_CASE("dynamics: states may come in any tensor that as_view knows") {
  const linear_dynamics d = plain(rotation(0.9, 0.3));
  const matrix<double> same = table(2, 2, {1, 2, 3, 4});
  Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> x(2, 2);
  x << 1, 2, 3, 4;
  CHECK(relative_difference(d.step(x, 3), d.step(same, 3)) == 0);
  CHECK(relative_difference(d.evaluate(x, 0.5), d.evaluate(same, 0.5)) == 0);
  CHECK(relative_difference(d.reconstruct(x), d.reconstruct(same)) == 0);
  CHECK(d.eigenfunctions(x)(1, 0) == d.eigenfunctions(same)(1, 0));
  const Eigen::RowVector2d start(1, 2);
  CHECK(relative_difference(d.simulate(start, 4), d.simulate(same.view().row(0), 4)) == 0);
  const Eigen::Map<const Eigen::Matrix<double, 2, 2, Eigen::RowMajor>> mapped(same.data());
  CHECK(relative_difference(d.step(mapped), d.step(same)) == 0);
  CHECK(relative_difference(d.step({same.data(), 1, 2}), d.step(same.view().row(0))) == 0);
}

TEST_CASE("dynamics: bad arguments are refused") {
  const linear_dynamics d = plain(rotation(0.9, 0.3));
  const matrix<double> start(2, 2), wide(1, 3);
  CHECK(message_of<kdm::shape_error>([&] { d.step(wide); }) ==
        "linear_dynamics: columns of the features is 3, expected 2");
  CHECK(message_of<kdm::shape_error>([&] { d.simulate(start, 3); }) ==
        "linear_dynamics: rows of the first features is 2, expected 1");
  CHECK(message_of<kdm::option_error>([&] { d.step(start, -1); }) ==
        "linear_dynamics: steps is -1, expected 0 or more");
  CHECK_THROWS_AS(d.simulate(start.view().row(0), -1), kdm::option_error);
  CHECK_THROWS_AS(d.evaluate(start, NAN), kdm::option_error);
  CHECK_THROWS_AS(d.reconstruct(wide), kdm::shape_error);
  CHECK_THROWS_AS(d.eigenfunctions(wide), kdm::shape_error);
  CHECK_THROWS_AS(plain(table(1, 1, {NAN})), kdm::numeric_error);
}

}  // namespace test_dynamics
