/// The student of the kdm command: its type and its sizes.
#pragma once

#include <utility>
#include <vector>

#include "kdm/koopman/model.hpp"
#include "kdm/math/activations.hpp"
#include "kdm/nn/chain.hpp"
#include "kdm/nn/dense.hpp"
#include "settings.hpp"

namespace kdm_command {

using scalar = float;
using hidden_layer = kdm::dense_layer<kdm::activations::silu>;
using encoder = kdm::stack<hidden_layer>;
using decoder = kdm::sequential<kdm::stack<hidden_layer>, kdm::dense_layer<>>;
using student_model = kdm::koopman_model<encoder, encoder, kdm::linear_operator, decoder>;

/// `depth` dense layers with silu after each: inputs -> hidden -> ... -> hidden -> outputs.
inline kdm::stack<hidden_layer> network(index_t inputs, index_t hidden, index_t outputs, index_t depth) {
  std::vector<hidden_layer> layers;
  for (index_t k = 0; k < depth; ++k) layers.emplace_back(k == 0 ? inputs : hidden, k + 1 == depth ? outputs : hidden);
  return kdm::stack(std::move(layers));
}

inline student_model build(const model_settings& m) {
  const index_t decoder_depth = m.decoder_depth == 0 ? m.depth : m.decoder_depth;
  return {network(m.noise_dimension, m.hidden, m.latent, m.depth), network(m.data_dimension, m.hidden, m.latent, m.depth),
          kdm::linear_operator(m.latent, m.operator_bias),
          decoder(network(m.latent, m.hidden, m.hidden, decoder_depth - 1),
                  kdm::dense_layer<>(m.hidden, m.data_dimension))};
}

}  // namespace kdm_command
