/// Pseudospectra of the Koopman operator itself: how near to an eigenvalue any point of the plane is, by the data.
#pragma once

#include <Eigen/QR>
#include <cmath>
#include <complex>
#include <limits>
#include <vector>

#include "kdm/core/finite.hpp"
#include "kdm/fit/whitened.hpp"

namespace kdm {

/// tau(z) = min_g |psi(y) g - z psi(x) g| / |psi(x) g| over all combinations g of the features.
///
/// {z : tau(z) <= e} approximates the e-pseudospectrum of the operator, not of the fitted matrix: by tau an eigenvalue
/// that only the finite dictionary made is seen to be none, for example where tau is large at it.
class pseudospectrum {
 public:
  /// Reads a triangle of [psi(x) | psi(y), ...], for instance edmd_accumulator::factor().
  ///
  /// Cost.      O(N^3) once for N features.
  /// Throws.    as edmd.
  /// Source.    Colbrook, Townsend 2024, "Rigorous data-driven computation of spectral properties of Koopman operators
  ///            for dynamical systems", Comm. Pure Appl. Math. 77
  template <class = void>
  explicit pseudospectrum(const snapshot_qr& data, const rank_rule& rule = rank_rule::tolerance())
      : pairs_(detail::whiten("pseudospectrum", data, rule)) {}

  /// tau at one point: the least singular value of [along - z; across].
  ///
  /// Cost.      O(r^3) for rank r: one QR, then inverse iteration with its triangle.
  /// Throws.    option_error for a z that is not finite.
  template <class = void>
  double operator()(std::complex<double> z) const {
    if (!is_finite(z.real()) || !is_finite(z.imag()))
      fail<option_error>("pseudospectrum: z is ", z.real(), " + ", z.imag(), " i, expected a finite number");
    const index_t r = pairs_.latent();
    Eigen::MatrixXcd m(2 * r, r);
    m << pairs_.along.cast<std::complex<double>>(), pairs_.across.cast<std::complex<double>>();
    m.topRows(r).diagonal().array() -= z;
    const double size = m.norm();
    const Eigen::HouseholderQR<Eigen::Ref<Eigen::MatrixXcd>> qr(m);
    const auto upper = m.topRows(r).triangularView<Eigen::Upper>();
    // A diagonal of rounding means tau is rounding; it is lifted a little so that the solves stay finite.
    for (index_t i = 0; i < r; ++i)
      if (std::abs(m(i, i)) < 1e-18 * size) m(i, i) = 1e-18 * size;
    if (size == 0) return 0;
    Eigen::VectorXcd g(r);
    for (index_t i = 0; i < r; ++i) g(i) = std::polar(1., double(i * i));  // no symmetry that could hide the minimum
    g.normalize();
    // tau falls from step to step. Where two singular values are nearly the same it falls slowly, but is near by then.
    double tau = std::numeric_limits<double>::infinity();
    for (int step = 0; step < 300; ++step) {
      g = upper.solve(upper.adjoint().solve(g)).normalized();
      const double lower = (upper * g).norm();
      if (!(lower < tau * (1 - 1e-14))) break;
      tau = lower;
    }
    return tau;
  }

  /// tau on a grid: row i belongs to im[i], column j to re[j].
  ///
  /// Cost.      O(r^3) a point.
  template <class = void>
  matrix<double> grid(const std::vector<double>& re, const std::vector<double>& im) const {
    matrix<double> tau(index_t(im.size()), index_t(re.size()));
    for (index_t i = 0; i < tau.rows(); ++i)
      for (index_t j = 0; j < tau.cols(); ++j)
        tau(i, j) = (*this)({re[std::size_t(j)], im[std::size_t(i)]});
    return tau;
  }

  const rank_decision& rank() const { return pairs_.rank; }

 private:
  detail::whitened_pairs pairs_;
};

}  // namespace kdm
