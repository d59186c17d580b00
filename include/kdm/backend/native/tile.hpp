/// The innermost product: a tile of sums in registers.
#pragma once

#include "kdm/backend/native/simd.hpp"

namespace kdm::native {

/// sum[i][j] = sum over k = 0 .. depth - 1, in this order, of a[k][i] b[k][j].
///
/// Every sum is a chain of its own, so a number of the product does not depend on its neighbours: the first rows of a
/// long matrix and a short matrix have the same bits.
/// Shapes.    a[k][i] at a + k * a_step + i * a_row; b: row k at b + k * b_stride, Vectors registers wide.
/// Cost.      2 Rows columns depth flops; Vectors loads and Rows broadcasts for Rows * Vectors multiply-adds.
template <class T, int Bytes, int Rows, int Vectors>
struct tile {
  using v = vec<T, Bytes>;
  static constexpr int lane_count = lanes<T, Bytes>;
  v sum[std::size_t(Rows)][std::size_t(Vectors)];

  [[gnu::always_inline]] void multiply(index_t depth, const T* a, index_t a_row, index_t a_step, const T* b,
                                       index_t b_stride) {
    v s[std::size_t(Rows)][std::size_t(Vectors)];
#pragma GCC unroll 8
    for (int i = 0; i < Rows; ++i)
#pragma GCC unroll 4
      for (int j = 0; j < Vectors; ++j) s[i][j] = v{};
    for (index_t k = 0; k < depth; ++k, a += a_step, b += b_stride) {
      v right[std::size_t(Vectors)];
#pragma GCC unroll 4
      for (int j = 0; j < Vectors; ++j) load<T, Bytes>(b + j * lane_count, right[j]);
#pragma GCC unroll 8
      for (int i = 0; i < Rows; ++i)
#pragma GCC unroll 4
        for (int j = 0; j < Vectors; ++j) s[i][j] = s[i][j] + right[j] * a[i * a_row];
    }
#pragma GCC unroll 8
    for (int i = 0; i < Rows; ++i)
#pragma GCC unroll 4
      for (int j = 0; j < Vectors; ++j) sum[i][j] = s[i][j];
  }

  /// c = keep c + factor sum, all of the tile. keep = 0 does not read c.
  [[gnu::always_inline]] void write(T factor, T keep, T* c, index_t ld) const {
#pragma GCC unroll 8
    for (int i = 0; i < Rows; ++i)
#pragma GCC unroll 4
      for (int j = 0; j < Vectors; ++j) {
        T* const to = c + i * ld + j * lane_count;
        v x = sum[i][j];
        if (factor != T(1)) x = x * factor;
        if (keep != T(0)) {
          v old;
          load<T, Bytes>(to, old);
          x = keep == T(1) ? old + x : old * keep + x;
        }
        store<T, Bytes>(to, x);
      }
  }
};

}  // namespace kdm::native
