/// Models as files, each in one call: architecture and weights, to be trained on or sampled.
#pragma once

#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include "kdm/io/frozen.hpp"
#include "kdm/io/weights.hpp"
#include "kdm/koopman/freeze.hpp"
#include "kdm/nn/architecture.hpp"
#include "kdm/nn/initialize.hpp"

namespace kdm::io {

namespace detail {

/// The next line of `text`, which loses it.
inline std::string_view take_line(std::string_view& text) {
  const std::string_view line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(line.size() + 1, text.size()));
  return line;
}

/// Throws.    io_error naming the first line in which the file's architecture is not this one.
inline void require_architecture(const std::string& file, std::string_view found, std::string_view expected) {
  const auto shown = [](std::string_view line) { return line.empty() ? "no further layer" : in_quotes(line); };
  while (!found.empty() || !expected.empty()) {
    const std::string_view there = take_line(found), here = take_line(expected);
    if (there != here) fail<io_error>(file, ": the architecture has ", shown(there), ", expected ", shown(here));
  }
}

}  // namespace detail

/// Writes a model: weights [1, size], tensor by tensor as save_weights does, and architecture(model) as the metadata
/// "architecture". Layers of any kind will do.
///
/// Throws.    shape_error, io_error; numeric_error for a weight that is not finite.
/// Example.   io::save_model("model.safetensors", model, train.average().view());
template <class Model, class U>
void save_model(const std::filesystem::path& path, const Model& model, view<U> weights, metadata_t metadata = {}) {
  metadata["architecture"] = architecture(model);
  save_weights<std::remove_const_t<U>>(path, manifest_of(model), weights, metadata);
}

/// Reads weights [1, size] for a model of the same architecture, float or double. A file that states none, such as one
/// of PyTorch, is asked for its tensors alone.
///
/// Throws.    io_error naming the first layer that differs, or every tensor that is missing, unknown or of another shape.
template <class T, class Model>
matrix<T> load_model(const std::filesystem::path& path, const Model& model) {
  const safetensors file = load_safetensors(path);
  if (const auto place = file.metadata().find("architecture"); place != file.metadata().end())
    detail::require_architecture(file.file(), place->second, architecture(model));
  return load_weights<T>(file, manifest_of(model));
}

/// Writes what a program needs to sample that knows nothing of the model: the step of sampling, frozen.
///
/// Throws.    shape_error, io_error; numeric_error for a weight that is not finite.
/// Example.   io::save_student("student.safetensors", model, train.average().view());
template <freezable Model, class U>
void save_student(const std::filesystem::path& path, const Model& model, view<U> weights, normal_prior prior = {}) {
  save_frozen(path, freeze(model, weights, std::move(prior)));
}

/// A student from a file of save_student or `kdm export`, ready to sample.
///
/// Throws.    io_error naming the file, the tensor or the metadata.
/// Example.   auto student = io::load_student<float>("student.safetensors");
template <class T, class... OwnActivations>
frozen_model<T, OwnActivations...> load_student(const std::filesystem::path& path) {
  return frozen_model<T, OwnActivations...>(load_frozen<T>(path));
}

}  // namespace kdm::io
