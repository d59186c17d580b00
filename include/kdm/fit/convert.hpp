/// Between matrix<double> and Eigen's matrices. Fits use Eigen inside and plain structs outside.
#pragma once

#include <complex>

#include "kdm/backend/eigen.hpp"
#include "kdm/core/matrix.hpp"

namespace kdm::detail {

template <class Derived>
auto from_eigen(const Eigen::MatrixBase<Derived>& m) {
  matrix<typename Derived::Scalar> copy(m.rows(), m.cols());
  for (index_t i = 0; i < copy.rows(); ++i)
    for (index_t j = 0; j < copy.cols(); ++j) copy(i, j) = m(i, j);
  return copy;
}

inline Eigen::MatrixXd to_eigen(const_view<double> v) {
  Eigen::MatrixXd copy(v.rows, v.cols);
  for (index_t i = 0; i < v.rows; ++i)
    for (index_t j = 0; j < v.cols; ++j) copy(i, j) = v(i, j);
  return copy;
}

inline Eigen::MatrixXcd to_eigen_complex(const_view<std::complex<double>> v) {
  Eigen::MatrixXcd copy(v.rows, v.cols);
  for (index_t i = 0; i < v.rows; ++i)
    for (index_t j = 0; j < v.cols; ++j) copy(i, j) = v(i, j);
  return copy;
}

/// Whether an iteration of Eigen's converged. Not by the enumerator's name, which Xlib.h has as a macro.
template <class Solver>
bool succeeded(const Solver& solver) {
  return solver.info() == Eigen::ComputationInfo(0);
}

}  // namespace kdm::detail
