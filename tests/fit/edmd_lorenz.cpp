// The Lorenz attractor mixes: apart from the constant no eigenvalue of any dictionary is one of the system.
#include <doctest/doctest.h>

#include <cmath>

#include "edmd_data.hpp"
#include "kdm/fit/dictionaries/polynomials.hpp"
#include "kdm/fit/edmd.hpp"
#include "kdm/fit/pseudospectrum.hpp"

namespace test_edmd_lorenz {

using namespace kdm_test;

/// One step of the classical Runge-Kutta method.
void lorenz_step(double* x, double h) {
  const auto f = [](const double* a, double* d) {
    d[0] = 10 * (a[1] - a[0]), d[1] = a[0] * (28 - a[2]) - a[1], d[2] = a[0] * a[1] - 8. / 3 * a[2];
  };
  double k[4][3], at[3];
  f(x, k[0]);
  for (int s = 1; s < 4; ++s) {
    for (int j = 0; j < 3; ++j) at[j] = x[j] + (s == 3 ? h : h / 2) * k[s - 1][j];
    f(at, k[s]);
  }
  for (int j = 0; j < 3; ++j) x[j] += h / 6 * (k[0][j] + 2 * k[1][j] + 2 * k[2][j] + k[3][j]);
}

TEST_CASE("edmd: on the Lorenz attractor only the constant passes the residual test") {
  const index_t snapshots = 4000;
  const double time = 0.2;
  double state[3] = {1, 1, 20};
  for (int k = 0; k < 2000; ++k) lorenz_step(state, 0.01);
  matrix<double> path(snapshots + 1, 3);
  for (index_t i = 0; i <= snapshots; ++i) {
    path(i, 0) = state[0] / 20, path(i, 1) = state[1] / 25, path(i, 2) = (state[2] - 25) / 20;
    for (int k = 0; k < 20; ++k) lorenz_step(state, time / 20);
  }
  kdm::edmd_accumulator data(kdm::monomials(3, 4));
  data.append(path.view().row_range(0, snapshots), path.view().row_range(1, snapshots));
  const auto model = data.fit({.dt = time});
  const auto& d = model.dynamics;
  REQUIRE(d.eigenvalues.size() == 35);
  double next = 1;
  std::size_t supported = 0;
  for (std::size_t j = 0; j < 35; ++j) {
    if (d.residuals[j] < 0.1) {
      ++supported;
      CHECK(std::abs(d.eigenvalues[j] - 1.) < 1e-10);
      CHECK(d.residuals[j] < 1e-10);
    } else {
      next = std::min(next, d.residuals[j]);
    }
  }
  MESSAGE("residuals below 0.1: ", supported, ", the least of the others ", next);
  CHECK(supported == 1);
  // The fitted matrix has eigenvalues well inside the disc that look like any other.
  const kdm::pseudospectrum tau(data.factor());
  for (std::size_t j = 1; j < 35; ++j) CHECK(tau(d.eigenvalues[j]) <= d.residuals[j] * (1 + 1e-9));
}

}  // namespace test_edmd_lorenz
