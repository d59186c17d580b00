/// Snapshot pairs in coordinates in which the features are orthonormal over the data.
#pragma once

#include <Eigen/QR>
#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <vector>

#include "kdm/fit/check.hpp"
#include "kdm/fit/dynamics.hpp"
#include "kdm/fit/rank.hpp"
#include "kdm/fit/snapshot_qr.hpp"
#include "kdm/fit/svd.hpp"

namespace kdm::detail {

/// The features psi(x) w are orthonormal over the rows; what is left of a fit then is two small square matrices.
///
/// For every r x r matrix K and every vector g:
///   |psi(y) w - psi(x) w K|^2 = |along - K|^2 + |across|^2,
///   |psi(y) w g - z psi(x) w g|^2 = |(along - z) g|^2 + |across g|^2 with |psi(x) w g| = |g|.
/// So `along` is the least-squares operator, and `across` what no operator explains.
/// Shapes.    features N, rank r: w [N, r], back [r, N] with psi = psi w back up to what was cut, basis [N, r] with
///            r11 w = basis, along and across [r, r], sigma r values: those kept, of psi(x) with unit columns.
struct whitened_pairs {
  Eigen::MatrixXd w, back, basis, along, across;
  Eigen::VectorXd sigma;
  Eigen::MatrixXd r12, others;  ///< the columns of B: psi(y) along the columns of psi(x), and what follows psi(y)
  double outside = 0;           ///< |psi(y)| outside the span of the columns of psi(x)
  double weight = 0;
  rounding_errors errors;  ///< of the columns of psi(x)
  rank_decision rank;
  double condition = 1;
  fit_status status = fit_status::ok;

  index_t features() const { return w.rows(); }
  index_t latent() const { return w.cols(); }

  /// |(psi(y) w - z psi(x) w) g| / |psi(x) w g| for every column of g.
  template <class = void>
  std::vector<double> residuals(const std::vector<std::complex<double>>& z, const Eigen::MatrixXcd& g) const {
    std::vector<double> result;
    for (index_t j = 0; j < g.cols(); ++j) {
      const Eigen::VectorXcd inside = along * g.col(j) - z[std::size_t(j)] * g.col(j), beside = across * g.col(j);
      const double size = g.col(j).norm();
      result.push_back(size > 0 ? std::hypot(inside.norm(), beside.norm()) / size
                                : std::numeric_limits<double>::infinity());
    }
    return result;
  }

  /// What a ridge of alpha |psi_j|^2 K_jk^2 leaves of each row of `along`.
  template <class = void>
  Eigen::VectorXd shrinkage(double alpha) const {
    const Eigen::VectorXd square = sigma.cwiseAbs2();
    return square.array() / (square.array() + alpha);
  }

