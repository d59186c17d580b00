/// Between matrix<double> and Eigen's matrices. Fits use Eigen inside and plain structs outside.
#pragma once

#include <complex>
#include <concepts>

#include "kdm/backend/eigen.hpp"
#include "kdm/core/as_view.hpp"
#include "kdm/core/matrix.hpp"

namespace kdm {

/// A parameter that takes rows of states in any tensor of double that as_view knows, also a temporary one: the view of
/// it for the length of a call. Not for keeping.
struct state_rows : const_view<double> {
  using const_view<double>::view;
  state_rows(const_view<double> x) : const_view<double>(x) {}
  template <class X>
    requires(viewable<const X> && requires(const X& x) { { as_view(x) } -> std::convertible_to<const_view<double>>; })
  state_rows(const X& x) : const_view<double>(as_view(x)) {}
};

}  // namespace kdm

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
