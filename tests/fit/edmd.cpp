// EDMD on systems whose Koopman eigenvalues are known: a linear map, a slow manifold, a limit cycle.
#include "kdm/fit/edmd.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <complex>

#include "assignment.hpp"
#include "edmd_data.hpp"
#include "kdm/fit/dictionaries/dictionaries.hpp"
#include "support.hpp"

namespace test_edmd {

using namespace kdm_test;

double largest(const std::vector<double>& v) { return *std::max_element(v.begin(), v.end()); }

TEST_CASE("edmd: a linear map on monomials") {
  const auto x = points(200, 2);
  const auto y = image(x, triangular_map);
  const auto model = kdm::edmd(kdm::monomials(2, 3), x, y, {.dt = 0.5});
  const auto& d = model.dynamics;
  const double error = matching_error(d.eigenvalues, triangular_eigenvalues(3));
  MESSAGE("largest eigenvalue error ", error, ", residual ", largest(d.residuals));
  CHECK(error < 1e-14);
  CHECK(largest(d.residuals) < 1e-13);
  CHECK(d.status == kdm::fit_status::ok);
  CHECK(d.rank.rank == 10);
  CHECK(d.relative_residual < 1e-14);
  CHECK(d.dt == 0.5);

  // K itself: the feature x1 moves to 0.9 x1 - 0.2 x2, column 1.
  REQUIRE(d.latent() == 10);
  CHECK(d.encode(3, 3) == 1);
  CHECK(d.k(1, 1) == doctest::Approx(0.9));
  CHECK(d.k(2, 1) == doctest::Approx(-0.2));
  CHECK(std::abs(d.k(3, 1)) < 1e-13);

  // The dictionary holds the state: it is decoded exactly, now, later, in between.
  CHECK(relative_difference(model.reconstruct(x), x) < 1e-13);
  CHECK(relative_difference(model.step(x), y) < 1e-13);
  const auto y2 = image(y, triangular_map), y3 = image(y2, triangular_map);
  CHECK(relative_difference(model.step(x, 3), y3) < 1e-13);
  const auto path = model.simulate(const_view<double>(x).row(0), 3);
  REQUIRE(path.rows() == 4);
  for (index_t j = 0; j < 2; ++j) {
    CHECK(std::abs(path(1, j) - y(0, j)) < 1e-13);
    CHECK(std::abs(path(3, j) - y3(0, j)) < 1e-13);
  }
  CHECK(relative_difference(model.evaluate(x, 1.0), y2) < 1e-12);
  const auto half = model.evaluate(model.evaluate(x, 0.25), 0.25);
  CHECK(relative_difference(half, y) < 1e-12);

  // phi(y) = lambda phi(x) anywhere, and mean square one over the data.
  const auto fresh = points(30, 2, 9, 2);
  CHECK(largest(model.residuals(fresh, image(fresh, triangular_map))) < 1e-12);
  const auto phi = model.eigenfunctions(x);
  for (index_t j = 0; j < 10; ++j) {
    double square = 0;
    for (index_t i = 0; i < 200; ++i) square += std::norm(phi(i, j)) / 200;
    CHECK(square == doctest::Approx(1).epsilon(1e-11));
  }
}

TEST_CASE("edmd: the slow manifold at three sizes") {
  const slow_manifold flow;
  for (const int degree : {6, 10, 14}) {
    const auto x = points(2000, 2);
    const auto model = kdm::edmd(kdm::monomials({1, 2}, degree), x, image(x, flow), {.dt = flow.time});
    const double error = matching_error(model.dynamics.eigenvalues, flow.eigenvalues(degree));
    MESSAGE("degree ", degree, ": ", model.dynamics.features(), " features, condition ", model.dynamics.condition,
            ", largest eigenvalue error ", error, ", residual ", largest(model.dynamics.residuals));
    CHECK(error < (degree == 6 ? 1e-14 : degree == 10 ? 1e-13 : 2e-12));
    CHECK(largest(model.dynamics.residuals) < 1e-10);
    CHECK(model.dynamics.status == kdm::fit_status::ok);
  }
  SUBCASE("features of very different sizes") {
    const auto x = points(2000, 2, 1, 3);
    const auto model = kdm::edmd(kdm::monomials({1, 2}, 10), x, image(x, flow));
    const double error = matching_error(model.dynamics.eigenvalues, flow.eigenvalues(10));
    MESSAGE("degree 10 on [-3, 3]: largest eigenvalue error ", error);
    CHECK(error < 1e-12);
  }
}

TEST_CASE("edmd: the limit cycle of a Hopf normal form has a lattice of eigenvalues") {
  // With s = 1 - mu / r^2 and phi = theta - beta log r: ds = -2 mu s, dphi = omega - beta mu.
  const double mu = 1, omega = 2, beta = 0.5, time = 0.1;
  const auto in_coordinates = [=](const double* x, double* z) {
    const double r = std::hypot(x[0], x[1]);
    z[0] = 1 - mu / (r * r);
    z[1] = std::atan2(x[1], x[0]) - beta * std::log(r);
  };
  const auto flow = [=](const double* x, double* y) {
    const double r0 = std::hypot(x[0], x[1]);
    const double r = std::sqrt(mu / (1 + (mu / (r0 * r0) - 1) * std::exp(-2 * mu * time)));
    const double theta = std::atan2(x[1], x[0]) + (omega - beta * mu) * time + beta * std::log(r / r0);
    y[0] = r * std::cos(theta), y[1] = r * std::sin(theta);
  };
  auto x = points(400, 2, 1, 1.5);
  for (index_t i = 0; i < 400; ++i) {  // not too near the fixed point, where s grows without bound
    const double r = std::hypot(x(i, 0), x(i, 1)), wanted = 0.7 + 0.8 * double(i) / 400;
    x(i, 0) *= wanted / r, x(i, 1) *= wanted / r;
  }
  const auto waves = kdm::of_columns(2, 0, kdm::monomials(1, 2)) * kdm::of_columns(2, 1, kdm::fourier(2));
  const auto psi = kdm::row_features(2, waves.features(), [=](const_view<double> at, kdm::view<double> out) {
    waves.evaluate(image(matrix<double>(at), in_coordinates), out);
  });
  const auto model = kdm::edmd(psi, x, image(x, flow), {.dt = time});
  std::vector<complex> expected;
  for (int j = 0; j <= 2; ++j)
    for (int k = -2; k <= 2; ++k) expected.push_back(std::exp(complex(-2 * mu * j, k * (omega - beta * mu)) * time));
  const double error = matching_error(model.dynamics.eigenvalues, expected);
  MESSAGE("largest eigenvalue error ", error);
  CHECK(error < 1e-13);
  CHECK(largest(model.dynamics.residuals) < 1e-12);
  // The slowest decay is 0, and growth rates are the real parts of exponents.
  std::vector<complex> rates;
  for (const complex l : expected) rates.push_back(std::log(l) / time);
  CHECK(matching_error(model.dynamics.exponents(), rates) < 1e-11);
}

}  // namespace test_edmd
