/// Operands of a product, copied into the order in which the tiles read them.
#pragma once

#include <algorithm>

#include "kdm/backend/native/simd.hpp"
#include "kdm/core/backend.hpp"

namespace kdm::native {

/// Copies `lines` lines of `length` numbers side by side: to[k * Lines + i] = line i at k. Absent lines hold anything:
/// their sums are not used.
///
/// Shapes.    along: the numbers of a line follow each other and lines start `stride` apart; across: number k of all
///            lines stands at from + k * stride, line after line. 1 <= lines <= Lines.
template <class T, int Bytes, int Lines>
struct panel {
  static constexpr int square_bytes = std::clamp(Lines * int(sizeof(T)), 16, Bytes);

  static void along(const T* from, index_t stride, int lines, index_t length, T* to) {
    const T* line[std::size_t(Lines)];
    for (int i = 0; i < Lines; ++i) line[i] = from + std::min(i, lines - 1) * stride;
    index_t done = 0;
    using square = transposer<T, square_bytes>;
    if constexpr (Lines % lanes<T, square_bytes> == 0)
      for (; done + square::step <= length; done += square::step)
        for (int i = 0; i < Lines; i += lanes<T, square_bytes>)
          square::run(line + i, done, to + done * Lines + i, Lines);
    for (; done < length; ++done)
      for (int i = 0; i < Lines; ++i) to[done * Lines + i] = line[i][done];
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

  /// From line `line` and number k of it on. An operand without numbers may be at null, from where no step leads.
  operand at(index_t line, index_t k) const {
    if (p == nullptr) return *this;
    return {along ? p + line * stride + k : p + k * stride + line, stride, along};
  }

  template <int Bytes, int Lines>
  void pack(int lines, index_t length, T* to) const {
    if (length == 0) return;
    if (along) panel<T, Bytes, Lines>::along(p, stride, lines, length, to);
    else panel<T, Bytes, Lines>::across(p, stride, lines, length, to);
  }
};

}  // namespace kdm::native
