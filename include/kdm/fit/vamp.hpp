/// The variational approach to Markov processes: how much of the dynamics a dictionary holds.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kdm/core/matrix.hpp"
#include "kdm/fit/rank.hpp"
#include "kdm/fit/snapshot_qr.hpp"
#include "kdm/fit/svd.hpp"

namespace kdm {

/// Singular values of the Koopman operator between the two sets of features, and the functions they belong to.
struct vamp_result {
  std::vector<double> singular_values;  ///< largest first, in [0, 1]: 1 for what is predicted exactly
  /// [N, r], a column each: psi(x) left_j and psi(y) right_j have mean square one and correlate by sigma_j.
  matrix<double> left, right;
  rank_decision rank_x, rank_y;

  /// The sum of sigma^power: VAMP-1, VAMP-2 and so on. Larger is better; with the constant among the features it
  /// includes 1 for it.
  double score(double power = 2) const {
    double sum = 0;
    for (const double s : singular_values) sum += std::pow(s, power);
    return sum;
  }
};

/// Canonical correlations of psi(x) and psi(y), from their triangle: sigma of C00^-1/2 C01 C11^-1/2 without products.
///
/// Shapes.    a triangle of [psi(x) | psi(y)]; psi(y) is the first `y_features` columns of B, all of them if 0.
/// Cost.      O(N^3), independent of the number of rows.
/// Throws.    shape_error without rows or columns; numeric_error when either side is all zero.
/// Source.    Wu, Noe 2020, "Variational approach for learning Markov processes from time series data", J. Nonlinear
///            Sci. 30
template <class = void>
vamp_result vamp(const snapshot_qr& data, const rank_rule& rule = rank_rule::tolerance(), index_t y_features = 0) {
  if (data.rows() < 1) fail<shape_error>("vamp: no pairs, expected at least 1");
  if (y_features == 0) y_features = data.b_cols();
  if (y_features < 1 || y_features > data.b_cols())
    fail<shape_error>("vamp: ", y_features, " features at y, expected 1 to ", data.b_cols());
  const snapshot_blocks blocks = data.blocks();
  const index_t n = data.a_cols();
  // The columns of [r12; r22] are psi(y) in the same orthonormal basis in which those of r11 are psi(x).
  Eigen::MatrixXd x = Eigen::MatrixXd::Zero(n + y_features, n), y(n + y_features, y_features);
  x.topRows(n) = detail::to_eigen(blocks.r11);
  y << detail::to_eigen(blocks.r12).leftCols(y_features),
      detail::to_eigen(blocks.r22).topLeftCorner(y_features, y_features);

  const double scale = std::sqrt(data.weight());
  const auto whiten = [&](const char* name, const Eigen::MatrixXd& m, const detail::rounding_errors& errors,
                          rank_decision& decision, Eigen::MatrixXd& w) {
    Eigen::VectorXd norm = m.colwise().norm().transpose();
    if (!(norm.maxCoeff() > 0))
      fail<numeric_error>("vamp: all features of ", name, " are zero, expected one that is not");
    for (index_t j = 0; j < norm.size(); ++j)
      if (norm(j) == 0) norm(j) = 1;
    const detail::svd_factors f = detail::jacobi_svd(m * norm.cwiseInverse().asDiagonal());
    decision = rule.decide({f.s.data(), f.s.data() + f.s.size()}, data.rows(), m.cols(), m.cols(),
                           errors.divided_by(norm).along_columns(f.v));
    const index_t r = decision.rank;
    w = scale * norm.cwiseInverse().asDiagonal() * f.v.leftCols(r) * f.s.head(r).cwiseInverse().asDiagonal();
    return Eigen::MatrixXd(f.u.leftCols(r));
  };
  vamp_result result;
  Eigen::MatrixXd wx, wy;
  const Eigen::MatrixXd qx = whiten("x", x, data.rounding_of(0, n), result.rank_x, wx);
  const Eigen::MatrixXd qy = whiten("y", y, data.rounding_of(n, y_features), result.rank_y, wy);
  const detail::svd_factors f = detail::jacobi_svd(qx.transpose() * qy);
  const index_t r = std::min(qx.cols(), qy.cols());
  for (index_t j = 0; j < r; ++j) result.singular_values.push_back(std::min(1., f.s(j)));
  result.left = detail::from_eigen(wx * f.u.leftCols(r));
  result.right = detail::from_eigen(wy * f.v.leftCols(r));
  return result;
}

}  // namespace kdm
