// Spurious eigenvalues: what a finite dictionary makes up about the doubling map, and the residuals that give it away.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "kdm/fit/dictionaries/waves.hpp"
#include "kdm/fit/edmd.hpp"
#include "kdm/fit/pseudospectrum.hpp"

using kdm::index_t;

int main() {
  // x(next) = 2 x mod 1. On exp(2 pi i k x) it acts as k -> 2 k, an isometry: no function but the constant keeps its
  // shape, so 1 is the only eigenvalue. A dictionary of 8 harmonics loses the others out of sight.
  kdm::matrix<double> x(256, 1), y(256, 1);
  for (index_t i = 0; i < x.rows(); ++i) {
    x(i, 0) = double(i) / double(x.rows());
    y(i, 0) = std::fmod(2 * x(i, 0), 1.);
  }
  kdm::edmd_accumulator data(kdm::fourier(8, 1.));
  data.append(x, y);
  const auto model = data.fit();

  std::puts("|eigenvalue|   residual");
  bool as_expected = true;
  for (std::size_t k = 0; k < model.dynamics.eigenvalues.size(); ++k) {
    const double size = std::abs(model.dynamics.eigenvalues[k]), residual = model.dynamics.residuals[k];
    const bool keep = residual < 0.1;
    std::printf("%12.2e   %8.1e   %s\n", size, residual, keep ? "keep" : "spurious: made by the dictionary");
    // The exact ones: 1 with residual 0, and a defective 0, which rounding spreads, with residual 1.
    as_expected = as_expected && (keep ? std::abs(size - 1) < 1e-12 && residual < 1e-12
                                       : size < 1e-2 && std::abs(residual - 1) < 1e-2);
    as_expected = as_expected && keep == (k == 0);
  }

  // The pseudospectrum asks the data about any point z, not only about eigenvalues. An isometry has no residual below
  // | |z| - 1 |, and for z in [0, 1] the constant reaches it: nothing is near an eigenvalue inside of the disc.
  const kdm::pseudospectrum tau(data.factor());
  std::puts("    z   least residual of any function   1 - z");
  for (const double z : {0., 0.25, 0.5, 0.75, 1.}) {
    std::printf("%5.2f   %30.12f   %5.2f\n", z, tau(z), 1 - z);
    as_expected = as_expected && std::abs(tau(z) - (1 - z)) < 1e-8;
  }
  return as_expected ? EXIT_SUCCESS : EXIT_FAILURE;
}
