// A layer of your own: one factor for each column, y_ij = w_j x_ij.
#include <iostream>

#include "kdm/backend/reference.hpp"
#include "kdm/nn/chain.hpp"
#include "kdm/nn/dense.hpp"
#include "kdm/nn/gradient_check.hpp"

struct scale_layer {
  kdm::index_t width;

  kdm::index_t inputs() const { return width; }
  kdm::index_t outputs() const { return width; }
  kdm::index_t size() const { return width; }

  void describe(kdm::manifest& m, std::string_view prefix) const {
    m.add(kdm::join_name(prefix, "scale"), 1, width, width, kdm::initializer::pytorch);
  }

  // The memory a pass needs. Here: one table for the products dy * x.
  template <kdm::backend B>
  struct frame {
    kdm::view_of<B> product;
  };
  template <kdm::backend B>
  frame<B> plan(kdm::arena<B>& a, kdm::index_t n, kdm::pass p) const {
    if (p == kdm::pass::inference) return {};
    return {a.take(n, width)};
  }

  template <kdm::backend B>
  void forward(B& b, kdm::const_view_of<B> w, kdm::const_view_of<B> x, kdm::view_of<B> y, frame<B>&) const {
    kdm::ops::map(b, kdm::ops::product{}, y, x, w);  // the row w meets every row of x
  }

  template <kdm::backend B>
  void backward(B& b, kdm::const_view_of<B> w, kdm::view_of<B> dw, kdm::const_view_of<B> x, kdm::const_view_of<B> /*y*/,
                kdm::view_of<B> dy, kdm::view_of<B> dx, kdm::value_t<B> keep, frame<B>& f) const {
    using T = kdm::value_t<B>;
    b.sum_rows(kdm::ops::product{}, T(1), dw, kdm::const_view_of<B>(dy), x);  // dw accumulates
    if (!dx) return;
    const kdm::view_of<B> product = f.product.row_range(0, x.rows);
    kdm::ops::map(b, kdm::ops::product{}, product, kdm::const_view_of<B>(dy), w);
    if (keep == T(0)) kdm::ops::copy(b, kdm::const_view_of<B>(product), dx);
    else kdm::ops::map(b, kdm::ops::scaled_sum<T>{keep}, dx, kdm::const_view_of<B>(dx), kdm::const_view_of<B>(product));
  }
};

using reference = kdm::reference_backend<double>;
static_assert(kdm::layer<scale_layer, reference>);

int main() {
  const kdm::sequential net{scale_layer{3}, kdm::dense_layer(3, 4, kdm::activations::tanh{}), scale_layer{4}};
  for (const auto& tensor : kdm::manifest_of(net)) std::cout << tensor.name << '\n';

  const auto errors = kdm::gradient_check<reference>(net);
  std::cout << "largest relative error of a gradient: " << errors.worst() << '\n';
  return errors.worst() < 1e-7 ? 0 : 1;
}
