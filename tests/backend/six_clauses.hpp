// A backend with the six clauses of the concept and nothing else, in a memory space of its own.
#pragma once

#include <cstdlib>

#include "kdm/core/backend.hpp"

namespace kdm_test {

/// A space that the library must not take for the host's, although here it is.
struct far_space {};

/// Shows that the six clauses are enough, and reaches the code for devices without one.
template <class T>
struct six_clauses {
  using value_type = T;
  using space = far_space;
  using mutable_view = kdm::view<T, far_space>;
  using constant_view = kdm::view<const T, far_space>;
  using index_t = kdm::index_t;

  T* allocate(index_t n) {
    const std::size_t lines = (std::size_t(n) * sizeof(T) + 63) / 64;
    return static_cast<T*>(std::aligned_alloc(64, 64 * lines));
  }
  void deallocate(T* p, index_t /*n*/) { std::free(p); }

  void upload(kdm::const_view<T> x, mutable_view y) {
    for (index_t i = 0; i < x.rows; ++i)
      for (index_t j = 0; j < x.cols; ++j) y(i, j) = x(i, j);
  }
  void download(constant_view x, kdm::view<T> y) {
    for (index_t i = 0; i < x.rows; ++i)
      for (index_t j = 0; j < x.cols; ++j) y(i, j) = x(i, j);
  }
  void synchronize() {}

  /// From the last index to the first: the order is the backend's own business.
  template <class Kernel>
  void for_each(index_t n, Kernel kernel) {
    for (index_t i = n; i-- > 0;) kernel(i);
  }

  template <class F, class... X>
  void sum_rows(F f, T keep, mutable_view y, constant_view x, X... more) {
    for (index_t j = 0; j < y.cols; ++j) {
      T sum = 0;
      for (index_t i = 0; i < x.rows; ++i) sum += f(x(i, j), more(i, j)...);
      y(0, j) = keep == T(0) ? sum : keep * y(0, j) + sum;
    }
  }

  void gemm(kdm::op ta, kdm::op tb, T a, constant_view x, constant_view y, T keep, mutable_view z) {
    const bool left = ta == kdm::op::transposed, right = tb == kdm::op::transposed;
    for (index_t i = 0; i < z.rows; ++i)
      for (index_t j = 0; j < z.cols; ++j) {
        T sum = 0;
        for (index_t k = 0; k < (left ? x.rows : x.cols); ++k)
          sum += (left ? x(k, i) : x(i, k)) * (right ? y(j, k) : y(k, j));
        z(i, j) = keep == T(0) ? a * sum : keep * z(i, j) + a * sum;
      }
  }
};

static_assert(kdm::backend<six_clauses<float>> && kdm::backend<six_clauses<double>>);

}  // namespace kdm_test
