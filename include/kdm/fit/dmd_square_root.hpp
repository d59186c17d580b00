/// The square root of a matrix that lies next to a known one.
#pragma once

#include <Eigen/Eigenvalues>
#include <Eigen/LU>
#include <cmath>
#include <complex>
#include <limits>

#include "kdm/core/finite.hpp"
#include "kdm/fit/convert.hpp"

namespace kdm::detail {

struct nearby_root {
  Eigen::MatrixXd root;
  bool converged = false;
};

/// Newton's method for X X = b from `start`, in the eigenvectors of X: real when b and start are, and every eigenvalue
/// of X is that root of one of b's that is nearest to one of start's.
///
/// A principal square root would turn -0.9 into 0.9; an eigendecomposition of b cannot tell 0.9 and -0.9, or 0.9 i and
/// -0.9 i, whose squares coincide. Where two eigenvalues of X are nearly opposite, b does not determine how they
/// couple: there the coupling stays as start has it, and the eigenvalues are still right to first order.
/// Cost.      an eigendecomposition, 25 n^3 flops and more, per step; about four steps.
/// Source.    Higham 2008, "Functions of matrices", section 6.3 (Newton's method)
template <class = void>
nearby_root square_root_near(const Eigen::MatrixXd& b, const Eigen::MatrixXd& start) {
  using complex_matrix = Eigen::MatrixXcd;
  constexpr double opposite = 0.1;  // |l + m| below this share of |l| + |m|
  const index_t n = b.rows();
  nearby_root result{start};
  Eigen::MatrixXd& x = result.root;
  double last = std::numeric_limits<double>::infinity();
  for (int step = 0; step < 30; ++step) {
    const Eigen::EigenSolver<Eigen::MatrixXd> solver(x);
    if (!detail::succeeded(solver)) return result;
    const complex_matrix v = solver.eigenvectors();
    const Eigen::VectorXcd& lambda = solver.eigenvalues();
    const Eigen::PartialPivLU<complex_matrix> lu(v);
    complex_matrix change = lu.solve((b - x * x).cast<std::complex<double>>() * v);
    for (index_t i = 0; i < n; ++i) {
      if (lambda(i) == 0.0) return result;  // between two roots, where the method has nowhere to go
      for (index_t j = 0; j < n; ++j) {
        const std::complex<double> sum = lambda(i) + lambda(j);
        change(i, j) = std::abs(sum) > opposite * (std::abs(lambda(i)) + std::abs(lambda(j)))
                           ? change(i, j) / sum
                           : std::complex<double>(0);
      }
    }
    // v change v^-1, as the solution of a transposed system.
    const complex_matrix left = v.transpose(), right = (v * change).transpose();
    const Eigen::MatrixXd correction = left.partialPivLu().solve(right).real().transpose();
    const double size = correction.norm();
    if (!is_finite(size)) return result;
    x += correction;
    // Newton's steps shrink until rounding stops them.
    result.converged = size <= 1e-10 * x.norm();
    if (size <= 1e-15 * x.norm() || (result.converged && size > last / 2)) return result;
    last = size;
  }
  return result;
}

}  // namespace kdm::detail
