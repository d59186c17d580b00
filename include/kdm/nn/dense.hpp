/// The dense layer: y = act(x W' + c).
#pragma once

#include <cassert>
#include <string>
#include <string_view>

#include "kdm/core/ops.hpp"
#include "kdm/math/activations.hpp"
#include "kdm/nn/layer.hpp"

namespace kdm {

/// Applies one dense layer: y = act(x W' + c).
///
/// Shapes.    x [n, in], W [out, in] as PyTorch stores it, c [1, out], y [n, out]; y must not alias x or W.
///            Weights: W, then c where the layer has a bias.
/// Cost.      2 n in out flops; one pass over y for bias and activation. A training frame holds n out numbers, the
///            slopes act'(z), so that the backward pass evaluates no activation again.
/// Gradient.  dW += dz' x, dc += sum_rows(dz), dx = keep dx + dz W with dz = dy * act'(z). dy is overwritten.
/// Throws.    shape_error for sizes below 1, or with more weights than an index counts.
/// Example.   examples/custom_layer.cpp
template <class Act = activations::identity>
class dense_layer {
  static_assert(activation<Act, detail::number_of<Act>>,
                "dense_layer: the third argument is no kdm::activation: expected a functor with a static `name`, whose "
                "f(z) returns kdm::activated<T>{value, slope}; see docs/concepts/activation.md");

 public:
  dense_layer(index_t inputs, index_t outputs, Act act = {}, bool bias = true, initializer init = initializer::pytorch)
      : inputs_(inputs), outputs_(outputs), act_(act), bias_(bias), init_(init) {
    if (inputs < 1 || outputs < 1)
      fail<shape_error>("dense_layer: ", inputs, " inputs and ", outputs, " outputs, expected at least 1 of each");
    checked_sum("dense_layer: the number of weights", outputs,
                checked_product("dense_layer: the number of weights", inputs, outputs));
  }

  index_t inputs() const { return inputs_; }
  index_t outputs() const { return outputs_; }
  index_t size() const { return inputs_ * outputs_ + (bias_ ? outputs_ : 0); }
  bool has_bias() const { return bias_; }
  const Act& activation() const { return act_; }

  /// "dense_layer 2 -> 32, silu".
  std::string text() const {
    std::string act(Act::name);
    if constexpr (requires(double x) { x = act_.negative_slope; }) act += concat('(', act_.negative_slope, ')');
    return concat("dense_layer ", inputs_, " -> ", outputs_, ", ", act, bias_ ? "" : ", without bias");
  }

  void describe(manifest& m, std::string_view prefix) const {
    const bool torch = init_ == initializer::pytorch;
    m.add(join_name(prefix, "weight"), outputs_, inputs_, inputs_, init_);
    if (bias_) m.add(join_name(prefix, "bias"), 1, outputs_, inputs_, torch ? init_ : initializer::zeros);
  }

  template <backend B>
  struct frame {
    view_of<B> slope;
  };

  template <backend B>
  frame<B> plan(arena<B>& a, index_t n, pass p) const {
    if (is_linear || p == pass::inference) return {};
    return {a.take(n, outputs_)};
  }

  template <backend B>
  void forward(B& b, const_view_of<B> w, const_view_of<B> x, view_of<B> y, frame<B>& f) const {
    ops::dense(b, x, weight(w), bias(w), act_, y, f.slope.row_range(0, f.slope ? y.rows : 0));
  }

  template <backend B>
  void backward(B& b, const_view_of<B> w, view_of<B> dw, const_view_of<B> x, const_view_of<B> /*y*/, view_of<B> dy,
                view_of<B> dx, value_t<B> keep, frame<B>& f, bool afresh = false) const {
    using T = value_t<B>;
    assert(is_linear || f.slope);  // a frame planned for training
    if constexpr (!is_linear) ops::multiply(b, const_view_of<B>(f.slope.row_range(0, dy.rows)), dy);
    const T keep_dw = afresh ? T(0) : T(1);
    b.gemm(op::transposed, op::as_is, T(1), dy, x, keep_dw, weight(dw));
    if (bias_) b.sum_rows(ops::take_first{}, keep_dw, bias(dw), const_view_of<B>(dy));
    if (dx) b.gemm(op::as_is, op::as_is, T(1), dy, weight(w), keep, dx);
  }

  /// The matrix W [out, in] and the row c [1, out] inside the layer's weights; the row is null without bias.
  template <class T, class Space>
  view<T, Space> weight(view<T, Space> w) const {
    return w.reshaped(outputs_, inputs_);
  }
  template <class T, class Space>
  view<T, Space> bias(view<T, Space> w) const {
    return bias_ ? w.col_range(inputs_ * outputs_, outputs_) : view<T, Space>{};
  }

 private:
  static constexpr bool is_linear = is_identity<Act>;

  index_t inputs_, outputs_;
  Act act_;
  bool bias_;
  initializer init_;
};

}  // namespace kdm
