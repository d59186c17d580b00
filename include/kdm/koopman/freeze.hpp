/// From a trained model to the chain of dense layers that a frozen model runs.
#pragma once

#include <concepts>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "kdm/koopman/frozen.hpp"
#include "kdm/koopman/model.hpp"
#include "kdm/nn/chain.hpp"
#include "kdm/nn/dense.hpp"

namespace kdm {

namespace detail {

template <class L>
struct is_dense_chain : std::false_type {};
template <class Act>
struct is_dense_chain<dense_layer<Act>>
    : std::bool_constant<std::is_empty_v<Act> || std::same_as<Act, activations::leaky_relu>> {};
template <>
struct is_dense_chain<linear_operator> : std::true_type {};
template <class... L>
struct is_dense_chain<sequential<L...>> : std::bool_constant<(is_dense_chain<L>::value && ...)> {};
template <class L>
struct is_dense_chain<stack<L>> : is_dense_chain<L> {};

/// A dense layer in double, on its way into a frozen chain.
struct thawed_layer {
  matrix<double> w, c;
  frozen_layer about;
  bool affine;

  template <class Act>
  thawed_layer(matrix<double> weight, matrix<double> bias, const Act& act)
      : w(std::move(weight)), c(std::move(bias)), affine(is_identity<Act>) {
    const std::string_view name = Act::name;
    if (name.empty() || name.size() >= sizeof about.activation || name.find_first_of(" :\"\\\n") != name.npos)
      fail<option_error>("freeze: an activation is called '", name, "', expected 1 to ", sizeof about.activation - 1,
                         " characters without blanks, colons and quotes");
    about = {w.cols(), w.rows(), {}, 0};
    name.copy(about.activation, name.size());
    if constexpr (requires { act.negative_slope; }) about.parameter = act.negative_slope;
  }
};

using thawed_layers = std::vector<thawed_layer>;

template <class Act, class T>
void thaw(const dense_layer<Act>& l, const_view<T> w, thawed_layers& to) {
  matrix<double> c(1, l.outputs());
  if (l.has_bias()) c = matrix<double>(l.bias(w));
  to.emplace_back(matrix<double>(l.weight(w)), std::move(c), l.activation());
}
template <class Chain, class T>
  requires requires(const Chain& l) { l.for_each_layer([](const auto&) {}); }
void thaw(const Chain& chain, const_view<T> w, thawed_layers& to) {
  index_t offset = 0;
  chain.for_each_layer([&](const auto& l) {
    thaw(l, w.col_range(offset, l.size()), to);
    offset += l.size();
  });
}

/// Flops a row that one layer in place of k and k + 1 would save; below 0 where it would cost more.
inline index_t saved_by_folding(const thawed_layers& layers, std::size_t k) {
  const index_t in = layers[k].w.cols(), between = layers[k].w.rows(), out = layers[k + 1].w.rows();
  return layers[k].affine ? in * between + between * out - in * out : -1;
}

/// act(W2 (W1 x + c1) + c2) = act((W2 W1) x + (W2 c1 + c2))
inline void fold(thawed_layers& layers, std::size_t k) {
  const thawed_layer first = std::move(layers[k]);
  thawed_layer& next = layers[k + 1];
  matrix<double> w(next.w.rows(), first.w.cols());
  for (index_t i = 0; i < w.rows(); ++i)
    for (index_t m = 0; m < next.w.cols(); ++m) {
      const double factor = next.w(i, m);
      next.c(0, i) += factor * first.c(0, m);
      for (index_t j = 0; j < w.cols(); ++j) w(i, j) += factor * first.w(m, j);
    }
  next.w = std::move(w);
  next.about.inputs = next.w.cols();
  layers.erase(layers.begin() + std::ptrdiff_t(k));
}

}  // namespace detail

/// True for dense layers and chains of them, whose activations are named functions without state (or leaky_relu).
template <class L>
concept dense_chain = detail::is_dense_chain<std::remove_cv_t<L>>::value;

/// A model whose step of sampling freezes: dense chains around an operator that can be written out.
template <class M>
concept freezable = dense_chain<decltype(M::encoder_noise)> && dense_chain<decltype(M::decoder)> &&
                    has_affine<decltype(M::koopman)> && has_dimensions<M> && has_weight_blocks<M>;

/// Writes the step of sampling as few dense layers.
///
/// The operator z' = z A' + c becomes part of the decoder's first layer: its matrix W A, its bias W c + c1. So does
/// every other layer without activation where that saves work. Products are taken in double, and rounded once.
/// Shapes.    weights [1, model.size()] or its first model.step().size() numbers.
/// Cost.      2 latent^2 hidden flops, once; then 2 latent^2 flops less for each sample.
/// Throws.    shape_error for another number of weights.
template <freezable Model, class U>
frozen_parts<std::remove_const_t<U>> freeze(const Model& model, view<U> weights, normal_prior prior = {}) {
  using T = std::remove_const_t<U>;
  const const_view<T> w = weights;
  require_size("freeze: rows of the weights", w.rows, 1);
  const index_t needed = model.encoder_noise.size() + model.koopman.size() + model.decoder.size();
  if (w.size() != needed) require_size("freeze: number of weights", w.size(), model.size());
  detail::thawed_layers layers;
  const index_t before = model.encoder_noise.size();
  detail::thaw(model.encoder_noise, w.col_range(0, before), layers);
  affine_map koopman = model.koopman.affine(matrix<double>(w.col_range(before, model.koopman.size())).view());
  layers.emplace_back(std::move(koopman.a), std::move(koopman.c), activations::identity{});
  detail::thaw(model.decoder, w.col_range(before + model.koopman.size(), model.decoder.size()), layers);

  while (true) {
    std::size_t best = 0;
    for (std::size_t k = 1; k + 1 < layers.size(); ++k)
      if (detail::saved_by_folding(layers, k) > detail::saved_by_folding(layers, best)) best = k;
    if (layers.size() < 2 || detail::saved_by_folding(layers, best) < 0) break;
    detail::fold(layers, best);
  }

  frozen_parts<T> parts{{}, {}, std::move(prior)};
  index_t size = 0;
  for (const auto& l : layers) size += l.w.size() + l.c.size();
  parts.weights = matrix<T>(1, size);
  T* to = parts.weights.data();
  for (const auto& l : layers) {
    parts.layers.push_back(l.about);
    for (const auto* m : {&l.w, &l.c})
      for (index_t k = 0; k < m->size(); ++k) *to++ = static_cast<T>(m->data()[k]);
  }
  return parts;
}

}  // namespace kdm
