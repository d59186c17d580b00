// The Hopf normal form: its Koopman spectrum from pairs of states, from the vector field, and its asymptotic phase.
#include <algorithm>
#include <cmath>
#include <complex>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "kdm/fit/assignment.hpp"
#include "kdm/fit/dictionaries/observables.hpp"
#include "kdm/fit/gedmd.hpp"
#include "kdm/math/random.hpp"

using kdm::index_t;
using complex = std::complex<double>;

// dr/dt = mu r - r^3, dtheta/dt = omega - beta r^2: every orbit winds onto the circle r^2 = mu.
// With s = 1 - mu / r^2 and phi = theta - beta log r: ds/dt = -2 mu s and dphi/dt = omega - beta mu, both linear.
constexpr double mu = 1, omega = 2, beta = 0.5, dt = 0.1;

void flow(const double* x, double t, double* y) {
  const double r2 = x[0] * x[0] + x[1] * x[1];
  const double stretch = std::sqrt(mu / (1 + (mu / r2 - 1) * std::exp(-2 * mu * t)) / r2);
  const complex z = complex(x[0], x[1]) * std::polar(stretch, (omega - beta * mu) * t + beta * std::log(stretch));
  y[0] = z.real(), y[1] = z.imag();
}

// s^j, s^j cos(k phi) and s^j sin(k phi) for j, k <= 2. Written for any number type, so derivatives come with it.
constexpr auto features = [](const auto* x, auto* psi) {
  using std::cos, std::log, std::sin, std::sqrt;
  const auto r2 = x[0] * x[0] + x[1] * x[1], r = sqrt(r2), s = 1. - mu / r2;
  const auto turn = beta * log(r), c = cos(turn), d = sin(turn);
  const auto a = (x[0] * c + x[1] * d) / r, b = (x[1] * c - x[0] * d) / r;  // cos(phi) and sin(phi)
  for (int j = 0; j < 3; ++j) {
    const auto power = j == 0 ? 1. + 0. * s : j == 1 ? s : s * s;
    psi[5 * j] = power;
    psi[5 * j + 1] = power * a, psi[5 * j + 2] = power * b;
    psi[5 * j + 3] = power * (a * a - b * b), psi[5 * j + 4] = power * (2. * a * b);
  }
};

int main() {
  kdm::matrix<double> x(1000, 2), y(1000, 2), rate(1000, 2);
  const kdm::random_table random{2};
  for (index_t i = 0; i < x.rows(); ++i) {
    const double r = 0.6 + random.uniform<double>(i, 0), angle = 6.283185307 * random.uniform<double>(i, 1);
    x(i, 0) = r * std::cos(angle), x(i, 1) = r * std::sin(angle);
    flow(&x(i, 0), dt, &y(i, 0));
    const double grow = mu - r * r, spin = omega - beta * r * r;
    rate(i, 0) = grow * x(i, 0) - spin * x(i, 1), rate(i, 1) = grow * x(i, 1) + spin * x(i, 0);
  }

  const kdm::smooth_observables dictionary(2, 15, features);
  const auto of_pairs = kdm::edmd(dictionary, kdm::pairs_from_matrices(x, y, dt));
  const auto of_field = kdm::gedmd(dictionary, x.view(), rate.view());
  std::vector<complex> exact;
  for (int j = 0; j <= 2; ++j)
    for (int k = -2; k <= 2; ++k) exact.push_back({0 - 2 * mu * j, k * (omega - beta * mu)});
  const auto found = of_pairs.dynamics.exponents();
  std::puts("-2 mu j + i k (omega - beta mu)   from pairs               residual   from the field           residual");
  const auto pair = kdm::optimal_matching(exact, found), field = kdm::optimal_matching(exact, of_field.exponents);
  for (std::size_t k = 0; k < exact.size(); ++k) {
    const std::size_t p = std::size_t(pair[k]), f = std::size_t(field[k]);
    const complex a = exact[k], b = found[p], c = of_field.exponents[f];
    std::printf("%15.1f %+6.1f i %19.10f %+.10f i   %7.1e %14.10f %+.10f i   %7.1e\n", a.real(), a.imag(), b.real(),
                b.imag(), of_pairs.dynamics.residuals[p], c.real(), c.imag(), of_field.dynamics.residuals[f]);
  }

  // The argument of the eigenfunction of i (omega - beta mu) is, up to a constant, the asymptotic phase: states that
  // share it end up as one. In closed form it is phi.
  const auto eigenfunctions = of_pairs.eigenfunctions(x);
  const auto turned = [&](index_t i) {
    const double phi = std::atan2(x(i, 1), x(i, 0)) - beta * std::log(std::hypot(x(i, 0), x(i, 1)));
    return eigenfunctions(i, pair[3]) / std::polar(1., phi);
  };
  double phase = 0;
  for (index_t i = 0; i < x.rows(); ++i) phase = std::max(phase, std::abs(turned(i) - turned(0)));
  const double by_pairs = kdm::matching_distance(exact, found);
  const double by_field = kdm::matching_distance(exact, of_field.exponents);
  std::printf("largest errors: exponents %.1e from pairs and %.1e from the field, phase %.1e\n", by_pairs, by_field,
              phase);
  return std::max({by_pairs, by_field, phase}) < 1e-10 ? EXIT_SUCCESS : EXIT_FAILURE;
}
