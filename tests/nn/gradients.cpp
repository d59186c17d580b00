// gradient_check passes on right layers and catches wrong ones.
#include <doctest/doctest.h>

#include <vector>

#include "backend/six_clauses.hpp"
#include "kdm/backend/reference.hpp"
#include "kdm/nn/chain.hpp"
#include "kdm/nn/dense.hpp"
#include "kdm/nn/gradient_check.hpp"
#include "kdm/nn/residual.hpp"

using kdm::dense_layer;
using kdm::index_t;
namespace activations = kdm::activations;
using reference = kdm::reference_backend<double>;

namespace {

/// y = s x with one weight s, and one mistake of your choice.
enum class mistake { none, weight_gradient, input_gradient, overwrites_dw, ignores_keep, adds_to_old_dx };

template <mistake M>
struct scale_layer {
  index_t width;

  index_t inputs() const { return width; }
  index_t outputs() const { return width; }
  index_t size() const { return 1; }
  void describe(kdm::manifest& m, std::string_view prefix) const {
    m.add(kdm::join_name(prefix, "scale"), 1, 1, 1, kdm::initializer::identity);
  }
  template <kdm::backend B>
  struct frame {};
  template <kdm::backend B>
  frame<B> plan(kdm::arena<B>&, index_t, kdm::pass) const {
    return {};
  }
  template <class B>
  void forward(B&, kdm::const_view_of<B> w, kdm::const_view_of<B> x, kdm::view_of<B> y, frame<B>&) const {
    for (index_t i = 0; i < x.rows; ++i)
      for (index_t j = 0; j < x.cols; ++j) y(i, j) = w(0, 0) * x(i, j);
  }
  template <class B>
  void backward(B&, kdm::const_view_of<B> w, kdm::view_of<B> dw, kdm::const_view_of<B> x, kdm::const_view_of<B>,
                kdm::view_of<B> dy, kdm::view_of<B> dx, kdm::value_t<B> keep, frame<B>&) const {
    if (M == mistake::overwrites_dw) dw(0, 0) = 0;
    for (index_t i = 0; i < x.rows; ++i)
      for (index_t j = 0; j < x.cols; ++j) {
        dw(0, 0) += dy(i, j) * (M == mistake::weight_gradient ? 1.001 : 1) * x(i, j);
        const auto fresh = dy(i, j) * (M == mistake::input_gradient ? 1.001 : 1) * w(0, 0);
        if (M == mistake::ignores_keep || (keep == 0 && M != mistake::adds_to_old_dx)) dx(i, j) = fresh;
        else dx(i, j) = keep * dx(i, j) + fresh;
      }
  }
};

/// A layer that can write its gradient afresh, rightly or by adding to what was there.
template <bool Right>
struct writing_layer : scale_layer<mistake::none> {
  using scale_layer<mistake::none>::frame;
  template <class B>
  void backward(B& b, kdm::const_view_of<B> w, kdm::view_of<B> dw, kdm::const_view_of<B> x, kdm::const_view_of<B> y,
                kdm::view_of<B> dy, kdm::view_of<B> dx, kdm::value_t<B> keep, frame<B>& f, bool afresh = false) const {
    if (Right && afresh) dw(0, 0) = 0;
    scale_layer<mistake::none>::backward(b, w, dw, x, y, dy, dx, keep, f);
  }
};

/// Its own backward pass hides both forms of the dense layer's.
struct no_gradient : dense_layer<> {
  using dense_layer<>::dense_layer;
  template <class B>
  void backward(B& b, kdm::const_view_of<B> w, kdm::view_of<B> dw, kdm::const_view_of<B> x, kdm::const_view_of<B> y,
                kdm::view_of<B> dy, kdm::view_of<B> dx, kdm::value_t<B> keep, frame<B>& f) const {
    kdm::ops::fill(b, kdm::value_t<B>(0), dy);
    dense_layer<>::backward(b, w, dw, x, y, dy, dx, keep, f);
  }
};

static_assert(kdm::has_backward_afresh<dense_layer<>, reference>);
static_assert(kdm::has_backward_afresh<kdm::sequential<scale_layer<mistake::none>>, reference>);
static_assert(kdm::has_backward_afresh<kdm::residual<dense_layer<>>, reference>);
static_assert(!kdm::has_backward_afresh<scale_layer<mistake::none>, reference>);
static_assert(kdm::has_backward_afresh<writing_layer<true>, reference>);
static_assert(!kdm::has_backward_afresh<no_gradient, reference>);

}  // namespace

