/// Strided row-major views whose memory space is part of their type.
#pragma once

#include <cassert>
#include <concepts>
#include <type_traits>

#include "kdm/core/config.hpp"

namespace kdm {

/// Memory that the processor running `main` can address.
struct host_space {};

/// A matrix somebody else owns: rows x cols elements, row i starting at p + i * ld.
///
/// Shapes.    row-major, batch first. Images are NHWC: rows = batch x height x width, cols = channels.
/// Cost.      four words, passed by value; nothing is owned. Ranges are checked by assert alone (without NDEBUG).
template <class T, class Space = host_space>
struct view {
  using value_type = std::remove_const_t<T>;
  using space = Space;

  T* p = nullptr;
  index_t rows = 0;
  index_t cols = 0;
  index_t ld = 0;

  constexpr view() = default;
  KDM_HD constexpr view(T* p_, index_t rows_, index_t cols_, index_t ld_)
      : p(p_), rows(rows_), cols(cols_), ld(ld_) {}
  KDM_HD constexpr view(T* p_, index_t rows_, index_t cols_) : view(p_, rows_, cols_, cols_) {}

  /// A view of T is also a view of const T. (A template, so that view<const T> has no conversion to itself.)
  template <class U>
    requires(std::same_as<const U, T> && !std::same_as<U, T>)
  KDM_HD constexpr view(view<U, Space> other) : view(other.p, other.rows, other.cols, other.ld) {}

  KDM_HD constexpr T& operator()(index_t i, index_t j) const { return p[i * ld + j]; }
  KDM_HD constexpr T* row_pointer(index_t i) const { return p + i * ld; }

  /// `count` rows (columns) from `first` on.
  KDM_HD constexpr view row_range(index_t first, index_t count) const {
    assert(first >= 0 && count >= 0 && count <= rows - first);
    return {p + first * ld, count, cols, ld};
  }
  KDM_HD constexpr view col_range(index_t first, index_t count) const {
    assert(first >= 0 && count >= 0 && count <= cols - first);
    return {p + first, rows, count, ld};
  }
  KDM_HD constexpr view row(index_t i) const { return row_range(i, 1); }

  /// The same elements, or the first of them, as a matrix of another shape. Only for gap-free views.
  KDM_HD constexpr view reshaped(index_t new_rows, index_t new_cols) const {
    assert(contiguous() && new_rows * new_cols <= size());
    return {p, new_rows, new_cols, new_cols};
  }

  KDM_HD constexpr index_t size() const { return rows * cols; }
  KDM_HD constexpr bool empty() const { return rows == 0 || cols == 0; }
  /// True when the rows follow each other without a gap.
  KDM_HD constexpr bool contiguous() const { return ld == cols || rows <= 1; }
  /// False for the null view, which callers pass to say "not wanted".
  KDM_HD constexpr explicit operator bool() const { return p != nullptr; }
};

template <class T, class Space = host_space>
using const_view = view<const T, Space>;

}  // namespace kdm
