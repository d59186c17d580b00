/// The backend concept: the verbs everything numerical is written with.
#pragma once

#include <concepts>

#include "kdm/core/view.hpp"

namespace kdm {

/// Whether gemm reads an operand as it is stored or transposed.
enum class op { as_is, transposed };

namespace detail {
struct kernel_probe {
  KDM_HD void operator()(index_t /*i*/) const {}
};
struct term_probe {
  template <class... X>
  KDM_HD auto operator()(X... x) const {
    return (x + ...);
  }
};
}  // namespace detail

/// B::value_type (float or double), B::space (a tag), and B itself a value: copies are cheap handles to one device,
/// on which the verbs of all copies take effect in the order in which they were issued.
template <class B>
concept has_types = std::copyable<B> && requires {
  typename B::value_type;
  typename B::space;
} && float_or_double<typename B::value_type>;

template <has_types B>
using value_t = typename B::value_type;
template <has_types B>
using view_of = view<value_t<B>, typename B::space>;
template <has_types B>
using const_view_of = view<const value_t<B>, typename B::space>;

/// allocate(n): 64-byte aligned memory for n numbers in B's space, n >= 1; deallocate(p, n) gives it back.
/// Called by `arena` alone. Verbs issued before a deallocate may still be under way.
template <class B>
concept has_memory = has_types<B> && requires(B& b, typename B::value_type* p, index_t n) {
  { b.allocate(n) } -> std::same_as<typename B::value_type*>;
  b.deallocate(p, n);
};

/// upload(x, y): host view x to y. download(x, y): x to host view y. synchronize(): waits until all verbs have ended.
/// The only places where memory spaces meet. The host side of a transfer stays untouched until synchronize().
template <class B>
concept has_transfer = has_types<B> && requires(B& b, view<value_t<B>> host, view_of<B> own) {
  b.upload(const_view<value_t<B>>(host), own);
  b.download(const_view_of<B>(own), host);
  b.synchronize();
};

/// for_each(n, kernel): kernel(i) for every i in [0, n), in any order, perhaps at the same time.
template <class B>
concept has_for_each = has_types<B> && requires(B& b, index_t n) { b.for_each(n, detail::kernel_probe{}); };

/// sum_rows(f, keep, y, x...): y_j = keep y_j + sum_i f(x_ij...), y [1, cols], summed in the same order every time.
/// keep = 0 overwrites y, even NaN.
template <class B>
concept has_sum_rows = has_types<B> && requires(B& b, value_t<B> keep, view_of<B> y, const_view_of<B> x) {
  b.sum_rows(detail::term_probe{}, keep, y, x);
  b.sum_rows(detail::term_probe{}, keep, y, x, x);
};

/// gemm(ta, tb, a, A, B, keep, C): C = keep C + a op(A) op(B). keep = 0 overwrites C, even NaN. C aliases neither.
template <class B>
concept has_gemm = has_types<B> && requires(B& b, value_t<B> a, const_view_of<B> x, view_of<B> y) {
  b.gemm(op::as_is, op::transposed, a, x, x, a, y);
};

/// Where and how the numbers are computed. A backend may add members for_each_cell, map, dense, add_normal and repeat
/// with the parameters of the operations of these names; they are then taken instead of the derived form.
template <class B>
concept backend =
    has_types<B> && has_memory<B> && has_transfer<B> && has_for_each<B> && has_sum_rows<B> && has_gemm<B>;

}  // namespace kdm
