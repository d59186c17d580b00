/// Koopman operators as layers: the concept, and the dense (affine or linear) operator.
#pragma once

#include <concepts>
#include <string>

#include "kdm/core/matrix.hpp"
#include "kdm/nn/dense.hpp"

namespace kdm {

/// A Koopman operator written out: rows of latents move by z' = z A' + c.
///
/// Shapes.    A [latent, latent], c [1, latent] (zeros for a linear operator). A is the state transition of columns
///            (z' = A z + c) and the transpose of the EDMD matrix of rows (Psi_Y = Psi_X K, K = A').
struct affine_map {
  matrix<double> a;
  matrix<double> c;
};

/// latent(): the dimension of the latent space.
template <class O>
concept has_latent = requires(const O& o) {
  { o.latent() } -> std::convertible_to<index_t>;
};

/// affine(w): the operator with host weights w, written out.
template <class O>
concept has_affine = requires(const O& o, const_view<double> w) {
  { o.affine(w) } -> std::same_as<affine_map>;
};

/// assign(fit, w): writes host weights with which the operator is the fitted map, or the nearest it can be.
template <class O>
concept has_assign = requires(const O& o, const affine_map& fit, view<double> w) { o.assign(fit, w); };

/// takes_bias(): whether a fit should include a constant term.
template <class O>
concept has_takes_bias = requires(const O& o) {
  { o.takes_bias() } -> std::same_as<bool>;
};

/// A layer that maps latent rows linearly (or affinely), can be read as a matrix and be set from a fit.
///
/// Example.   examples/custom_operator.cpp
template <class O, class B>
concept koopman_operator = layer<O, B> && has_latent<O> && has_affine<O> && has_assign<O> && has_takes_bias<O>;

/// The dense operator: z' = z A' + c, with or without the bias c.
///
/// Shapes.    z [n, latent]. Weights: A [latent, latent], then c. Tensors "weight" and "bias", as torch.nn.Linear.
/// Cost.      2 n latent^2 flops.
class linear_operator : public dense_layer<activations::identity> {
 public:
  explicit linear_operator(index_t latent, bool bias = true, initializer init = initializer::pytorch)
      : dense_layer(latent, latent, {}, bias, init) {}

  index_t latent() const { return inputs(); }
  bool takes_bias() const { return has_bias(); }
  std::string text() const { return concat("linear_operator ", latent(), takes_bias() ? "" : ", without bias"); }

  affine_map affine(const_view<double> w) const {
    require_size("linear_operator: number of weights", w.size(), size());
    affine_map map{matrix<double>(weight(w)), matrix<double>(1, latent())};
    if (has_bias()) map.c = matrix<double>(bias(w));
    return map;
  }

  /// Throws.    shape_error when the fit has another dimension.
  void assign(const affine_map& fit, view<double> w) const {
    require_size("linear_operator: number of weights", w.size(), size());
    require_size("linear_operator: rows of the fitted matrix", fit.a.rows(), latent());
    require_size("linear_operator: columns of the fitted matrix", fit.a.cols(), latent());
    if (has_bias()) require_size("linear_operator: entries of the fitted bias", fit.c.size(), latent());
    for (index_t k = 0; k < fit.a.size(); ++k) w.p[k] = fit.a.data()[k];
    if (!has_bias()) return;
    for (index_t k = 0; k < latent(); ++k) bias(w).p[k] = fit.c.data()[k];
  }
};

}  // namespace kdm
