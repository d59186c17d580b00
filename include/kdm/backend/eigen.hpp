/// The Eigen backend: vectorised host loops, and Eigen's matrix product. Link the CMake target kdm::eigen.
#pragma once

#if defined(__CUDACC__)
#error "kdm/backend/eigen.hpp in a .cu file: nvcc compiles Eigen without SIMD and the linker may keep that code"
#endif
#if !defined(EIGEN_DONT_PARALLELIZE)
#error "kdm/backend/eigen.hpp: link kdm::eigen, or define EIGEN_DONT_PARALLELIZE before any Eigen header"
#endif

#if !defined(EIGEN_STACK_ALLOCATION_LIMIT) || EIGEN_STACK_ALLOCATION_LIMIT < 1048576
#error "kdm/backend/eigen.hpp: link kdm::eigen, or define EIGEN_STACK_ALLOCATION_LIMIT=1048576 before any Eigen header"
#endif

#include <Eigen/Core>
#include <type_traits>

#include "kdm/core/as_view.hpp"
#include "kdm/core/host.hpp"

namespace kdm {

/// Host memory, one thread; the threads are kdm's own (see exec/).
///
/// Cost.      gemm allocates nothing while each packed operand fits Eigen's stack limit, here 1 MB. With a other than 1
///            and 0 there is one more pass over C, which is scaled by keep / a before the product and by a after it.
template <float_or_double T>
struct eigen_backend : host_backend<T> {
  void gemm(op ta, op tb, T a, const_view<T> x, const_view<T> y, T keep, view<T> z) {
    if (z.empty()) return;
    // Row-major memory is the transposed matrix in column-major order, which is Eigen's own: z' = op(y)' op(x)'.
    auto c = map_of<Eigen::ColMajor>(z);
    // A factor in the product would be a second set of kernels to compile, and a temporary where there is one row.
    if (a == T(0)) {
      scale(keep, c);
      return;
    }
    scale(keep == T(0) ? keep : keep / a, c);
    if (ta == op::as_is && tb == op::as_is) add_product<Eigen::ColMajor, Eigen::ColMajor>(x, y, c);
    else if (ta == op::as_is) add_product<Eigen::ColMajor, Eigen::RowMajor>(x, y, c);
    else if (tb == op::as_is) add_product<Eigen::RowMajor, Eigen::ColMajor>(x, y, c);
    else add_product<Eigen::RowMajor, Eigen::RowMajor>(x, y, c);
    scale(a, c);
  }

 private:
  template <class C>
  static void scale(T factor, C& c) {
    if (factor == T(0)) c.setZero();
    else if (factor != T(1)) c *= factor;
  }

  /// The matrix (RowMajor) or its transpose (ColMajor), as the order in which Eigen reads the same memory.
  template <int Order, class Number>
  static auto map_of(view<Number> x) {
    using table = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Order>;
    using maybe_const = std::conditional_t<std::is_const_v<Number>, const table, table>;
    constexpr bool turned = Order == Eigen::ColMajor;
    return Eigen::Map<maybe_const, Eigen::Unaligned, Eigen::OuterStride<>>(
        x.p, turned ? x.cols : x.rows, turned ? x.rows : x.cols, Eigen::OuterStride<>(x.ld));
  }

  template <int X, int Y, class C>
  static void add_product(const_view<T> x, const_view<T> y, C& c) {
    c.noalias() += map_of<Y>(y) * map_of<X>(x);
  }
};

static_assert(backend<eigen_backend<float>> && backend<eigen_backend<double>>);

/// Row-major Eigen matrices, arrays and vectors enter without a copy. Column-major matrices do not: their memory is
/// the transposed matrix; copy them into a row-major one first, or read them as features x samples.
template <class X>
  requires std::derived_from<X, Eigen::PlainObjectBase<X>>
struct view_traits<X> {
  static_assert(X::IsRowMajor || X::IsVectorAtCompileTime,
                "this Eigen matrix is column-major: copy it into a RowMajor matrix and pass that");
  using T = typename X::Scalar;
  static view<T> make(X& x) { return {x.data(), x.rows(), x.cols()}; }
  static const_view<T> make(const X& x) { return {x.data(), x.rows(), x.cols()}; }
};

/// Row-major maps with any outer stride and inner stride one; maps of column vectors with any inner stride.
template <class M, int Options, class Stride>
struct view_traits<Eigen::Map<M, Options, Stride>> {
  using map = Eigen::Map<M, Options, Stride>;
  static constexpr bool is_column = M::ColsAtCompileTime == 1;
  static_assert(M::IsRowMajor || is_column,
                "this Eigen map is column-major: copy it into a RowMajor matrix and pass that");
  static auto make(map& x) { return view_at(x.data(), x); }
  static auto make(const map& x) { return view_at(x.data(), x); }

 private:
  template <class T>
  static view<T> view_at(T* p, const map& x) {
    if constexpr (is_column) return {p, x.rows(), 1, x.innerStride()};
    require_size("as_view: inner stride of the Eigen map", x.innerStride(), 1);
    return {p, x.rows(), x.cols(), x.outerStride()};
  }
};

}  // namespace kdm
