/// The configuration of `kdm distill`: every default in one place, as JSON in and out.
#pragma once

#include <cmath>
#include <string>

#include "kdm/io/config.hpp"
#include "kdm/train/trainer.hpp"

namespace kdm_command {

using kdm::index_t;
using kdm::io::json;

/// Sizes of the networks. The defaults are those of the published checkerboard student.
struct model_settings {
  index_t noise_dimension = 0;  ///< 0: from the pairs
  index_t data_dimension = 0;   ///< 0: from the pairs
  index_t hidden = 256;         ///< width of every hidden layer
  index_t depth = 5;            ///< dense layers of each network
  index_t latent = 0;           ///< dimension of the latent space; 0: as wide as the hidden layers
  bool operator_bias = true;    ///< an affine operator instead of a linear one
  double prior_scale = 0;       ///< standard deviation of the noise x_T; 0: measured on the pairs
};

/// Factors of the terms, and the latent noise under which they are taken.
struct objective_settings {
  double latent = 1;
  double reconstruction = 1;
  double prediction = 0;  ///< 0: its pass through the decoder is left out
  double latent_noise = 0.4;
};

struct training_settings {
  index_t steps = 30000;
  index_t batch = 256;
  double learning_rate = 2e-3;
  std::string schedule = "cosine";  ///< or "constant"
  index_t warm_up = 200;            ///< steps of a straight rise before it
  double clip_norm = 0;             ///< 0: no clipping
  double average_decay = 0.999;
  double weight_decay = 0;
  std::uint64_t seed = 1;
  bool initial_fit = true;          ///< the operator starts as the least-squares fit
  index_t refit_every = 0;          ///< and is fitted again every so many steps; 0: never
};

struct settings {
  model_settings model;
  objective_settings objective;
  training_settings training;
};

/// Reads the keys that are there over what `s` already holds; an unknown key is an error.
inline void read(settings& s, const json& value, const std::string& where) {
  kdm::io::config_reader all(value, where);
  auto model = all.section("model");
  auto& m = s.model;
  m.noise_dimension = model.get("noise_dimension", m.noise_dimension);
  m.data_dimension = model.get("data_dimension", m.data_dimension);
  m.hidden = model.get("hidden", m.hidden);
  m.depth = model.get("depth", m.depth);
  m.latent = model.get("latent", m.latent);
  m.operator_bias = model.get("operator_bias", m.operator_bias);
  m.prior_scale = model.get("prior_scale", m.prior_scale);
  model.finish();

  auto objective = all.section("objective");
  auto& o = s.objective;
  o.latent = objective.get("latent", o.latent);
  o.reconstruction = objective.get("reconstruction", o.reconstruction);
  o.prediction = objective.get("prediction", o.prediction);
  o.latent_noise = objective.get("latent_noise", o.latent_noise);
  objective.finish();

  auto training = all.section("training");
  auto& t = s.training;
  t.steps = training.get("steps", t.steps);
  t.batch = training.get("batch", t.batch);
  t.learning_rate = training.get("learning_rate", t.learning_rate);
  t.schedule = training.choice("schedule", t.schedule, {"cosine", "constant"});
  t.warm_up = training.get("warm_up", t.warm_up);
  t.clip_norm = training.get("clip_norm", t.clip_norm);
  t.average_decay = training.get("average_decay", t.average_decay);
  t.weight_decay = training.get("weight_decay", t.weight_decay);
  t.seed = training.get("seed", t.seed);
  t.initial_fit = training.get("initial_fit", t.initial_fit);
  t.refit_every = training.get("refit_every", t.refit_every);
  training.finish();
  all.finish();
}

inline json to_json(const settings& s) {
  const auto& m = s.model;
  const auto& o = s.objective;
  const auto& t = s.training;
  return {{"model",
           {{"noise_dimension", m.noise_dimension},
            {"data_dimension", m.data_dimension},
            {"hidden", m.hidden},
            {"depth", m.depth},
            {"latent", m.latent},
            {"operator_bias", m.operator_bias},
            {"prior_scale", m.prior_scale}}},
          {"objective",
           {{"latent", o.latent},
            {"reconstruction", o.reconstruction},
            {"prediction", o.prediction},
            {"latent_noise", o.latent_noise}}},
          {"training",
           {{"steps", t.steps},
            {"batch", t.batch},
            {"learning_rate", t.learning_rate},
            {"schedule", t.schedule},
            {"warm_up", t.warm_up},
            {"clip_norm", t.clip_norm},
            {"average_decay", t.average_decay},
            {"weight_decay", t.weight_decay},
            {"seed", t.seed},
            {"initial_fit", t.initial_fit},
            {"refit_every", t.refit_every}}}};
}

/// Throws option_error for a value outside its range or not finite. `where` names the file or the command line.
inline void check(const settings& s, const std::string& where) {
  const auto at_least = [&](const char* key, double value, double least) {
    if (!(value >= least && std::isfinite(value))) kdm::fail<kdm::option_error>(where, ": '", key, "' is ", value, ", expected ", least, " or more");
  };
  const auto at_most = [&](const char* key, double value, double most) {
    if (!(value <= most)) kdm::fail<kdm::option_error>(where, ": '", key, "' is ", value, ", expected at most ", most);
  };
  at_least("noise_dimension", double(s.model.noise_dimension), 0);
  at_most("noise_dimension", double(s.model.noise_dimension), 65536);
  at_least("data_dimension", double(s.model.data_dimension), 0);
  at_most("data_dimension", double(s.model.data_dimension), 65536);
  at_least("hidden", double(s.model.hidden), 1);
  at_most("hidden", double(s.model.hidden), 65536);
  at_least("depth", double(s.model.depth), 2);
  at_most("depth", double(s.model.depth), 1000);
  at_least("latent", double(s.model.latent), 0);
  at_most("latent", double(s.model.latent), 65536);
  at_least("prior_scale", s.model.prior_scale, 0);
  at_least("objective: latent", s.objective.latent, 0);
  at_least("objective: reconstruction", s.objective.reconstruction, 0);
  at_least("objective: prediction", s.objective.prediction, 0);
  at_least("latent_noise", s.objective.latent_noise, 0);
  at_least("steps", double(s.training.steps), 0);
  at_least("batch", double(s.training.batch), 1);
  at_most("batch", double(s.training.batch), 1 << 24);
  at_least("warm_up", double(s.training.warm_up), 0);
  at_least("clip_norm", s.training.clip_norm, 0);
  at_least("average_decay", s.training.average_decay, 0);
  at_least("weight_decay", s.training.weight_decay, 0);
  at_least("refit_every", double(s.training.refit_every), 0);
  if (!(s.training.learning_rate > 0 && std::isfinite(s.training.learning_rate)))
    kdm::fail<kdm::option_error>(where, ": 'learning_rate' is ", s.training.learning_rate, ", expected more than 0");
  if (!(s.training.average_decay < 1))
    kdm::fail<kdm::option_error>(where, ": 'average_decay' is ", s.training.average_decay, ", expected less than 1");
}

}  // namespace kdm_command
