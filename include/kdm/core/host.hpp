/// What every backend in host memory shares: storage, transfers and vectorised loops.
#pragma once

#include <algorithm>
#include <new>

#include "kdm/core/backend.hpp"
#include "kdm/core/error.hpp"

namespace kdm {

/// Base of the host backends: all verbs but gemm, and loops by rows that overtake the derived operations.
///
/// A row loop has no division per element, so compilers vectorise it.
template <float_or_double T>
struct host_backend {
  using value_type = T;
  using space = host_space;

  T* allocate(index_t n) {
    if (n > index_t(std::size_t(-1) / 2 / sizeof(T))) fail_to_allocate();
    return static_cast<T*>(::operator new(std::size_t(n) * sizeof(T), std::align_val_t(alignment)));
  }
  void deallocate(T* p, index_t /*n*/) { ::operator delete(p, std::align_val_t(alignment)); }

  void upload(const_view<T> x, view<T> y) { copy_rows(x, y); }
  void download(const_view<T> x, view<T> y) { copy_rows(x, y); }
  void synchronize() {}

  template <class Kernel>
  void for_each(index_t n, Kernel kernel) {
    KDM_INDEPENDENT
    for (index_t i = 0; i < n; ++i) kernel(i);
  }

  template <class Kernel>
  void for_each_cell(index_t rows, index_t cols, Kernel kernel) {
    for (index_t i = 0; i < rows; ++i) {
      KDM_INDEPENDENT
      for (index_t j = 0; j < cols; ++j) kernel(i, j);
    }
  }

  template <class F, class... X>
  void sum_rows(F f, T keep, view<T> y, X... x) {
    T* const sum = y.p;
    const index_t cols = y.cols;
    if (keep == T(0)) std::fill_n(sum, cols, T(0));
    else if (keep != T(1))
      for (index_t j = 0; j < cols; ++j) sum[j] *= keep;
    const index_t rows = std::min({x.rows...});
    for (index_t i = 0; i < rows; ++i) add_row(f, cols, sum, x.row_pointer(i)...);
  }

 private:
  template <class F, class... P>
  static void add_row(F f, index_t cols, T* sum, P... x) {
    KDM_INDEPENDENT
    for (index_t j = 0; j < cols; ++j) sum[j] += f(x[j]...);
  }

  static void copy_rows(const_view<T> x, view<T> y) {
    require_size("copy: number of rows", x.rows, y.rows);
    require_size("copy: number of columns", x.cols, y.cols);
    for (index_t i = 0; i < x.rows; ++i) std::copy_n(x.row_pointer(i), x.cols, y.row_pointer(i));
  }
};

}  // namespace kdm
