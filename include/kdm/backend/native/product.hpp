/// Products of matrices of any size, cut into tiles.
#pragma once

#include "kdm/backend/native/pack.hpp"
#include "kdm/backend/native/tile.hpp"

namespace kdm::native {

/// What becomes of the finished sums of a tile in place of storing them: values [high, columns] are cells
/// (i + 0 .., j + 0 ..) of the product. A pointer: the product is compiled once, whatever is done with it.
template <class T>
struct finisher {
  void (*run)(const void* what, const T* values, index_t ld, int high, int wide, index_t i, index_t j) = nullptr;
  const void* what = nullptr;
};

/// C and where to put it: cell (i, j) stands at p[i * row + j * column].
template <class T>
struct destination {
  T* p;
  index_t row, column;
  T keep;
  finisher<T> finish;
};

/// C = keep C + factor op(A) op(B).
///
/// Panels of B, as wide as a tile, are packed and stay in the first-level cache while they meet the rows of A. These are
/// read where they are; those whose numbers are no neighbours are packed as well, for the second-level cache. A number
/// of C is the sum of its products in order, 256 at a time, whatever its place in the matrix.
/// Cost.      2 m n depth flops; a copy of B for every 512 rows of A (where A is packed, every 256 in float). Allocates
///            nothing: the copies are on the stack, 290 kB. (Thread-local memory would take as much from the stack of
///            every thread of the program.)
template <class T, int Bytes, int Rows>
class product {
  using shape = cut<T, Bytes>;
  static constexpr int columns = shape::columns;
  using sums = tile<T, Bytes, Rows, shape::vectors>;

 public:
  static void run(const operand<T>& left, const operand<T>& right, index_t m, index_t n, index_t depth, T factor,
                  const destination<T>& c) {
    alignas(alignment) T strips[shape::packed_rows * shape::depth];
    alignas(alignment) T panels[columns * shape::depth];
    const index_t most = left.along ? shape::direct_rows : shape::packed_rows;
    for (index_t i0 = 0; i0 < m; i0 += most) {
      const index_t end = std::min(m, i0 + most);
      const index_t direct = left.along ? i0 + (end - i0) / Rows * Rows : i0;  // rows before it are read where they are
      for (index_t k0 = 0; k0 == 0 || k0 < depth; k0 += shape::depth) {  // once for an empty sum
        const index_t length = std::min(shape::depth, depth - k0);
        destination<T> to = c;
        if (k0 > 0) to.keep = T(1);
        if (k0 + length < depth) to.finish = {};
        for (index_t i = direct; i < end; i += Rows)
          left.at(i, k0).template pack<Bytes, Rows>(int(std::min<index_t>(Rows, end - i)), length,
                                                    strips + (i - direct) * length);
        // A copy of B pays when several strips of A read it.
        const bool copied = m > Rows || right.along || n % columns != 0;
        const index_t b_step = copied ? columns : right.stride;
        for (index_t j = 0; j < n; j += columns) {
          const int wide = int(std::min<index_t>(columns, n - j));
          if (copied) right.at(j, k0).template pack<Bytes, columns>(wide, length, panels);
          const T* const b = copied ? panels : right.at(j, k0).p;
          for (index_t i = i0; i < direct; i += Rows) {
            ask_for(to, Rows, i, j);
            ask_for(right, j + columns, n, k0 + i - i0, std::min(k0 + length, k0 + i - i0 + Rows));
            sums t;
            t.multiply(length, left.at(i, k0).p, left.stride, 1, b, b_step);
            write(t, Rows, wide, factor, to, i, j);
          }
          for (index_t i = direct; i < end; i += Rows) {
            const int high = int(std::min<index_t>(Rows, end - i));
            ask_for(to, high, i, j);
            ask_for(right, j + columns, n, k0 + i - i0, std::min(k0 + length, k0 + i - i0 + Rows));
            sums t;
            t.multiply(length, strips + (i - direct) * length, 1, Rows, b, b_step);
            write(t, high, wide, factor, to, i, j);
          }
        }
      }
    }
  }

 private:
  static constexpr int line = int(alignment / sizeof(T));

  // What comes next in rows of its own, so that no stream of the processor foresees it: the tile of C that is written
  // when its sums are done, and some of the numbers of the next panel.
  [[gnu::always_inline]] static void ask_for(const destination<T>& c, int high, index_t i, index_t j) {
    if (c.column != 1) return;
    for (int r = 0; r < high; ++r)
      for (int q = 0; q < columns; q += line) __builtin_prefetch(c.p + (i + r) * c.row + j + q, 1, 3);
  }
  [[gnu::always_inline]] static void ask_for(const operand<T>& right, index_t j, index_t n, index_t first,
                                             index_t last) {
    if (right.along || j >= n) return;
    for (index_t k = first; k < last; ++k)
      for (int q = 0; q < columns; q += line) __builtin_prefetch(right.at(j, k).p + q, 0, 2);
  }

  [[gnu::always_inline]] static void write(const sums& t, int high, int wide, T factor, const destination<T>& c,
                                           index_t i, index_t j) {
    T* const to = c.p + i * c.row + j * c.column;
    if (!c.finish.run && high == Rows && wide == columns && c.column == 1) {
      t.write(factor, c.keep, to, c.row);
    } else {
      alignas(alignment) T values[std::size_t(Rows * columns)];
      t.write(factor, T(0), values, columns);
      write_cells(values, high, wide, c, to, i, j);
    }
  }

  static void write_cells(T* values, int high, int wide, const destination<T>& c, T* to, index_t i, index_t j) {
    if (c.keep != T(0))
      for (int r = 0; r < high; ++r)
        for (int q = 0; q < wide; ++q) values[r * columns + q] += c.keep * to[r * c.row + q * c.column];
    if (c.finish.run) {
      c.finish.run(c.finish.what, values, columns, high, wide, i, j);
    } else {
      for (int r = 0; r < high; ++r)
        for (int q = 0; q < wide; ++q) to[r * c.row + q * c.column] = values[r * columns + q];
    }
  }
};

/// z = keep z + factor op(x) op(y), with tiles as high as the product is. Where there is a `finish` it gets the cells
/// of z, or `finish_turned` those of z transposed, whichever is computed.
template <class T, int Bytes>
void multiply(op ta, op tb, T factor, const_view<T> x, const_view<T> y, T keep, view<T> z, finisher<T> finish = {},
              finisher<T> finish_turned = {}) {
  const index_t depth = ta == op::as_is ? x.cols : x.rows;
  operand<T> left = operand<T>::left(ta, x), right = operand<T>::right(tb, y);
  index_t m = z.rows, n = z.cols;
  destination<T> c{z.p, z.ld, 1, keep, finish};
  // A tile is wider than high: a product with few columns is computed as its transpose.
  if (n <= cut<T, Bytes>::rows && m > n) {
    std::swap(left, right);
    std::swap(m, n);
    c = {z.p, 1, z.ld, keep, finish_turned};
  }
  constexpr int rows = cut<T, Bytes>::rows;
  if (m > rows / 2) product<T, Bytes, rows>::run(left, right, m, n, depth, factor, c);
  else if (m > 1) product<T, Bytes, rows / 2>::run(left, right, m, n, depth, factor, c);
  else product<T, Bytes, 1>::run(left, right, m, n, depth, factor, c);
}

}  // namespace kdm::native
