// Your own dictionary: the functions in which a pendulum with little swing is nearly linear, and what EDMD says of them.
#include <cmath>
#include <cstdio>

#include "kdm/fit/dictionaries/dictionaries.hpp"
#include "kdm/fit/edmd.hpp"

// The state is an angle and a speed. Energy is kept by the pendulum: an eigenfunction with eigenvalue 1.
struct pendulum_functions {
  kdm::index_t inputs() const { return 2; }
  kdm::index_t features() const { return 4; }

  void evaluate(kdm::const_view<double> x, kdm::view<double> psi) const {
    for (kdm::index_t i = 0; i < x.rows; ++i) {
      const double angle = x(i, 0), speed = x(i, 1);
      psi(i, 0) = angle;
      psi(i, 1) = speed;
      psi(i, 2) = speed * speed / 2;
      psi(i, 3) = 1 - std::cos(angle);
    }
  }
};
static_assert(kdm::dictionary<pendulum_functions>);

// 0.1 seconds of angle'' = -sin(angle), in steps small enough not to matter.
void swing(const double* x, double* y) {
  double angle = x[0], speed = x[1];
  for (int k = 0; k < 100; ++k) {
    speed -= 0.0005 * std::sin(angle);
    angle += 0.001 * speed;
    speed -= 0.0005 * std::sin(angle);
  }
  y[0] = angle, y[1] = speed;
}

int main() {
  const kdm::index_t pairs = 1000;
  kdm::matrix<double> x(pairs, 2), y(pairs, 2);
  const kdm::random_table table{1};
  for (kdm::index_t i = 0; i < pairs; ++i) {
    for (kdm::index_t j = 0; j < 2; ++j) x(i, j) = 2 * table.uniform<double>(i, j) - 1;
    swing(&x(i, 0), &y(i, 0));
  }

  // A dictionary of the user's combines with those of the library.
  const auto psi = pendulum_functions{} + kdm::constant_dictionary(2);
  const auto model = kdm::edmd(psi, x, y, {.dt = 0.1});
  std::printf("%s\n    lambda                 frequency   residual\n", model.dynamics.rank.text().c_str());
  const auto frequency = model.dynamics.frequencies();
  std::size_t kept = 0;
  for (std::size_t j = 0; j < frequency.size(); ++j) {
    const auto lambda = model.dynamics.eigenvalues[j];
    const double residual = model.dynamics.residuals[j];
    std::printf("%9.5f %+9.5f i   %9.4f   %8.1e%s\n", lambda.real(), lambda.imag(), frequency[j], residual,
                residual < 1e-4 ? "   supported by the data" : "");
    kept += residual < 1e-4;
  }

  // Energy and the constant, both with eigenvalue 1: nothing else of these functions is exact.
  const auto later = model.simulate(x.view().row(0), 10);
  std::printf("a swing after 1 s: angle %.4f, speed %.4f\n", later(10, 0), later(10, 1));
  return kept == 2 ? 0 : 1;
}
