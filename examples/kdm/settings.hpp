/// The settings of `kdm distill`, every default in one place, and where a subcommand computes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kdm/core/config.hpp"

namespace kdm_command {

using kdm::index_t;

/// The noise x_T: what `kdm sample` draws, see prior.hpp.
struct prior_settings {
  std::string kind;          ///< "normal", or "unknown" where only --noise will do; "": measured on the pairs
  double scale = 0;          ///< the standard deviation where there is no factor; 0: measured on the pairs
  std::vector<double> mean = {};  ///< of every column; empty: 0
  std::vector<std::vector<double>> factor = {};  ///< one row of deviations, or a lower triangle; empty: scale
};

/// Sizes of the networks. With the defaults the pair error on the checkerboard is that of the published student, which is
/// 256 wide, within the standard error over 5,000 pairs.
struct model_settings {
  index_t noise_dimension = 0;  ///< 0: from the pairs
  index_t data_dimension = 0;   ///< 0: from the pairs
  index_t hidden = 96;          ///< width of every hidden layer
  index_t depth = 5;            ///< dense layers of each network
  index_t decoder_depth = 0;    ///< of the decoder, where it differs; 0: as the encoders
  index_t latent = 0;           ///< dimension of the latent space; 0: as wide as the hidden layers
  bool operator_bias = true;    ///< an affine operator instead of a linear one
  prior_settings prior;
};

/// Factors of the terms, and the latent noise under which they are taken, in the two phases of a run: the first lays
/// out the latent space under noise, the second trains the push itself.
struct objective_settings {
  double latent = 1;
  double reconstruction = 1;
  double prediction = 16;        ///< of the second phase; 0: its pass through the decoder is left out
  double prediction_from = 0.6;  ///< where the second phase begins, as a share of the steps
  double latent_noise = 0.4;     ///< of the first phase
  double late_noise = 0;         ///< of the second
};

struct training_settings {
  index_t steps = 30000;
  index_t batch = 256;
  double learning_rate = 2e-3;
  std::string schedule = "cosine";  ///< or "constant"
  index_t warm_up = 200;            ///< steps of a straight rise before it, at most a tenth of all
  double clip_norm = 0;             ///< 0: no clipping
  double average_decay = 0.999;
  double weight_decay = 0;
  std::string scaling = "columns";  ///< how columns are scaled for training, see standardise.hpp
  double beta2 = 0.95;              ///< Adam's memory of the squared gradient
  std::uint64_t seed = 1;
  bool initial_fit = true;          ///< the operator starts as the least-squares fit
  index_t refit_every = 0;          ///< and is fitted again every so many steps; 0: never
  index_t slice_rows = 0;           ///< pairs that a thread takes at a time; 0: from the batch
  std::string keep = "last";        ///< whose weights are saved: "last", or by "pair_error", "sliced_wasserstein"
};

struct settings {
  model_settings model;
  objective_settings objective;
  training_settings training;
};

/// A student of closed-form distillation, as in its configuration.json.
struct feature_settings {
  std::string features = "waves";  ///< or "bumps"
  index_t noise_dimension = 0, data_dimension = 0, latent = 0;
  prior_settings prior;
  std::string dictionary;  ///< how the student came about: --dictionary of kdm fit, and what follows
  double bandwidth = 0, ridge = 0;
  std::uint64_t seed = 0;
};

/// Where the numbers are computed.
struct compute_options {
  std::string backend = "native", executor = "openmp";
  int threads = 0;  ///< 0: all cores
};

}  // namespace kdm_command
