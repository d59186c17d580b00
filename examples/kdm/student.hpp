/// A trained student, and the folder in which it lives.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "configuration.hpp"
#include "engine.hpp"
#include "kdm/io/weights.hpp"
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
  kdm::normal_prior prior;

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
  std::unique_ptr<sampling> generator(const engine& on) const { return on.sample(model, weights.view(), prior); }
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
  const auto loaded = [&](json configuration, const prior_settings& stated, auto model) {
    kdm::normal_prior prior = prior_of(stated, model.noise_dimension(), file);
    const kdm::io::safetensors stored = kdm::io::load_safetensors(folder.model());
    require_same_model(stored, configuration, file);
    kdm::matrix<scalar> weights = kdm::io::load_weights<scalar>(stored, kdm::manifest_of(model));
    return student{std::move(configuration), std::move(model), std::move(weights), std::move(prior)};
  };
  const auto require = [&](const auto& sizes) {
    given("noise_dimension", double(sizes.noise_dimension));
    given("data_dimension", double(sizes.data_dimension));
    given("latent", double(sizes.latent));
  };
  const json value = kdm::io::read_json(folder.configuration());
  if (value.is_object() && value.contains("kind") && value["kind"] == "features") {
    const feature_settings s = read_features(value, file);
    require(s);
    if (s.features == "waves") return loaded(to_json(s), s.prior, build_waves(s));
    return loaded(to_json(s), s.prior, build_bumps(s));
  }
  const settings s = load_settings(folder.configuration());
  require(s.model);
  return loaded(to_json(s), s.model.prior, build(s.model));
}

}  // namespace kdm_command
