/// Operands of a product, copied into the order in which the tiles read them.
#pragma once

#include <algorithm>

#include "kdm/backend/native/simd.hpp"
#include "kdm/core/backend.hpp"

namespace kdm::native {

/// Copies `lines` lines of `length` numbers side by side: to[k * Lines + i] = line i at k, zeros for absent lines.
///
/// Shapes.    along: the numbers of a line follow each other and lines start `stride` apart; across: number k of all
///            lines stands at from + k * stride, line after line. 1 <= lines <= Lines.
template <class T, int Bytes, int Lines>
struct panel {
  // Squares of up to eight numbers: a wider one has more steps of interleaving a number.
  static constexpr int square_bytes = std::min(Bytes, 8 * int(sizeof(T)));
  static constexpr int square = lanes<T, square_bytes>;

  static void along(const T* from, index_t stride, int lines, index_t length, T* to) {
    index_t done = 0;
    if constexpr (Lines % square == 0) {
      if (lines == Lines)
        for (; done + square <= length; done += square)
          for (int i = 0; i < Lines; i += square)
            transposer<T, square_bytes>::run(from + i * stride + done, stride, to + done * Lines + i, Lines);
    }
    for (int i = 0; i < Lines; ++i)
      for (index_t k = done; k < length; ++k) to[k * Lines + i] = i < lines ? from[i * stride + k] : T(0);
  }

  static void across(const T* from, index_t stride, int lines, index_t length, T* to) {
    if (lines == Lines) {
      for (index_t k = 0; k < length; ++k, to += Lines, from += stride)
        for (int i = 0; i < Lines; ++i) to[i] = from[i];
    } else {
      for (index_t k = 0; k < length; ++k, to += Lines, from += stride) {
        std::copy_n(from, lines, to);
        std::fill_n(to + lines, Lines - lines, T(0));
      }
    }
  }
};

/// An operand whose lines are read together: the rows of op(A), or the columns of op(B).
///
/// `along`: the numbers of a line are neighbours in memory.
template <class T>
struct operand {
  const T* p;
  index_t stride;
  bool along;

  static operand left(op o, const_view<T> x) { return {x.p, x.ld, o == op::as_is}; }
  static operand right(op o, const_view<T> x) { return {x.p, x.ld, o == op::transposed}; }

  /// From line `line` and number k of it on.
  operand at(index_t line, index_t k) const {
    return {along ? p + line * stride + k : p + k * stride + line, stride, along};
  }

  template <int Bytes, int Lines>
  void pack(int lines, index_t length, T* to) const {
    if (along) panel<T, Bytes, Lines>::along(p, stride, lines, length, to);
    else panel<T, Bytes, Lines>::across(p, stride, lines, length, to);
  }
};

}  // namespace kdm::native
