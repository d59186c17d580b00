/// Layers one after the other: `sequential` of different types, `stack` of any number of one type.
#pragma once

#include <algorithm>
#include <tuple>
#include <utility>
#include <vector>

#include "kdm/nn/layer.hpp"

namespace kdm {

namespace detail {

/// What sequential and stack share. Derived offers count() and visit(layers, k, f).
///
/// Weights: those of the layers in order. A training frame keeps every intermediate y; gradients (and, at inference,
/// the intermediate y) travel through two buffers.
template <class Derived>
class chain {
 public:
  index_t inputs() const { return ask(0, [](const auto& l) { return l.inputs(); }); }
  index_t outputs() const { return ask(self().count() - 1, [](const auto& l) { return l.outputs(); }); }

  index_t size() const {
    index_t total = 0;
    for (index_t k = 0; k < self().count(); ++k)
      total = checked_sum("the number of weights of all layers", total, ask(k, [](const auto& l) { return l.size(); }));
    return total;
  }

  void describe(manifest& m, std::string_view prefix) const {
    for (index_t k = 0; k < self().count(); ++k)
      self().visit(k, [&](const auto& l) { l.describe(m, join_name(prefix, concat(k))); });
  }

  /// f(layer) for each of them in order.
  template <class F>
  void for_each_layer(F f) const {
    for (index_t k = 0; k < self().count(); ++k) self().visit(k, [&](const auto& l) { f(l); });
  }

  template <backend B, class Frame>
  void forward(B& b, const_view_of<B> w, const_view_of<B> x, view_of<B> y, Frame& f) const {
    index_t offset = 0;
    for (index_t k = 0; k < self().count(); ++k) {
      const view_of<B> out = k + 1 == self().count() ? y : f.y[std::size_t(k)].row_range(0, x.rows);
      self().visit_frame(k, f.layers, [&](const auto& l, auto& frame) {
        l.forward(b, w.col_range(offset, l.size()), x, out, frame);
        offset += l.size();
      });
      x = out;
    }
  }

  template <backend B, class Frame>
  void backward(B& b, const_view_of<B> w, view_of<B> dw, const_view_of<B> x, const_view_of<B> y, view_of<B> dy,
                view_of<B> dx, value_t<B> keep, Frame& f, bool afresh = false) const {
    index_t offset = size();
    for (index_t k = self().count() - 1; k >= 0; --k) {
      const const_view_of<B> in = k == 0 ? x : const_view_of<B>(f.y[std::size_t(k - 1)].row_range(0, x.rows));
      const view_of<B> din = k == 0 ? dx : f.dy[k % 2].row_range(0, x.rows).col_range(0, width(k - 1));
      self().visit_frame(k, f.layers, [&](const auto& l, auto& frame) {
        offset -= l.size();
        kdm::run_backward(l, b, w.col_range(offset, l.size()), dw.col_range(offset, l.size()), in, y, dy, din,
                     k == 0 ? keep : value_t<B>(0), frame, afresh);
      });
      y = in;
      dy = din;
    }
  }

 protected:
  /// Throws shape_error where one layer's outputs are not the next one's inputs.
  void check(std::string_view what) const {
    if (self().count() < 1) fail<shape_error>(what, ": no layers, expected at least 1");
    for (index_t k = 1; k < self().count(); ++k) {
      const index_t before = ask(k - 1, [](const auto& l) { return l.outputs(); });
      const index_t after = ask(k, [](const auto& l) { return l.inputs(); });
      if (before != after)
        fail<shape_error>(what, ": layer ", k - 1, " has ", before, " outputs, layer ", k, " expects ", after);
    }
    size();  // throws where no index counts it
  }

  template <backend B, class Frames>
  struct frame_of {
    Frames layers;
    std::vector<view_of<B>> y;  ///< what layer k hands to layer k + 1
    view_of<B> dy[2];
  };

