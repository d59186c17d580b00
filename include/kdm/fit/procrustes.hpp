/// Nearest orthogonal matrices and nearest contractions.
#pragma once

#include <Eigen/QR>
#include <algorithm>
#include <limits>

#include "kdm/fit/svd.hpp"

namespace kdm::detail {

/// Makes the square matrix u orthogonal whose first `rank` columns are orthonormal; the others are overwritten.
template <class = void>
void complete_basis(Eigen::MatrixXd& u, index_t rank) {
  const index_t n = u.rows();
  if (rank == n) return;
  const Eigen::HouseholderQR<Eigen::MatrixXd> qr(u.leftCols(rank));
  u.rightCols(n - rank) = (qr.householderQ() * Eigen::MatrixXd::Identity(n, n)).rightCols(n - rank);
}

/// How many singular values stand above rounding.
template <class = void>
index_t rank_of(const Eigen::VectorXd& sigma) {
  const double floor = double(sigma.size()) * std::numeric_limits<double>::epsilon() * sigma(0);
  return index_t((sigma.array() > floor).count());
}

struct orthogonal_factor {
  Eigen::MatrixXd q;
  bool unique = true;  ///< false where m is singular: some direction of q is then arbitrary
};

/// The orthogonal q nearest to the square matrix m: its polar factor, u v' for m = u s v'.
///
/// q'q is the identity to a few roundings. A singular m has many nearest ones; one of them is taken.
/// Source.    Higham 2008, "Functions of matrices", chapter 8
template <class = void>
orthogonal_factor nearest_orthogonal(const Eigen::MatrixXd& m) {
  const index_t n = m.cols();
  svd_factors f = jacobi_svd(m);
  const index_t rank = rank_of(f.s);
  complete_basis(f.u, rank);
  orthogonal_factor result{f.u * f.v.transpose(), rank == n};
  // One step of Newton and Schulz takes the rounding of many rotations out of it.
  result.q = 0.5 * result.q * (3 * Eigen::MatrixXd::Identity(n, n) - result.q.transpose() * result.q);
  return result;
}

/// The matrix of 2-norm at most one nearest to m: singular values above one become one.
template <class = void>
Eigen::MatrixXd nearest_contraction(const Eigen::MatrixXd& m) {
  const svd_factors f = jacobi_svd(m);
  return f.u * f.s.cwiseMin(1.).asDiagonal() * f.v.transpose();
}

}  // namespace kdm::detail
