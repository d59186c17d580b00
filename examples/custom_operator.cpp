// A Koopman operator of your own: a diagonal matrix, one factor for each latent dimension.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <string_view>
#include <type_traits>

#include "kdm/backend/reference.hpp"
#include "kdm/koopman/generator.hpp"
#include "kdm/koopman/terms.hpp"
#include "kdm/train/trainer.hpp"

/// z' = z * a, with a [1, latent]: the factors are the operator's eigenvalues.
class diagonal_operator {
 public:
  explicit diagonal_operator(kdm::index_t latent) : latent_(latent) {}

  // A layer ...
  kdm::index_t inputs() const { return latent_; }
  kdm::index_t outputs() const { return latent_; }
  kdm::index_t size() const { return latent_; }
  void describe(kdm::manifest& m, std::string_view prefix) const {
    m.add(kdm::join_name(prefix, "diagonal"), 1, latent_, 1, kdm::initializer::pytorch);
  }

  template <kdm::backend B>
  struct frame {};
  template <kdm::backend B>
  frame<B> plan(kdm::arena<B>&, kdm::index_t, kdm::pass) const { return {}; }

  template <kdm::backend B>
  void forward(B& b, kdm::const_view_of<B> w, kdm::const_view_of<B> x, kdm::view_of<B> y, frame<B>&) const {
    kdm::ops::map(b, kdm::ops::product{}, y, x, w);  // the one row of w meets every row of x
  }
  template <kdm::backend B>
  void backward(B& b, kdm::const_view_of<B> w, kdm::view_of<B> dw, kdm::const_view_of<B> x, kdm::const_view_of<B>,
                kdm::view_of<B> dy, kdm::view_of<B> dx, kdm::value_t<B> keep, frame<B>&) const {
    using T = kdm::value_t<B>;
    b.sum_rows(kdm::ops::product{}, T(1), dw, x, kdm::const_view_of<B>(dy));
    if (!dx) return;
    kdm::ops::multiply(b, w, dy);
    if (keep == T(0)) kdm::ops::copy(b, kdm::const_view_of<B>(dy), dx);
    else kdm::ops::map(b, kdm::ops::scaled_sum<T>{keep}, dx, dx, dy);
  }

  // ... that can be read as a matrix and be set from a fit: the nearest diagonal matrix.
  kdm::index_t latent() const { return latent_; }
  bool takes_bias() const { return false; }
  kdm::affine_map affine(kdm::const_view<double> w) const {
    kdm::affine_map map{kdm::matrix<double>(latent_, latent_), kdm::matrix<double>(1, latent_)};
    for (kdm::index_t k = 0; k < latent_; ++k) map.a(k, k) = w(0, k);
    return map;
  }
  void assign(const kdm::affine_map& fit, kdm::view<double> w) const {
    kdm::require_size("diagonal_operator: rows of the fitted matrix", fit.a.rows(), latent_);
    kdm::require_size("diagonal_operator: columns of the fitted matrix", fit.a.cols(), latent_);
    for (kdm::index_t k = 0; k < latent_; ++k) w(0, k) = fit.a(k, k);
  }

 private:
  kdm::index_t latent_;
};
static_assert(kdm::koopman_operator<diagonal_operator, kdm::reference_backend<double>>);

int main() {
  using namespace kdm;
  const auto linear = [](index_t in, index_t out) { return dense_layer(in, out, activations::identity{}, false); };
  const koopman_model model{linear(2, 3), linear(2, 3), diagonal_operator(3), linear(3, 2)};

  // Data that a linear student reaches exactly: x_0 is x_T, stretched and sheared.
  const random_table random{7};
  matrix<double> xT(300, 2), x0(300, 2);
  for (index_t i = 0; i < xT.rows(); ++i) {
    for (index_t j = 0; j < 2; ++j) xT(i, j) = random.normal<double>(i, j);
    x0(i, 0) = 2 * xT(i, 0) + xT(i, 1), x0(i, 1) = 0.5 * xT(i, 1);
  }

  using B = reference_backend<double>;
  trainer t(distillation(model, objective(0, terms::latent<>{}, terms::reconstruction<>{}, terms::prediction<>{})),
            adam{}, train_options{.steps = 3000, .batch = 100, .learning_rate = 1e-2}, xT, x0, B{});
  t.run();

  const matrix<double> w = t.weights();
  const affine_map learned = model.koopman.affine(model.operator_weights(w.view()));
  std::cout << "eigenvalues:";
  for (index_t k = 0; k < model.latent(); ++k) std::cout << ' ' << learned.a(k, k);
  generator<std::decay_t<decltype(model)>, B> student(model, w.view());
  const matrix<double> y = student.push(xT.view());
  double worst = 0;
  for (index_t k = 0; k < y.size(); ++k) worst = std::max(worst, std::abs(y.data()[k] - x0.data()[k]));
  std::cout << "\nlargest error of a push: " << worst << '\n';
  return worst < 1e-3 ? EXIT_SUCCESS : EXIT_FAILURE;
}
