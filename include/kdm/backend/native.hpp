/// The native backend: a matrix product of the library's own in the widest registers of the processor.
#pragma once

#include "kdm/backend/native/product.hpp"
#include "kdm/core/host.hpp"

namespace kdm {

namespace detail {

/// y = act(z + c), and the slope where it is wanted.
template <class Act, class T>
struct activate {
  Act act;
  view<T> y, slope;
  const T* c;

  template <bool WithSlope>
  void cell(T z, index_t i, index_t j) const {
    const auto a = act(c ? z + c[j] : z);
    y.p[i * y.ld + j] = a.value;
    if constexpr (WithSlope) slope.p[i * slope.ld + j] = a.slope;
  }

  /// Columns is the width of a whole tile: a number of cells known at compile time makes plain vector code.
  template <int Columns, bool WithSlope>
  static void rows(const void* what, const T* z, index_t ld, int high, int wide, index_t i, index_t j) {
    const activate a = *static_cast<const activate*>(what);
    for (int r = 0; r < high; ++r, z += ld) {
      if (wide == Columns) {
        KDM_INDEPENDENT
        for (int q = 0; q < Columns; ++q) a.template cell<WithSlope>(z[q], i + r, j + q);
      } else {
        for (int q = 0; q < wide; ++q) a.template cell<WithSlope>(z[q], i + r, j + q);
      }
    }
  }
  template <bool WithSlope>
  static void columns(const void* what, const T* z, index_t ld, int high, int wide, index_t i, index_t j) {
    const activate a = *static_cast<const activate*>(what);
    for (int r = 0; r < high; ++r)
      for (int q = 0; q < wide; ++q) a.template cell<WithSlope>(z[r * ld + q], j + q, i + r);
  }
};

}  // namespace detail

/// Host memory, one thread, nothing but the standard library and the vector extensions of g++ and clang.
///
/// As fast as the flags allow: compile with -O2 and -march=native, or whatever the program may assume. Bias and
/// activation are applied while a tile of the product is in the first-level cache. A row of a product has the same
/// bits whatever the number of rows.
/// Cost.      allocates nothing; takes 290 kB of the calling thread's stack.
template <float_or_double T, int Bytes = native::register_bytes>
struct native_backend : host_backend<T> {
  void gemm(op ta, op tb, T a, const_view<T> x, const_view<T> y, T keep, view<T> z) {
    if (z.empty()) return;
    native::multiply<T, Bytes>(ta, tb, a, x, y, keep, z);
  }

  template <class Act>
  void dense(const_view<T> x, const_view<T> weight, const_view<T> c, Act act, view<T> y, view<T> slope) {
    const detail::activate<Act, T> a{act, y, slope, c.p};
    const auto run = [&]<bool WithSlope>(std::bool_constant<WithSlope>) {
      native::multiply<T, Bytes>(op::as_is, op::transposed, T(1), x, weight, T(0), y,
                                 {&a.template rows<native::cut<T, Bytes>::columns, WithSlope>, &a},
                                 {&a.template columns<WithSlope>, &a});
    };
    if (y.empty()) return;
    if (slope) run(std::true_type{});
    else run(std::false_type{});
  }
};

static_assert(backend<native_backend<float>> && backend<native_backend<double>>);

}  // namespace kdm
