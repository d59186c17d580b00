// EDMD of a nonlinear flow whose Koopman eigenvalues are known: trajectories fall onto a slow parabola and creep along.
#include <algorithm>
#include <cmath>
#include <complex>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "kdm/fit/assignment.hpp"
#include "kdm/fit/dictionaries/polynomials.hpp"
#include "kdm/fit/edmd.hpp"
#include "kdm/math/random.hpp"

using kdm::index_t;

// dx1/dt = mu x1, dx2/dt = lambda (x2 - x1^2), solved in closed form (Brunton, Brunton, Proctor, Kutz 2016, PLoS ONE).
constexpr double mu = -0.05, lambda = -1, dt = 0.1;
constexpr double bend = lambda / (lambda - 2 * mu);  // the slow manifold is x2 = bend x1^2

void flow(const double* x, double t, double* y) {
  const double on = bend * x[0] * x[0];
  y[0] = x[0] * std::exp(mu * t);
  y[1] = (x[1] - on) * std::exp(lambda * t) + on * std::exp(2 * mu * t);
}

int main() {
  kdm::matrix<double> x(2000, 2), y(2000, 2);
  const kdm::random_table random{1};
  for (index_t i = 0; i < x.rows(); ++i) {
    for (index_t j = 0; j < 2; ++j) x(i, j) = 2 * random.uniform<double>(i, j) - 1;
    flow(&x(i, 0), dt, &y(i, 0));
  }

  // x2 falls like x1^2, so it counts twice in the degree: {x1^i x2^j : i + 2 j <= 6} maps into itself under the flow.
  const auto model = kdm::edmd(kdm::monomials({1, 2}, 6), kdm::pairs_from_matrices(x, y, dt));
  std::vector<std::complex<double>> exact;
  for (int i = 0; i <= 6; ++i)
    for (int j = 0; i + 2 * j <= 6; ++j) exact.push_back(std::exp((i * mu + j * lambda) * dt));

  const auto omega = model.dynamics.exponents();
  const auto partner = kdm::optimal_matching(model.dynamics.eigenvalues, exact);
  std::printf("%td features of %td pairs: %s\n  growth rate   i mu + j lambda   residual\n",
              model.dynamics.features(), x.rows(),
              model.dynamics.rank.text().c_str());
  for (std::size_t k = 0; k < omega.size(); ++k)
    std::printf("  %11.8f   %15.8f   %8.1e\n", omega[k].real(), std::log(exact[std::size_t(partner[k])]).real() / dt,
                model.dynamics.residuals[k]);

  // The states are among the features, so the model predicts them, at any time, although the flow is not linear.
  const kdm::matrix<double> start(x.view().row(0));
  double worst = 0;
  for (const double t : {0.25, 1.0, 10.0}) {
    double truth[2];
    flow(start.data(), t, truth);
    const auto predicted = model.evaluate(start, t);
    std::printf("t = %5.2f: x2 = %.10f, predicted %.10f\n", t, truth[1], predicted(0, 1));
    worst = std::max({worst, std::abs(predicted(0, 0) - truth[0]), std::abs(predicted(0, 1) - truth[1])});
  }
  const double off = kdm::matching_distance(model.dynamics.eigenvalues, exact);
  std::printf("largest error of an eigenvalue %.1e, of a prediction %.1e\n", off, worst);
  return off < 1e-12 && worst < 1e-10 ? EXIT_SUCCESS : EXIT_FAILURE;
}
