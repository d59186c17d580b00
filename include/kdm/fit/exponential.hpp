/// The exponential of a matrix.
#pragma once

#include <Eigen/LU>
#include <cmath>

#include "kdm/fit/convert.hpp"

namespace kdm::detail {

/// exp(m) by scaling, a Pade approximant and squaring.
///
/// Cost.      16 n^3 flops and 2 n^3 for each doubling of |m| beyond 5.
/// Throws.    shape_error unless m is square; numeric_error when m or the result is not finite.
/// Source.    Higham 2005, "The scaling and squaring method for the matrix exponential revisited", SIAM J. Matrix Anal.
///            Appl. 26
template <class = void>
Eigen::MatrixXd exponential(Eigen::MatrixXd m) {
  require_size("exponential: columns", m.cols(), m.rows());
  if (!m.allFinite()) fail<numeric_error>("exponential: an element of the matrix is not finite");
  const index_t n = m.rows();
  const double norm = m.cwiseAbs().colwise().sum().maxCoeff();
  // Up to this 1-norm the approximant of degree 13 is exact to rounding.
  const int halvings = norm > 5.37 ? int(std::ceil(std::log2(norm / 5.37))) : 0;
  m *= std::ldexp(1., -halvings);

  // The coefficients of the approximant are (26 - k)! 13! / (26! k! (13 - k)!), scaled to 1 for the highest power.
  double c[14];
  c[13] = 1;
  for (int k = 13; k > 0; --k) c[k - 1] = c[k] * double(27 - k) * double(k) / double(14 - k);
  const Eigen::MatrixXd one = Eigen::MatrixXd::Identity(n, n), m2 = m * m, m4 = m2 * m2, m6 = m2 * m4;
  const Eigen::MatrixXd high_odd = c[13] * m6 + c[11] * m4 + c[9] * m2, high_even = c[12] * m6 + c[10] * m4 + c[8] * m2;
  const Eigen::MatrixXd odd = m * (m6 * high_odd + c[7] * m6 + c[5] * m4 + c[3] * m2 + c[1] * one);
  const Eigen::MatrixXd even = m6 * high_even + c[6] * m6 + c[4] * m4 + c[2] * m2 + c[0] * one;
  Eigen::MatrixXd result = Eigen::PartialPivLU<Eigen::MatrixXd>(even - odd).solve(even + odd);
  for (int k = 0; k < halvings; ++k) result = (result * result).eval();
  if (!result.allFinite()) fail<numeric_error>("exponential: the result is not finite, expected a smaller matrix");
  return result;
}

}  // namespace kdm::detail
