/// The real logarithm of a matrix on the host.
#pragma once

#include "kdm/core/finite.hpp"
#include "kdm/koopman/host_algebra.hpp"

namespace kdm::detail::host {

/// The principal square root, or an empty matrix where the iteration does not settle.
///
/// Source.    Denman, Beavers 1976; Higham 2008, "Functions of matrices", section 6.3: the product form, with scaling
inline matrix<double> square_root(const matrix<double>& a) {
  const index_t n = a.rows();
  const matrix<double> one = identity_matrix(n);
  matrix<double> x = a, m = a;
  for (int k = 0; k < 60; ++k) {
    const matrix<double> inverted = inverse(m);
    if (inverted.size() == 0) return {};
    // X <- X (I + M^-1) / 2, M <- (I + (M + M^-1) / 2) / 2: M goes to I and X to the root.
    x = times(x, combined(0.5, one, 0.5, inverted));
    m = combined(0.5, one, 0.25, combined(1, m, 1, inverted));
    const double distance = norm1(combined(1, m, -1, one));
    if (!is_finite(distance)) return {};
    if (distance < double(n) * 1e-15) return x;
  }
  return {};
}

/// The principal logarithm: square roots until the matrix is near 1, then the series of 2 artanh.
///
/// Throws.    numeric_error where there is none that is real: an eigenvalue at zero, or on the negative axis.
/// Source.    Higham 2008, "Functions of matrices", sections 11.4 and 11.5 (inverse scaling and squaring)
inline matrix<double> logarithm(const char* who, const matrix<double>& a) {
  const index_t n = a.rows();
  const auto refuse = [&] {
    fail<numeric_error>(who, ": the fitted matrix has no real principal logarithm (an eigenvalue at or near zero, or "
                             "on the negative real axis), expected a matrix that is the exponential of a generator");
  };
  const matrix<double> one = identity_matrix(n);
  matrix<double> root = a;
  double scale = 2;
  for (int k = 0; norm1(combined(1, root, -1, one)) > 0.25; ++k) {
    if (k == 60) refuse();
    root = square_root(root);
    if (root.size() == 0) refuse();
    scale *= 2;
  }
  // log R = 2 artanh Z with Z = (R - 1) (R + 1)^-1, |Z| < 1/7.
  const matrix<double> z = times(combined(1, root, -1, one), inverse(combined(1, root, 1, one)));
  const matrix<double> square = times(z, z);
  matrix<double> power = z, sum = z;
  for (int k = 3; k < 21; k += 2) {
    power = times(power, square);
    sum = combined(1, sum, 1. / k, power);
  }
  return combined(scale, sum, 0, sum);
}

}  // namespace kdm::detail::host
