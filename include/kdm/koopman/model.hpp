/// The distillation model: two encoders, a Koopman operator, a decoder.
#pragma once

#include <concepts>
#include <utility>

#include "kdm/koopman/operator.hpp"
#include "kdm/nn/chain.hpp"

namespace kdm {

/// The four parts of a Koopman student. One step of sampling is x_0 = decoder(koopman(encoder_noise(x_T))).
///
/// Shapes.    encoder_noise: noise -> latent; encoder_data: data -> latent; koopman: latent -> latent; decoder:
///            latent -> data. Weights: encoder_noise.*, koopman.*, decoder.*, encoder_data.*, in this order, so that
///            what sampling needs is one block at the front.
/// Source.    Berman et al. 2025, "One-step offline distillation of diffusion-based models via Koopman modeling",
///            arXiv 2505.13358
/// Throws.    shape_error naming the part whose sizes do not fit.
template <has_sizes NoiseEncoder, has_sizes DataEncoder, has_sizes Operator, has_sizes Decoder>
struct koopman_model {
  NoiseEncoder encoder_noise;
  DataEncoder encoder_data;
  Operator koopman;
  Decoder decoder;

  koopman_model(NoiseEncoder noise, DataEncoder data, Operator op, Decoder dec)
      : encoder_noise(std::move(noise)), encoder_data(std::move(data)), koopman(std::move(op)), decoder(std::move(dec)) {
    require_size("koopman_model: outputs of encoder_noise", encoder_noise.outputs(), latent());
    require_size("koopman_model: outputs of encoder_data", encoder_data.outputs(), latent());
    require_size("koopman_model: outputs of the operator", koopman.outputs(), latent());
    require_size("koopman_model: inputs of the decoder", decoder.inputs(), latent());
    require_size("koopman_model: outputs of the decoder", decoder.outputs(), data_dimension());
  }

  index_t latent() const { return koopman.inputs(); }
  index_t noise_dimension() const { return encoder_noise.inputs(); }
  index_t data_dimension() const { return encoder_data.inputs(); }
  index_t size() const { return encoder_noise.size() + encoder_data.size() + koopman.size() + decoder.size(); }

  /// f(name, part) for the four, in the order of their weights.
  template <class F>
  void for_each_part(F f) const {
    f("encoder_noise", encoder_noise), f("koopman", koopman), f("decoder", decoder), f("encoder_data", encoder_data);
  }

  void describe(manifest& m, std::string_view prefix) const {
    encoder_noise.describe(m, join_name(prefix, "encoder_noise"));
    koopman.describe(m, join_name(prefix, "koopman"));
    decoder.describe(m, join_name(prefix, "decoder"));
    encoder_data.describe(m, join_name(prefix, "encoder_data"));
  }

  /// One step of sampling as a layer. Its weights are the first step().size() of the model's.
  auto step() const { return sequential{encoder_noise, koopman, decoder}; }

  /// The part of a flat buffer [1, size] that belongs to each of the four.
  template <class T, class Space>
  view<T, Space> noise_weights(view<T, Space> w) const {
    return w.col_range(0, encoder_noise.size());
  }
  template <class T, class Space>
  view<T, Space> operator_weights(view<T, Space> w) const {
    return w.col_range(encoder_noise.size(), koopman.size());
  }
  template <class T, class Space>
  view<T, Space> decoder_weights(view<T, Space> w) const {
    return w.col_range(encoder_noise.size() + koopman.size(), decoder.size());
  }
  template <class T, class Space>
  view<T, Space> data_weights(view<T, Space> w) const {
    return w.col_range(size() - encoder_data.size(), encoder_data.size());
  }
};

/// latent(), noise_dimension(), data_dimension(), size().
template <class M>
concept has_dimensions = requires(const M& m) {
  { m.latent() } -> std::convertible_to<index_t>;
  { m.noise_dimension() } -> std::convertible_to<index_t>;
  { m.data_dimension() } -> std::convertible_to<index_t>;
  { m.size() } -> std::convertible_to<index_t>;
};

/// noise_weights(w), operator_weights(w), decoder_weights(w), data_weights(w): the parts' weights inside w.
template <class M>
concept has_weight_blocks = requires(const M& m, view<double> w) {
  { m.noise_weights(w) } -> std::same_as<view<double>>;
  { m.operator_weights(w) } -> std::same_as<view<double>>;
  { m.decoder_weights(w) } -> std::same_as<view<double>>;
  { m.data_weights(w) } -> std::same_as<view<double>>;
};

/// step(): one step of sampling as a layer, whose weights are the first of the model's.
template <class M, class B>
concept has_step_layer = requires(const M& m) {
  { m.step() } -> layer<B>;
};

/// What model code asks of a model and its parts, on one backend.
template <class M, class B>
concept distillable = backend<B> && layer<decltype(M::encoder_noise), B> && layer<decltype(M::encoder_data), B> &&
                      koopman_operator<decltype(M::koopman), B> && layer<decltype(M::decoder), B> &&
                      has_dimensions<M> && has_weight_blocks<M> && has_step_layer<M, B>;

}  // namespace kdm
