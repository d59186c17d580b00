/// The layer concept: a value that holds sizes, with a forward pass and its vector-Jacobian product over views.
#pragma once

#include <concepts>
#include <string_view>

#include "kdm/core/arena.hpp"
#include "kdm/core/backend.hpp"
#include "kdm/core/ops.hpp"
#include "kdm/core/weights.hpp"

namespace kdm {

/// What a frame is planned for. An inference frame keeps nothing for a backward pass.
enum class pass { inference, training };

/// inputs(), outputs(): columns of x and y; size(): number of weights.
template <class L>
concept has_sizes = std::copyable<L> && requires(const L& l) {
  { l.inputs() } -> std::convertible_to<index_t>;
  { l.outputs() } -> std::convertible_to<index_t>;
  { l.size() } -> std::convertible_to<index_t>;
};

/// describe(manifest, prefix): appends the layer's tensors, size() numbers in all, in the order of its weights.
template <class L>
concept has_describe = requires(const L& l, manifest& m, std::string_view prefix) { l.describe(m, prefix); };

/// plan(arena, n, pass): the memory for n rows at a time, as an L::frame<B>.
template <class L, class B>
concept has_plan = backend<B> && requires(const L& l, arena<B>& a, index_t n, pass p) {
  { l.plan(a, n, p) } -> std::same_as<typename L::template frame<B>>;
};

/// forward(b, w, x, y, frame): y = layer(x) with weights w [1, size].
template <class L, class B>
concept has_forward = has_plan<L, B> && requires(const L& l, B& b, const_view_of<B> w, const_view_of<B> x, view_of<B> y,
                                                 typename L::template frame<B>& frame) {
  l.forward(b, w, x, y, frame);
};

/// backward(b, w, dw, x, y, dy, dx, keep, frame): dw += vjp to the weights; dx = keep dx + vjp to x, and nothing for
/// a null dx. x and y are those of the last forward with this (training) frame; dy may be overwritten.
template <class L, class B>
concept has_backward = has_plan<L, B> && requires(const L& l, B& b, const_view_of<B> w, view_of<B> dw,
                                                  const_view_of<B> x, const_view_of<B> y, view_of<B> dy, view_of<B> dx,
                                                  value_t<B> keep, typename L::template frame<B>& frame) {
  l.backward(b, w, dw, x, y, dy, dx, keep, frame);
};

/// backward(..., frame, afresh): with `afresh`, dw = vjp in place of dw +=, for a dw that holds anything. Optional: a
/// layer that can write its gradient saves the trainer clearing it, which for a small batch costs as much as a product.
template <class L, class B>
concept has_backward_afresh = has_plan<L, B> && requires(const L& l, B& b, const_view_of<B> w, view_of<B> dw,
                                                         const_view_of<B> x, const_view_of<B> y, view_of<B> dy,
                                                         view_of<B> dx, value_t<B> keep,
                                                         typename L::template frame<B>& frame, bool afresh) {
  l.backward(b, w, dw, x, y, dy, dx, keep, frame, afresh);
};

/// A differentiable map of rows. It holds no weights and no memory: both are handed in.
///
/// Shapes.    x [n, inputs], y [n, outputs], for any n up to the planned one.
template <class L, class B>
concept layer =
    has_sizes<L> && has_describe<L> && has_plan<L, B> && has_forward<L, B> && has_backward<L, B>;

/// l.backward(..., frame, afresh), by clearing dw where the layer has no such form.
template <class L, backend B, class Frame>
void run_backward(const L& l, B& b, const_view_of<B> w, view_of<B> dw, const_view_of<B> x, const_view_of<B> y,
                  view_of<B> dy, view_of<B> dx, value_t<B> keep, Frame& frame, bool afresh) {
  if constexpr (has_backward_afresh<L, B>) {
    l.backward(b, w, dw, x, y, dy, dx, keep, frame, afresh);
  } else {
    if (afresh) ops::fill(b, value_t<B>(0), dw);
    l.backward(b, w, dw, x, y, dy, dx, keep, frame);
  }
}

}  // namespace kdm