  /// |psi(x) K - psi(y)| / |psi(y)| in the features themselves, for K = w k back.
  template <class = void>
  double relative_residual(const Eigen::MatrixXd& k) const {
    const double left = std::hypot((basis * (k * back) - r12).norm(), outside), whole = std::hypot(r12.norm(), outside);
    return whole > 0 ? left / whole : 0;
  }
};

/// Whitens the triangle of [psi(x) | psi(y), others] after scaling the columns of psi(x) to norm one.
///
/// Cost.      O(N^3), independent of the number of rows.
/// Throws.    shape_error without rows or for fewer columns of B than of A; numeric_error when psi(x) is all zero.
template <class = void>
whitened_pairs whiten(const char* who, const snapshot_qr& data, const rank_rule& rule) {
  if (data.rows() < 1) fail<shape_error>(who, ": no pairs, expected at least 1");
  const index_t n = data.a_cols();
  if (data.b_cols() < n)
    fail<shape_error>(who, ": ", data.b_cols(), " features at y, expected the ", n, " of x");
  const snapshot_blocks blocks = data.blocks();
  const Eigen::MatrixXd r11 = to_eigen(blocks.r11), b = to_eigen(blocks.r12);
  Eigen::VectorXd norm = r11.colwise().norm().transpose();
  if (!(norm.maxCoeff() > 0)) fail<numeric_error>(who, ": all features of x are zero, expected one that is not");
  for (index_t j = 0; j < n; ++j)
    if (norm(j) == 0) norm(j) = 1;

  // Rotating the columns of the transposed triangle takes fewer sweeps: r11 / norm = v s u'.
  const svd_factors f = jacobi_svd((r11 * norm.cwiseInverse().asDiagonal()).transpose());
  whitened_pairs p;
  p.errors = data.rounding_of(0, n);
  p.rank = rule.decide({f.s.data(), f.s.data() + n}, data.rows(), n, std::numeric_limits<index_t>::max(),
                       p.errors.divided_by(norm).along_columns(f.u));
  p.rank.numerical_rank = std::min(p.rank.numerical_rank, data.rows());
  p.rank.rank = std::min(p.rank.rank, data.rows());
  const index_t r = p.rank.rank;
  if (r < 1) fail<numeric_error>(who, ": the rank rule keeps no feature, expected a rule that keeps one");
  if (data.rows() < n) p.status = fit_status::fewer_rows_than_columns;
  else if (p.rank.numerical_rank < n) p.status = fit_status::rank_deficient;
  p.condition = f.s(0) / f.s(r - 1);
  p.weight = data.weight();
  p.sigma = f.s.head(r);
  p.basis = f.v.leftCols(r);
  p.w = norm.cwiseInverse().asDiagonal() * f.u.leftCols(r) * p.sigma.cwiseInverse().asDiagonal();
  p.back = p.sigma.asDiagonal() * f.u.leftCols(r).transpose() * norm.asDiagonal();
  p.r12 = b.leftCols(n);
  p.others = b.rightCols(b.cols() - n);
  const Eigen::MatrixXd r22 = to_eigen(blocks.r22).topLeftCorner(n, n);  // psi(y) ends here: below are the others
  p.outside = r22.norm();

  const Eigen::MatrixXd image = p.r12 * p.w;
  p.along = p.basis.transpose() * image;
  Eigen::MatrixXd rest(2 * n, r);
  rest << image - p.basis * p.along, r22 * p.w;
  const Eigen::HouseholderQR<Eigen::Ref<Eigen::MatrixXd>> qr(rest);
  p.across = rest.topRows(r).triangularView<Eigen::Upper>();
  if (!p.w.allFinite() || !p.along.allFinite() || !p.across.allFinite())
    fail<numeric_error>(who, ": a feature is too small or too large for its square, expected features near 1");
  return p;
}

/// Dynamics in the latents psi w sqrt(weight), which have mean square one over the data, moved on by k.
///
/// Eigenfunctions then have mean square one as well. The decoder is the least-squares map from latents to `others`.
template <class = void>
linear_dynamics whitened_dynamics(const whitened_pairs& p, const Eigen::MatrixXd& k, double dt) {
  const double scale = std::sqrt(p.weight);
  linear_dynamics d;
  d.encode = from_eigen(p.w * scale);
  d.k = from_eigen(k);
  d.decode = from_eigen(p.basis.transpose() * p.others / scale);
  d.dt = dt;
  d.rank = p.rank;
  d.condition = p.condition;
  d.status = p.status;
  d.relative_residual = p.relative_residual(k);
  find_spectrum(d);
  const Eigen::MatrixXcd v = to_eigen_complex(d.eigenvectors.view());
  d.residuals = p.residuals(d.eigenvalues, v);
  check_residual(d);
  check_growth(d, p.w * v, v.colwise().norm().transpose(), p.errors, "as it is known");
  return d;
}

/// The same dynamics with the features themselves as latents. For full rank alone.
template <class = void>
void use_features_as_latents(linear_dynamics& d, const whitened_pairs& p, const Eigen::MatrixXd& k) {
  const Eigen::MatrixXd encode = to_eigen(d.encode);
  d.k = from_eigen(p.w * (k * p.back));
  d.decode = from_eigen(encode * to_eigen(d.decode));
  d.eigenvectors = from_eigen(encode.cast<std::complex<double>>() * to_eigen_complex(d.eigenvectors.view()));
  d.encode = from_eigen(Eigen::MatrixXd::Identity(p.features(), p.features()));
}

}  // namespace kdm::detail