  template <class Frame, backend B, class PlanLayers>
  Frame plan_with(arena<B>& a, index_t n, pass p, PlanLayers plan_layers) const {
    Frame f{plan_layers(), {}, {}};
    const index_t between = self().count() - 1;
    if (between == 0) return f;
    index_t widest = 0;
    for (index_t k = 0; k < between; ++k) widest = std::max(widest, width(k));
    for (auto& buffer : f.dy) buffer = a.take(n, widest);
    for (index_t k = 0; k < between; ++k)
      f.y.push_back(p == pass::training ? a.take(n, width(k)) : f.dy[k % 2].col_range(0, width(k)));
    return f;
  }

 private:
  const Derived& self() const { return static_cast<const Derived&>(*this); }

  template <class F>
  index_t ask(index_t k, F f) const {
    index_t answer = 0;
    self().visit(k, [&](const auto& l) { answer = f(l); });
    return answer;
  }
  index_t width(index_t k) const { return ask(k, [](const auto& l) { return l.outputs(); }); }
};

}  // namespace detail

/// Layers of any types, one after the other. Tensors are named "0.weight", "1.weight", ... as in torch.nn.Sequential.
///
/// Throws.    shape_error naming the two layers whose sizes do not meet.
/// Example.   sequential net{dense_layer(2, 64, activations::silu{}), dense_layer(64, 2)};
template <has_sizes... L>
class sequential : public detail::chain<sequential<L...>> {
  using base = detail::chain<sequential<L...>>;
  friend base;

 public:
  explicit sequential(L... layers) : layers_(std::move(layers)...) { base::check("sequential"); }

  template <backend B>
  using frame = typename base::template frame_of<B, std::tuple<typename L::template frame<B>...>>;

  template <backend B>
  frame<B> plan(arena<B>& a, index_t n, pass p) const {
    // Braces: the layers take their memory in order.
    return base::template plan_with<frame<B>>(a, n, p, [&] {
      return std::apply(
          [&](const auto&... l) { return std::tuple<typename L::template frame<B>...>{l.plan(a, n, p)...}; }, layers_);
    });
  }

 private:
  index_t count() const { return index_t(sizeof...(L)); }

  template <class F>
  void visit(index_t k, F f) const {
    visit_at(k, f, std::index_sequence_for<L...>{});
  }
  template <class F, std::size_t... I>
  void visit_at(index_t k, F& f, std::index_sequence<I...>) const {
    ((k == index_t(I) ? f(std::get<I>(layers_)) : void()), ...);
  }
  template <class Frames, class F>
  void visit_frame(index_t k, Frames& frames, F f) const {
    visit_frame_at(k, frames, f, std::index_sequence_for<L...>{});
  }
  template <class Frames, class F, std::size_t... I>
  void visit_frame_at(index_t k, Frames& frames, F& f, std::index_sequence<I...>) const {
    ((k == index_t(I) ? f(std::get<I>(layers_), std::get<I>(frames)) : void()), ...);
  }

  std::tuple<L...> layers_;
};

/// Any number of layers of one type, one after the other; the number is known at run time.
///
/// Throws.    shape_error naming the two layers whose sizes do not meet.
template <has_sizes L>
class stack : public detail::chain<stack<L>> {
  using base = detail::chain<stack<L>>;
  friend base;

 public:
  explicit stack(std::vector<L> layers) : layers_(std::move(layers)) { base::check("stack"); }

  template <backend B>
  using frame = typename base::template frame_of<B, std::vector<typename L::template frame<B>>>;

  template <backend B>
  frame<B> plan(arena<B>& a, index_t n, pass p) const {
    return base::template plan_with<frame<B>>(a, n, p, [&] {
      std::vector<typename L::template frame<B>> frames;
      for (const auto& l : layers_) frames.push_back(l.plan(a, n, p));
      return frames;
    });
  }

 private:
  index_t count() const { return index_t(layers_.size()); }

  template <class F>
  void visit(index_t k, F f) const {
    f(layers_[std::size_t(k)]);
  }
  template <class Frames, class F>
  void visit_frame(index_t k, Frames& frames, F f) const {
    f(layers_[std::size_t(k)], frames[std::size_t(k)]);
  }

  std::vector<L> layers_;
};

}  // namespace kdm
