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
/// A block of B is packed once and stays in the second-level cache, a strip of A of one tile's height in the first.
/// A number of C is the sum of its products in order, 256 at a time, whatever its place in the matrix.
/// Cost.      2 m n depth flops; one copy of A for every `wide` columns, one of B. Allocates nothing: the copies are on
///            the stack, 270 kB. (Thread-local memory would take as much from the stack of every thread of the program.)
template <class T, int Bytes, int Rows>
class product {
  using shape = cut<T, Bytes>;
  static constexpr int columns = shape::columns;
  using sums = tile<T, Bytes, Rows, shape::vectors>;

 public:
  static void run(const operand<T>& left, const operand<T>& right, index_t m, index_t n, index_t depth, T factor,
                  const destination<T>& c) {
    alignas(alignment) T strip[Rows * shape::depth];
    alignas(alignment) T block[shape::wide * shape::depth];
    for (index_t j0 = 0; j0 < n; j0 += shape::wide) {
      const index_t width = std::min(shape::wide, n - j0);
      for (index_t k0 = 0; k0 == 0 || k0 < depth; k0 += shape::depth) {  // once for an empty sum
        const index_t length = std::min(shape::depth, depth - k0);
        destination<T> to = c;
        if (k0 > 0) to.keep = T(1);
        if (k0 + length < depth) to.finish = {};
        // A copy of B pays when several strips of A read it.
        const bool as_it_is = m <= Rows && !right.along;
        for (index_t j = as_it_is ? width / columns * columns : 0; j < width; j += columns)
          right.at(j0 + j, k0).template pack<Bytes, columns>(int(std::min<index_t>(columns, width - j)), length,
                                                             block + j * length);
        for (index_t i = 0; i < m; i += Rows) {
          const int high = int(std::min<index_t>(Rows, m - i));
          left.at(i, k0).template pack<Bytes, Rows>(high, length, strip);
          for (index_t j = 0; j < width; j += columns) {
            const int wide = int(std::min<index_t>(columns, width - j));
            // What comes next in rows of its own, so that no stream of the processor foresees it: the tile of C that is
            // read when its sums are done, and a row of the next strip.
            if (to.keep != T(0))
              for (int r = 0; r < high; ++r) ask_for(to.p + (i + r) * to.row + (j0 + j) * to.column, columns);
            if (const index_t next = i + Rows + j / columns; left.along && next < m)
              ask_for(left.at(next, k0).p, length);
            sums t;
            if (as_it_is && wide == columns) t.multiply(length, strip, right.at(j0 + j, k0).p, right.stride);
            else t.multiply(length, strip, block + j * length, columns);
            write(t, high, wide, factor, to, i, j0 + j);
          }
        }
      }
    }
  }

 private:
  static void ask_for(const T* p, index_t length) {
    for (index_t k = 0; k < length; k += index_t(alignment / sizeof(T))) __builtin_prefetch(p + k, 0, 3);
  }

  [[gnu::always_inline]] static void write(const sums& t, int high, int wide, T factor, const destination<T>& c,
                                           index_t i, index_t j) {
    T* const to = c.p + i * c.row + j * c.column;
    if (!c.finish.run && high == Rows && wide == columns && c.column == 1) {
      t.write(factor, c.keep, to, c.row);
    } else {
      alignas(alignment) T values[Rows * columns];
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
