/// How a user's tensor enters the library without a copy.
#pragma once

#include <span>
#include <type_traits>
#include <vector>

#include "kdm/core/matrix.hpp"
#include "kdm/core/sizes.hpp"
#include "kdm/core/view.hpp"

namespace kdm {

/// Customisation point: specialise it for a tensor type with
///
///     static view<T> make(X&);              and / or
///     static view<const T> make(const X&);
///
/// Specialisations for Eigen and xtensor stand in their backend headers; an optional header only adds types here.
template <class X>
struct view_traits {};

template <class T, class Space>
struct view_traits<view<T, Space>> {
  static view<T, Space> make(view<T, Space> x) { return x; }
};

template <class T>
struct view_traits<matrix<T>> {
  static view<T> make(matrix<T>& x) { return x.view(); }
  static const_view<T> make(const matrix<T>& x) { return x.view(); }
};

/// A vector or span is one column: n samples of one number.
template <class T, class A>
struct view_traits<std::vector<T, A>> {
  static view<T> make(std::vector<T, A>& x) { return {x.data(), index_t(x.size()), 1}; }
  static const_view<T> make(const std::vector<T, A>& x) { return {x.data(), index_t(x.size()), 1}; }
};

template <class T, std::size_t N>
struct view_traits<std::span<T, N>> {
  static view<T> make(std::span<T, N> x) { return {x.data(), index_t(x.size()), 1}; }
};

template <class X>
concept viewable = requires(X& x) { view_traits<std::remove_cv_t<X>>::make(x); };

/// The view of `x`: same elements, no copy; `x` must outlive it (so a temporary is refused).
template <class X>
  requires viewable<X>
auto as_view(X& x) {
  return view_traits<std::remove_cv_t<X>>::make(x);
}

/// The elements of a gap-free container seen as `rows` samples of `cols` numbers.
///
/// Throws.    shape_error when rows * cols is not the number of elements.
template <class X>
  requires viewable<X>
auto as_view(X& x, index_t rows, index_t cols) {
  const auto v = kdm::as_view(x);
  if (!v.contiguous() || rows < 0 || cols < 0 ||
      checked_product("as_view: the number of elements", rows, cols) != v.size())
    fail<shape_error>("as_view: ", v.rows, " x ", v.cols, " elements cannot be seen as ", rows, " x ", cols);
  return v.reshaped(rows, cols);
}

}  // namespace kdm
