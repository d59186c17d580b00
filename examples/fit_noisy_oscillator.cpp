// What measurement noise does to a fit: least squares damps what does not decay, two other fits do not.
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "kdm/fit/dmd.hpp"
#include "kdm/math/random.hpp"

using kdm::index_t;

struct estimate {
  double sum = 0, squares = 0;
  int count = 0;
  void add(double value) { sum += value, squares += value * value, ++count; }
  double mean() const { return sum / count; }
  /// Standard deviation of the mean.
  double error() const { return std::sqrt((squares / count - mean() * mean()) / (count - 1)); }
};

int main() {
  // x(next) = A x with A = [[1 1] [-1 2]] / sqrt(3), |lambda| = 1 (Dawson, Hemati, Williams, Rowley 2016, Exp. Fluids).
  constexpr index_t pairs = 500;
  constexpr int draws = 400;
  kdm::matrix<double> clean(pairs + 1, 2);
  clean(0, 0) = 1, clean(0, 1) = 0.1;
  for (index_t t = 0; t < pairs; ++t) {
    clean(t + 1, 0) = (clean(t, 0) + clean(t, 1)) / std::sqrt(3.);
    clean(t + 1, 1) = (2 * clean(t, 1) - clean(t, 0)) / std::sqrt(3.);
  }
  // The sum of 1 / s^2 over the singular values s of X is the trace of the inverse of X'X = [[a b] [b d]].
  double a = 0, b = 0, d = 0;
  for (index_t t = 0; t < pairs; ++t)
    a += clean(t, 0) * clean(t, 0), b += clean(t, 0) * clean(t, 1), d += clean(t, 1) * clean(t, 1);
  const double trace = (a + d) / (a * d - b * b);

  bool as_expected = true;
  std::printf("mean of |lambda| - 1 over %d draws of the noise, and the deviation of that mean\n", draws);
  std::puts("noise   exact                  first-order theory   forward-backward        total least squares");
  for (const double sigma : {0.02, 0.05, 0.1, 0.2}) {
    std::array<estimate, 3> bias;
    kdm::matrix<double> noisy(clean.rows(), 2);
    for (int draw = 0; draw < draws; ++draw) {
      const kdm::random_table noise{7, kdm::streams::user, std::uint32_t(draw)};
      for (index_t t = 0; t < noisy.rows(); ++t)
        for (index_t j = 0; j < 2; ++j) noisy(t, j) = clean(t, j) + sigma * noise.normal<double>(t, j);
      const auto data = kdm::pairs_from_trajectory(noisy);
      bias[0].add(std::abs(kdm::dmd::exact(data).eigenvalues[0]) - 1);
      bias[1].add(std::abs(kdm::dmd::forward_backward(data).eigenvalues[0]) - 1);
      bias[2].add(std::abs(kdm::dmd::total_least_squares(data).eigenvalues[0]) - 1);
    }
    const double theory = -0.5 * pairs * sigma * sigma * trace;
    std::printf("%5.2f  %10.2e +- %.1e   %18.2e", sigma, bias[0].mean(), bias[0].error(), theory);
    for (const std::size_t k : {1u, 2u}) std::printf("   %10.2e +- %.1e", bias[k].mean(), bias[k].error());
    std::puts("");

    // Where the theory holds, exact follows it; what the others have left is below a hundredth of that bias.
    if (sigma <= 0.05) as_expected = as_expected && std::abs(bias[0].mean() / theory - 1) < 0.1;
    for (const std::size_t k : {1u, 2u})
      as_expected = as_expected && std::abs(bias[k].mean()) < 5 * bias[k].error() + 0.01 * std::abs(bias[0].mean());
  }
  return as_expected ? EXIT_SUCCESS : EXIT_FAILURE;
}