TEST_CASE("right layers pass") {
  CHECK(kdm::gradient_check<reference>(scale_layer<mistake::none>{3}).worst() < 1e-8);
  CHECK(kdm::gradient_check<reference>(writing_layer<true>{{3}}).worst() < 1e-8);
  CHECK(kdm::gradient_check<reference>(dense_layer(3, 4)).worst() < 1e-8);
  CHECK(kdm::gradient_check<reference>(dense_layer(3, 4, activations::tanh{}, false)).worst() < 1e-8);
  CHECK(kdm::gradient_check<reference>(dense_layer(3, 4, activations::sigmoid{})).worst() < 1e-8);
  CHECK(kdm::gradient_check<reference>(dense_layer(3, 4, activations::silu{})).worst() < 1e-8);
  CHECK(kdm::gradient_check<reference>(dense_layer(3, 4, activations::gelu{})).worst() < 1e-8);
  // Piecewise linear: no point of this seed lies within h of the kink.
  CHECK(kdm::gradient_check<reference>(dense_layer(3, 4, activations::relu{})).worst() < 1e-8);
  CHECK(kdm::gradient_check<reference>(dense_layer(3, 4, activations::leaky_relu{})).worst() < 1e-8);
}

TEST_CASE("right combinators pass") {
  using layer_t = dense_layer<activations::silu>;
  const kdm::sequential net{layer_t(3, 5), kdm::residual(layer_t(5, 5)),
                            kdm::residual(kdm::sequential{layer_t(5, 7), dense_layer(7, 5)}), dense_layer(5, 2)};
  CHECK(kdm::gradient_check<reference>(net).worst() < 1e-8);
  CHECK(kdm::gradient_check(net, kdm_test::six_clauses<double>{}).worst() < 1e-8);
  const kdm::stack deep(std::vector<layer_t>(6, layer_t(4, 4)));
  CHECK(kdm::gradient_check<reference>(deep).worst() < 1e-8);
  CHECK(kdm::gradient_check<reference>(kdm::residual(deep)).worst() < 1e-8);
  CHECK(kdm::gradient_check<reference>(kdm::residual(kdm::residual<layer_t>(layer_t(3, 3)))).worst() < 1e-8);
  CHECK(kdm::gradient_check<reference>(kdm::stack(std::vector{kdm::residual(layer_t(3, 3))})).worst() < 1e-8);
}

TEST_CASE("each mistake shows in its own figure") {
  const auto weights = kdm::gradient_check<reference>(scale_layer<mistake::weight_gradient>{3});
  CHECK(weights.weights > 5e-4);
  CHECK(weights.input < 1e-8);
  CHECK(weights.conventions < 1e-8);
  const auto input = kdm::gradient_check<reference>(scale_layer<mistake::input_gradient>{3});
  CHECK(input.input > 5e-4);
  CHECK(input.weights < 1e-8);
  CHECK(input.conventions < 1e-8);
  const auto overwrites = kdm::gradient_check<reference>(scale_layer<mistake::overwrites_dw>{3});
  CHECK(overwrites.conventions > 0.1);
  CHECK(overwrites.weights < 1e-8);
  CHECK(kdm::gradient_check<reference>(scale_layer<mistake::ignores_keep>{3}).conventions > 0.1);
  CHECK(kdm::gradient_check<reference>(scale_layer<mistake::adds_to_old_dx>{3}).worst() > 0.1);
  CHECK(kdm::gradient_check<reference>(writing_layer<false>{{3}}).conventions > 0.1);
}
