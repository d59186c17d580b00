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
/// Cost.      gemm with a = 1 allocates nothing while each packed operand fits Eigen's stack limit, here 1 MB.
template <std::floating_point T>
struct eigen_backend : host_backend<T> {
  void gemm(op ta, op tb, T a, const_view<T> x, const_view<T> y, T keep, view<T> z) {
    if (z.empty()) return;
    auto c = map_of(z);
    if (keep == T(0))
      c.setZero();
    else if (keep != T(1))
      c *= keep;
    const auto left = map_of(x);
    const auto right = map_of(y);
    if (ta == op::as_is && tb == op::as_is) add_product(c, a, left, right);
    else if (ta == op::as_is) add_product(c, a, left, right.transpose());
    else if (tb == op::as_is) add_product(c, a, left.transpose(), right);
    else add_product(c, a, left.transpose(), right.transpose());
  }

 private:
  using table = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  template <class M>
  using mapped = Eigen::Map<M, Eigen::Unaligned, Eigen::OuterStride<>>;

  /// c += a left right. One row times a number would be a temporary on the heap, and a is 1 nearly always.
  template <class C, class Left, class Right>
  static void add_product(C& c, T a, const Left& left, const Right& right) {
    if (a == T(1)) c.noalias() += left * right;
    else c.noalias() += a * left * right;
  }

  static mapped<table> map_of(view<T> x) { return {x.p, x.rows, x.cols, Eigen::OuterStride<>(x.ld)}; }
  static mapped<const table> map_of(const_view<T> x) { return {x.p, x.rows, x.cols, Eigen::OuterStride<>(x.ld)}; }
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
