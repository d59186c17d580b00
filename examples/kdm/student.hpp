/// A trained student, and the folder in which it lives.
#pragma once

#include <cmath>
#include <filesystem>
#include <memory>

#include "configuration.hpp"
#include "engine.hpp"
#include "kdm/io/weights.hpp"
#include "kdm/nn/initialize.hpp"
#include "model.hpp"

namespace kdm_command {

/// The files of a model folder.
struct model_folder {
  std::filesystem::path path;
  std::filesystem::path configuration() const { return path / "configuration.json"; }
  std::filesystem::path model() const { return path / "model.safetensors"; }
  std::filesystem::path checkpoint() const { return path / "checkpoint.safetensors"; }
  std::filesystem::path log() const { return path / "training.jsonl"; }
};

/// A trained student from its folder.
struct student {
  kdm_command::settings settings;
  student_model model;
  kdm::matrix<scalar> weights;

  std::unique_ptr<sampling> generator(const engine& on) const {
    return on.sample(model, weights.view(), settings.model.prior_scale);
  }
};

inline settings load_settings(const std::filesystem::path& file) {
  settings s;
  read(s, kdm::io::read_json(file), file.string());
  check(s, file.string());
  return s;
}

/// Throws io_error, option_error naming the file.
inline student load_student(const model_folder& folder) {
  const settings s = load_settings(folder.configuration());
  const auto given = [&](const char* key, double value) {
    if (!(value > 0))
      kdm::fail<kdm::option_error>(folder.configuration().string(), ": '", key, "' is ", value,
                                   ", expected more than 0 in the folder of a model");
  };
  given("noise_dimension", double(s.model.noise_dimension));
  given("data_dimension", double(s.model.data_dimension));
  given("latent", double(s.model.latent));
  given("prior_scale", s.model.prior_scale);
  student_model model = build(s.model);
  kdm::matrix<scalar> weights = kdm::io::load_weights<scalar>(folder.model(), kdm::manifest_of(model));
  return {s, std::move(model), std::move(weights)};
}

/// The first layer of the noise encoder learns on x_T / prior_scale; with its matrix divided by the scale the model
/// takes x_T as it is.
inline void fold_prior_scale(const student_model& model, kdm::view<scalar> weights, double prior_scale) {
  const kdm::manifest m = kdm::manifest_of(model);
  const kdm::view<scalar> first = kdm::tensor_of(weights, m.find("encoder_noise.0.weight"));
  for (index_t k = 0; k < first.size(); ++k) first.p[k] = scalar(first.p[k] / prior_scale);
}

/// The standard deviation of noise about 0. The priors of the two paths, 1 and 80, are taken where the measurement
/// agrees with them within four standard errors: samples of a standard prior measure as 0.998, say, and mean 1.
inline double measured_scale(kdm::const_view<scalar> noise) {
  double sum = 0;
  for (index_t i = 0; i < noise.rows; ++i)
    for (index_t j = 0; j < noise.cols; ++j) sum += double(noise(i, j)) * double(noise(i, j));
  const double scale = std::sqrt(sum / double(noise.size()));
  if (!(scale > 0)) return 1;
  const double standard_error = scale / std::sqrt(2 * double(noise.size()));
  for (const double prior : {1., 80.})
    if (std::abs(prior - scale) < 4 * standard_error) return prior;
  return scale;
}

}  // namespace kdm_command
