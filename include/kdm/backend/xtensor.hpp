/// The xtensor backend: vectorised host loops, and the matrix product of xtensor-blas. Link the CMake target
/// kdm::xtensor.
#pragma once

#include <algorithm>
#include <concepts>
#include <limits>
#include <string>
#include <type_traits>

// xtensor 0.26 moved its headers into folders; the version macro moved with them.
#if __has_include(<xtensor/containers/xcontainer.hpp>)
#include <xtensor/containers/xcontainer.hpp>
#else
#include <xtensor/xcontainer.hpp>
#endif
// Not <xtensor-blas/xlinalg.hpp>: it needs LAPACK. Nor <cblas.h>: its declarations contradict those of xtensor-blas.
#include <xtensor-blas/xblas.hpp>

#include "kdm/core/as_view.hpp"
#include "kdm/core/host.hpp"

#if !defined(HAVE_CBLAS)
#error "kdm/backend/xtensor.hpp: XTENSOR_USE_FLENS_BLAS replaces BLAS by slow loops: compile without it"
#endif

namespace kdm {

namespace detail {
/// OpenBLAS' own functions; null where another BLAS is linked.
extern "C" {
[[gnu::weak]] int openblas_get_parallel();
[[gnu::weak]] void openblas_set_num_threads(int n);
}

/// Only the build on POSIX threads (1): a sequential build has none to stop, and the build on OpenMP would set the
/// caller's own OpenMP to one thread.
inline void stop_openblas_threads() {
  if (openblas_get_parallel && openblas_set_num_threads && openblas_get_parallel() == 1) openblas_set_num_threads(1);
}
}  // namespace detail

/// What constructing an xtensor_backend does to the threads of OpenBLAS.
enum class blas_threads {
  one,       ///< one thread, for the whole process: kdm's lanes are the threads
  unchanged  ///< as they are
};

/// Host memory, one thread; the threads are kdm's own (see exec/).
///
/// OpenBLAS on POSIX threads would start a team of its own inside every lane, so constructing the backend sets it to
/// one thread. The setting is the process's: programs that call BLAS themselves may pass blas_threads::unchanged.
/// OpenBLAS on OpenMP is left alone: inside lanes of `openmp` it has one thread, elsewhere as many as OpenMP, and then
/// other bits. MKL needs MKL_NUM_THREADS=1.
///
/// Cost.      gemm is one call of BLAS on the views' memory. OpenBLAS 0.3.21 (Debian 12) takes newer processors for an
///            old one and is then several times slower: name the family in the environment, OPENBLAS_CORETYPE=SkylakeX
///            (AVX-512) or Haswell (AVX2). Its AVX-512 kernels take a buffer from the heap for small products where
///            neither operand is transposed; otherwise nothing is allocated.
/// Throws.    shape_error from gemm for a size that BLAS' integers cannot hold.
/// Example.   examples/tensors_xtensor.cpp
template <float_or_double T>
struct xtensor_backend : host_backend<T> {
  xtensor_backend() : xtensor_backend(blas_threads::one) {}
  explicit xtensor_backend(blas_threads threads) {
    if (threads == blas_threads::one) detail::stop_openblas_threads();
  }

  void gemm(op ta, op tb, T a, const_view<T> x, const_view<T> y, T keep, view<T> z) {
    if (z.empty()) return;
    const index_t inner = ta == op::as_is ? x.cols : x.rows;
    cxxblas::gemm<integer>(cxxblas::RowMajor, transpose(ta), transpose(tb), size(z.rows), size(z.cols), size(inner), a,
                           x.p, stride(x), y.p, stride(y), keep, z.p, stride(z));
  }

 private:
  using integer = xt::blas_index_t;
  static_assert(std::same_as<integer, int> || std::same_as<integer, long>,
                "BLAS_IDX is neither int nor long: xtensor-blas would replace BLAS by slow loops");

  static cxxblas::Transpose transpose(op t) { return t == op::as_is ? cxxblas::NoTrans : cxxblas::Trans; }

  static integer size(index_t n) {
    constexpr auto largest = std::numeric_limits<integer>::max();
    if (n > index_t(largest)) fail<shape_error>("gemm: a size is ", n, ", BLAS' integers end at ", largest);
    return static_cast<integer>(n);
  }

  /// BLAS wants max(1, cols) at least, even where no second row reads it.
  template <class U>
  static integer stride(view<U> x) {
    return size(std::max<index_t>(1, x.rows > 1 ? x.ld : x.cols));
  }
};

static_assert(backend<xtensor_backend<float>> && backend<xtensor_backend<double>>);

/// xtensor's containers of numbers (xtensor, xarray, xtensor_fixed, and the adaptors that xt::adapt returns) enter
/// without a copy.
///
/// Shapes.    one axis: a column of samples of one number. Two: the matrix. More: the last axis becomes the columns,
///            all others the rows, so [times, n, d] is times n rows and NHWC images are one row a pixel.
/// Throws.    shape_error for a layout other than row-major (gaps between the rows are fine) and for rank 0.
///            Column-major types do not compile. Copy such a tensor into a row-major one first.
/// Example.   examples/tensors_xtensor.cpp
template <class X>
  requires(std::derived_from<X, xt::xcontainer<X>> && std::is_arithmetic_v<typename X::value_type>)
struct view_traits<X> {
  static_assert(X::static_layout != xt::layout_type::column_major,
                "this xtensor container is column-major: copy it into a row_major one and pass that");
  static auto make(X& x) { return view_at(x.data(), x); }
  static auto make(const X& x) { return view_at(x.data(), x); }

 private:
  template <class T>
  static view<T> view_at(T* p, const X& x) {
    const std::size_t rank = x.dimension();
    if (rank == 0) fail<shape_error>("as_view: rank of the xtensor container is 0, expected 1 or more");
    const auto extent = [&x](std::size_t axis) { return index_t(x.shape()[axis]); };
    const auto step = [&x](std::size_t axis) { return index_t(x.strides()[axis]); };

    const std::size_t row_axes = std::max<std::size_t>(rank - 1, 1);
    const index_t cols = rank > 1 ? extent(rank - 1) : 1;
    index_t rows = 1, ld = cols;
    bool row_major = cols == 1 || step(rank - 1) == 1;
    for (std::size_t axis = row_axes; axis-- > 0;) {
      if (extent(axis) == 1) continue;  // xtensor gives such an axis the stride 0
      if (rows == 1) ld = step(axis);
      row_major = row_major && step(axis) == rows * ld;
      rows *= extent(axis);
    }
    if (rows == 0 || cols == 0) return {p, rows, cols};
    if (!row_major || ld < cols)
      fail<shape_error>("as_view: the xtensor container of shape ", listed(x.shape()), " has strides ",
                        listed(x.strides()), ", expected row-major: copy it into a row_major one and pass that");
    return {p, rows, cols, ld};
  }

  template <class Sizes>
  static std::string listed(const Sizes& sizes) {
    std::string s;
    for (const auto n : sizes) s += concat(s.empty() ? "(" : ", ", index_t(n));
    return s + ")";
  }
};

}  // namespace kdm
