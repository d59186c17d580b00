/// Residuals of eigenpairs: which of a fit's eigenvalues the data support.
#pragma once

#include <cmath>
#include <complex>
#include <limits>
#include <vector>

#include "kdm/fit/snapshot_qr.hpp"

namespace kdm {

/// |(B - lambda A) g| / |A g| for every pair (lambda, g), from the triangle of [A | B].
///
/// With rows A = psi(x) and B = psi(y), g holds the coefficients of a candidate eigenfunction, and the residual is its
/// relative error |phi(y) - lambda phi(x)| over the data: near zero it is one, whatever lambda the fit invented.
/// It is infinite where A g vanishes. Computed as the root of (|(r12 - lambda r11) g|^2 + |r22 g|^2) / |r11 g|^2, which
/// resolves residuals down to rounding; products A'A would stop at its square root.
/// Shapes.    as many columns of A as of B; eigenvectors [a_cols, eigenvalues], those of the EDMD matrix K.
/// Throws.    shape_error naming what does not fit.
/// Source.    Colbrook, Ayton, Szoke 2023, "Residual dynamic mode decomposition", J. Fluid Mech. 955
template <class = void>
std::vector<double> eigenpair_residuals(const snapshot_qr& data,
                                        const std::vector<std::complex<double>>& eigenvalues,
                                        const_view<std::complex<double>> eigenvectors) {
  require_size("eigenpair_residuals: columns of b", data.b_cols(), data.a_cols());
  require_size("eigenpair_residuals: rows of the eigenvectors", eigenvectors.rows, data.a_cols());
  require_size("eigenpair_residuals: columns of the eigenvectors", eigenvectors.cols, index_t(eigenvalues.size()));
  const snapshot_blocks r = data.blocks();
  const auto square_sum = [n = data.a_cols()](auto entry) {
    double sum = 0;
    for (index_t i = 0; i < n; ++i) sum += std::norm(entry(i));
    return sum;
  };
  const auto times = [&](const matrix<double>& m, index_t i, index_t k) {
    std::complex<double> sum = 0;
    for (index_t j = 0; j < m.cols(); ++j) sum += m(i, j) * eigenvectors(j, k);
    return sum;
  };
  std::vector<double> residuals;
  for (index_t k = 0; k < index_t(eigenvalues.size()); ++k) {
    const std::complex<double> lambda = eigenvalues[std::size_t(k)];
    const double inside = square_sum([&](index_t i) { return times(r.r12, i, k) - lambda * times(r.r11, i, k); });
    const double outside = square_sum([&](index_t i) { return times(r.r22, i, k); });
    const double size = square_sum([&](index_t i) { return times(r.r11, i, k); });
    residuals.push_back(size > 0 ? std::sqrt((inside + outside) / size) : std::numeric_limits<double>::infinity());
  }
  return residuals;
}

}  // namespace kdm
