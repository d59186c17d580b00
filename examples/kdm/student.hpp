/// A trained student, and the folder in which it lives.
#pragma once

#include <cmath>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <variant>

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
  std::filesystem::path best() const { return path / "best.safetensors"; }
  std::filesystem::path log() const { return path / "training.jsonl"; }
};

/// A trained or fitted student from its folder.
struct student {
  json configuration;
  any_model model;
  kdm::matrix<scalar> weights;
  double prior_scale;

  template <class F>
  auto visit(F f) const {
    return std::visit(f, model);
  }
  index_t noise_dimension() const { return visit([](const auto& m) { return m.noise_dimension(); }); }
  index_t data_dimension() const { return visit([](const auto& m) { return m.data_dimension(); }); }
  /// The operator written out.
  kdm::affine_map koopman() const {
    return visit([&](const auto& m) {
      return m.koopman.affine(kdm::matrix<double>(m.operator_weights(kdm::const_view<scalar>(weights.view()))).view());
    });
  }
  std::unique_ptr<sampling> generator(const engine& on) const { return on.sample(model, weights.view(), prior_scale); }
};

inline settings load_settings(const std::filesystem::path& file) {
  settings s;
  read(s, kdm::io::read_json(file), file.string());
  check(s, file.string());
  return s;
}

/// What stands in a file of weights beside them: the architecture and prior that they belong to.
inline kdm::io::metadata_t weights_metadata(const json& configuration) {
  return {{"format", "pt"}, {"model", configuration["model"].dump()}};
}

/// Throws io_error where the weights say that they belong to another model than the configuration beside them, as files
/// of two runs do. Older files say nothing.
inline void require_same_model(const kdm::io::safetensors& weights, const json& configuration, const std::string& file) {
  const auto place = weights.metadata().find("model");
  if (place == weights.metadata().end()) return;
  const json stated = kdm::io::parse_json(place->second, weights.file() + ": metadata: model");
  for (const auto& item : stated.items()) {
    const auto other = configuration["model"].find(item.key());
    if (other != configuration["model"].end() && *other != item.value())
      kdm::fail<kdm::io_error>(weights.file(), ": was written with '", item.key(), "' = ", item.value().dump(), ", ", file,
                               " has ", other->dump(), ": the two are not of one run");
  }
}

/// Throws io_error, option_error naming the file.
inline student load_student(const model_folder& folder) {
  const std::string file = folder.configuration().string();
  const auto given = [&](const char* key, double value) {
    if (!(value > 0))
      kdm::fail<kdm::option_error>(file, ": '", key, "' is ", value, ", expected more than 0 in the folder of a model");
  };
  const auto loaded = [&](json configuration, double prior_scale, auto model) {
    const kdm::io::safetensors stored = kdm::io::load_safetensors(folder.model());
    require_same_model(stored, configuration, file);
    kdm::matrix<scalar> weights = kdm::io::load_weights<scalar>(stored, kdm::manifest_of(model));
    return student{std::move(configuration), std::move(model), std::move(weights), prior_scale};
  };
  const auto require = [&](const auto& sizes) {
    given("noise_dimension", double(sizes.noise_dimension));
    given("data_dimension", double(sizes.data_dimension));
    given("latent", double(sizes.latent));
    given("prior_scale", sizes.prior_scale);
  };
  const json value = kdm::io::read_json(folder.configuration());
  if (value.is_object() && value.contains("kind") && value["kind"] == "features") {
    const feature_settings s = read_features(value, file);
    require(s);
    if (s.features == "waves") return loaded(to_json(s), s.prior_scale, build_waves(s));
    return loaded(to_json(s), s.prior_scale, build_bumps(s));
  }
  const settings s = load_settings(folder.configuration());
  require(s.model);
  return loaded(to_json(s), s.model.prior_scale, build(s.model));
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
