/// The residual combinator: y = x + f(x).
#pragma once

#include <string>
#include <utility>

#include "kdm/core/ops.hpp"
#include "kdm/nn/layer.hpp"

namespace kdm {

/// Adds a layer's output to its input: y = x + f(x).
///
/// Shapes.    f has as many outputs as inputs. Weights: those of f.
/// Cost.      one pass more than f; a training frame keeps f(x) apart, because f's backward may read it.
/// Gradient.  dx = keep dx + dy + vjp of f; dy is overwritten where f does.
/// Throws.    shape_error when f's outputs are not its inputs.
template <has_sizes L>
class residual {
 public:
  explicit residual(L inner) : inner_(std::move(inner)) {
    require_size("residual: outputs of the inner layer", inner_.outputs(), inner_.inputs());
  }

  index_t inputs() const { return inner_.inputs(); }
  index_t outputs() const { return inner_.outputs(); }
  index_t size() const { return inner_.size(); }
  std::string text() const { return "residual"; }
  template <class F>
  void for_each_part(F f) const {
    f("", inner_);
  }

  void describe(manifest& m, std::string_view prefix) const { inner_.describe(m, prefix); }

  template <backend B>
  struct frame {
    typename L::template frame<B> inner;
    view_of<B> y;
  };

  template <backend B>
  frame<B> plan(arena<B>& a, index_t n, pass p) const {
    auto inner = inner_.plan(a, n, p);
    return {std::move(inner), a.take(n, outputs())};
  }

  template <backend B>
  void forward(B& b, const_view_of<B> w, const_view_of<B> x, view_of<B> y, frame<B>& f) const {
    const view_of<B> fx = f.y.row_range(0, x.rows);
    inner_.forward(b, w, x, fx, f.inner);
    ops::map(b, ops::plus{}, y, x, const_view_of<B>(fx));
  }

  template <backend B>
  void backward(B& b, const_view_of<B> w, view_of<B> dw, const_view_of<B> x, const_view_of<B> /*y*/, view_of<B> dy,
                view_of<B> dx, value_t<B> keep, frame<B>& f, bool afresh = false) const {
    using T = value_t<B>;
    if (dx) {
      if (keep == T(0)) ops::copy(b, const_view_of<B>(dy), dx);
      else ops::map(b, ops::scaled_sum<T>{keep}, dx, const_view_of<B>(dx), const_view_of<B>(dy));
    }
    kdm::run_backward(inner_, b, w, dw, x, const_view_of<B>(f.y.row_range(0, x.rows)), dy, dx, T(1), f.inner, afresh);
  }

 private:
  L inner_;
};

}  // namespace kdm
