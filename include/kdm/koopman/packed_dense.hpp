/// The product of a frozen model: rows times a matrix that was packed once.
#pragma once

#include <algorithm>
#include <type_traits>
#include <utility>

#include "kdm/core/view.hpp"

namespace kdm::detail {

#if defined(__AVX512F__)
inline constexpr index_t register_bytes = 64, tile_rows = 12;
#elif defined(__AVX__)
inline constexpr index_t register_bytes = 32, tile_rows = 6;
#else
inline constexpr index_t register_bytes = 16, tile_rows = 6;
#endif

/// Numbers in one register, and columns of one panel: two registers.
template <class T>
inline constexpr index_t lanes_of_register = register_bytes / index_t(sizeof(T));
template <class T>
inline constexpr index_t panel_columns = 2 * lanes_of_register<T>;

/// Columns with those that fill the last panel, and the numbers that a packed matrix takes.
template <class T>
constexpr index_t padded(index_t columns) {
  return (columns + panel_columns<T> - 1) / panel_columns<T> * panel_columns<T>;
}
template <class T>
constexpr index_t packed_size(index_t inputs, index_t outputs) {
  return inputs * padded<T>(outputs);
}

/// Packs W [out, in]: panel p holds columns p * width .. of W', row after row, with zeros after the last column.
template <class T, class U>
void pack(const_view<U> w, T* panels) {
  constexpr index_t width = panel_columns<T>;
  for (index_t first = 0; first < w.rows; first += width)
    for (index_t k = 0; k < w.cols; ++k)
      for (index_t j = first; j < first + width; ++j) *panels++ = j < w.rows ? static_cast<T>(w(j, k)) : T(0);
}

/// f(0), f(1), ..., f(N - 1), the arguments being constants: arrays indexed by them live in registers.
template <index_t N, class F>
inline void unrolled(F f) {
  [&]<index_t... I>(std::integer_sequence<index_t, I...>) {
    (f(std::integral_constant<index_t, I>{}), ...);
  }(std::make_integer_sequence<index_t, N>{});
}

template <class T>
struct simd_register {
  typedef T type __attribute__((vector_size(register_bytes)));
};

/// `Rows` rows and `Registers` registers of columns from one panel on. Every element is summed in the order of k,
/// whatever the shape of the tile, so its bits do not depend on its neighbours.
template <index_t Rows, index_t Registers, class T, class Finish>
inline void packed_tile(const_view<T> x, const T* panels, const T* bias, index_t columns, const Finish& finish, T* y,
                        index_t ldy) {
  using vec = typename simd_register<T>::type;
  constexpr index_t lanes = lanes_of_register<T>, width = Registers * lanes;
  const index_t panel = x.cols * panel_columns<T>;
  vec sum[std::size_t(Rows)][std::size_t(Registers)];
  unrolled<Registers>([&](auto v) {
    __builtin_memcpy(&sum[0][v], bias + v * lanes, sizeof(vec));
    unrolled<Rows>([&](auto r) { sum[r][v] = sum[0][v]; });
  });
  const T* from = panels;
  for (index_t k = 0; k < x.cols; ++k, from += panel_columns<T>) {
    vec w[std::size_t(Registers)];
    unrolled<Registers>([&](auto v) {
      __builtin_memcpy(&w[v], from + (v / 2) * panel + (v % 2) * lanes, sizeof(vec));
    });
    unrolled<Rows>([&](auto r) {
      const T factor = x.p[r * x.ld + k];
      unrolled<Registers>([&](auto v) { sum[r][v] += factor * w[v]; });
    });
  }
  alignas(alignment) T tile[std::size_t(Rows * width)];
  unrolled<Rows>([&](auto r) {
    unrolled<Registers>([&](auto v) { __builtin_memcpy(tile + r * width + v * lanes, &sum[r][v], sizeof(vec)); });
  });
  finish(tile, Rows * width);
  for (index_t r = 0; r < Rows; ++r)
    if (columns >= width) __builtin_memcpy(y + r * ldy, tile + r * width, width * sizeof(T));  // plain moves
    else std::copy_n(tile + r * width, columns, y + r * ldy);
}

/// All rows in tiles of `Rows`, one panel (or a few) at a time for all of them: it stays in the nearest cache.
template <index_t Rows, index_t Panels, class T, class Finish>
void packed_rows(const_view<T> x, const T* panels, const T* bias, const Finish& finish, view<T> y) {
  constexpr index_t lanes = lanes_of_register<T>;
  for (index_t j = 0; j < y.cols;) {
    const index_t left = y.cols - j;
    const T* from = panels + j * x.cols;
    index_t taken = panel_columns<T>;
    if (left > (Panels - 1) * panel_columns<T> + lanes) taken = Panels * panel_columns<T>;
    for (index_t i = 0; i < x.rows; i += Rows) {
      const const_view<T> rows = x.row_range(i, Rows);
      T* to = y.row_pointer(i) + j;
      if (left <= lanes)
        packed_tile<Rows, 1>(rows, from, bias + j, left, finish, to, y.ld);
      else if (taken == panel_columns<T>)
        packed_tile<Rows, 2>(rows, from, bias + j, left, finish, to, y.ld);
      else
        packed_tile<Rows, 2 * Panels>(rows, from, bias + j, left, finish, to, y.ld);
    }
    j += taken;
  }
}

/// y = finish(x W' + c): finish(numbers, count) takes numbers of any element in place, `count` a multiple of
/// lanes_of_register.
///
/// Shapes.    x [n, in], W [out, in] as `pack` left it, c with zeros up to padded(out), y [n, out]; y is not x.
/// Cost.      2 n in out flops, W read once for every tile_rows rows. A single row takes four panels at once, since one
///            alone would wait for its own sums.
template <class T, class Finish>
void packed_dense(const_view<T> x, const T* panels, const T* bias, const Finish& finish, view<T> y) {
  constexpr index_t few = 4, few_panels = tile_rows > 6 ? 2 : 1;
  const index_t many = x.rows - x.rows % tile_rows, some = x.rows - x.rows % tile_rows % few;
  const auto part = [&](auto rows, auto together, index_t first, index_t last) {
    if (first < last)
      packed_rows<rows, together>(x.row_range(first, last - first), panels, bias, finish,
                                  y.row_range(first, last - first));
  };
  using std::integral_constant;
  part(integral_constant<index_t, tile_rows>{}, integral_constant<index_t, 1>{}, 0, many);
  part(integral_constant<index_t, few>{}, integral_constant<index_t, few_panels>{}, many, some);
  part(integral_constant<index_t, 1>{}, integral_constant<index_t, 4>{}, some, x.rows);
}

}  // namespace kdm::detail
