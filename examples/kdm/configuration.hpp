/// The settings of `kdm distill` as JSON, in and out.
#pragma once

#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <type_traits>

#include "kdm/io/config.hpp"
#include "numbers.hpp"
#include "prior.hpp"
#include "settings.hpp"

namespace kdm_command {

using kdm::io::json;

namespace detail {

/// The one list of all settings: visit(section, key, value, least, most).
template <class Settings, class Visit>
void each(Settings& s, Visit visit) {
  constexpr double any = std::numeric_limits<double>::max(), wide = 65536;
  visit("model", "noise_dimension", s.model.noise_dimension, 0, wide);
  visit("model", "data_dimension", s.model.data_dimension, 0, wide);
  visit("model", "hidden", s.model.hidden, 1, wide);
  visit("model", "depth", s.model.depth, 2, 1000);
  visit("model", "decoder_depth", s.model.decoder_depth, 0, 1000);
  visit("model", "latent", s.model.latent, 0, wide);
  visit("model", "operator_bias", s.model.operator_bias, 0, 1);
  visit("objective", "latent", s.objective.latent, 0, any);
  visit("objective", "reconstruction", s.objective.reconstruction, 0, any);
  visit("objective", "prediction", s.objective.prediction, 0, any);
  visit("objective", "prediction_from", s.objective.prediction_from, 0, 1);
  visit("objective", "latent_noise", s.objective.latent_noise, 0, any);
  visit("objective", "late_noise", s.objective.late_noise, 0, any);
  visit("training", "steps", s.training.steps, 0, 1e15);
  visit("training", "batch", s.training.batch, 1, 1 << 24);
  visit("training", "learning_rate", s.training.learning_rate, std::numeric_limits<double>::min(), any);
  visit("training", "schedule", s.training.schedule, 0, 0);
  visit("training", "warm_up", s.training.warm_up, 0, any);
  visit("training", "clip_norm", s.training.clip_norm, 0, any);
  visit("training", "average_decay", s.training.average_decay, 0, 1 - 0x1p-24);
  visit("training", "weight_decay", s.training.weight_decay, 0, any);
  visit("training", "scaling", s.training.scaling, 0, 0);
  visit("training", "beta2", s.training.beta2, 0, 1 - 0x1p-24);
  visit("training", "seed", s.training.seed, 0, any);
  visit("training", "initial_fit", s.training.initial_fit, 0, 1);
  visit("training", "refit_every", s.training.refit_every, 0, any);
  visit("training", "slice_rows", s.training.slice_rows, 0, 1 << 24);
  visit("training", "keep", s.training.keep, 0, 0);
}

}  // namespace detail

/// Reads the keys that are there over what `s` already holds; an unknown key is an error.
inline void read(settings& s, const json& value, const std::string& where) {
  kdm::io::config_reader all(value, where);
  (void)all.choice("kind", "network", {"network"});
  std::map<std::string, kdm::io::config_reader> sections;
  for (const char* name : {"model", "objective", "training"}) sections.emplace(name, all.section(name));
  detail::each(s, [&](const char* section, const char* key, auto& field, double, double) {
    auto& reader = sections.at(section);
    if constexpr (std::is_same_v<decltype(field), std::string&>)
      field = key == std::string_view("keep")      ? reader.choice(key, field, {"last", "pair_error", "sliced_wasserstein"})
              : key == std::string_view("scaling") ? reader.choice(key, field, {"columns", "common", "none"})
                                                   : reader.choice(key, field, {"cosine", "constant"});
    else
      field = reader.get(key, field);
  });
  read(s.model.prior, sections.at("model"));
  for (const auto& section : sections) section.second.finish();
  all.finish();
}

inline json to_json(const settings& s) {
  json value;
  detail::each(s, [&](const char* section, const char* key, const auto& field, double, double) {
    value[section][key] = field;
  });
  write(s.model.prior, value["model"]);
  return value;
}

inline feature_settings read_features(const json& value, const std::string& where) {
  feature_settings s;
  kdm::io::config_reader all(value, where), model = all.section("model"), fit = all.section("fit");
  (void)all.choice("kind", "features", {"features"});
  s.features = model.choice("features", s.features, {"waves", "bumps"});
  s.noise_dimension = model.require<index_t>("noise_dimension");
  s.data_dimension = model.require<index_t>("data_dimension");
  s.latent = model.require<index_t>("latent");
  read(s.prior, model);
  s.dictionary = fit.get("dictionary", s.dictionary);
  s.bandwidth = fit.get("bandwidth", s.bandwidth);
  s.ridge = fit.get("ridge", s.ridge);
  s.seed = fit.get("seed", s.seed);
  for (const auto* section : {&model, &fit, &all}) section->finish();
  for (const index_t size : {s.noise_dimension, s.data_dimension, s.latent})
    if (size < 1 || size > 65536)
      kdm::fail<kdm::option_error>(where, ": model: a size is ", size, ", expected 1 to 65536");
  return s;
}

inline json to_json(const feature_settings& s) {
  json value{{"kind", "features"},
          {"model",
           {{"features", s.features},
            {"noise_dimension", s.noise_dimension},
            {"data_dimension", s.data_dimension},
            {"latent", s.latent}}},
          {"fit", {{"dictionary", s.dictionary}, {"bandwidth", s.bandwidth}, {"ridge", s.ridge}, {"seed", s.seed}}}};
  write(s.prior, value["model"]);
  return value;
}

/// The range of the list above, in the type of the field.
template <class T>
number_range<T> range_of(double least, double most) {
  number_range<T> r;
  if constexpr (std::is_floating_point_v<T>) {
    r.above_least = least == std::numeric_limits<double>::min();
    r.least = r.above_least ? 0 : least;
    r.most = most;
  } else {
    r.least = T(least);
    if (most < 0x1p62) r.most = T(most);
  }
  return r;
}

/// Throws option_error for a value outside its range or not finite. `where` names the file or the command line.
inline void check(const settings& s, const std::string& where) {
  if (!(s.model.prior.scale >= 0))
    kdm::fail<kdm::option_error>(where, ": model: 'prior_scale' is ", s.model.prior.scale, ", expected 0 or more");
  detail::each(s, [&](const char* section, const char* key, const auto& field, double least, double most) {
    using T = std::remove_cvref_t<decltype(field)>;
    if constexpr (std::is_arithmetic_v<T> && !std::is_same_v<T, bool>)
      if (const auto range = range_of<T>(least, most); !range.holds(field))
        kdm::fail<kdm::option_error>(where, ": ", section, ": '", key, "' is ", field, ", expected ", range.text());
  });
}

}  // namespace kdm_command
