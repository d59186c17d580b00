/// Frozen students in safetensors files.
#pragma once

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kdm/core/finite.hpp"
#include "kdm/io/weights.hpp"
#include "kdm/koopman/frozen.hpp"

namespace kdm::io {

namespace detail {

inline std::string frozen_name(std::size_t layer, std::string_view tensor) {
  return concat("layers.", layer, ".", tensor);
}

/// The number that all of `text` is.
inline double frozen_number(const std::string& file, std::string_view what, std::string_view text) {
  double value = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end.ec != std::errc() || end.ptr != text.data() + text.size() || !is_finite(value))
    fail<io_error>(file, ": ", what, " is ", in_quotes(text), ", expected a finite number");
  return value;
}

inline std::string frozen_entry(const safetensors& file, const std::string& key) {
  const auto place = file.metadata().find(key);
  if (place == file.metadata().end())
    fail<io_error>(file.file(), ": the metadata have no '", key, "', expected a frozen student",
                   file.contains("koopman.weight")
                       ? ": this is a student that is not frozen, kdm export --model FOLDER --safetensors FILE freezes it"
                       : ", such as kdm export --safetensors writes");
  return place->second;
}

/// The prior of a file; its tensors join those that are expected.
inline normal_prior frozen_prior(const safetensors& file, bool general, std::vector<tensor_label>& expected) {
  normal_prior p(frozen_number(file.file(), "'prior_scale'", frozen_entry(file, "prior_scale")));
  if (!general) return p;
  const std::string kind = frozen_entry(file, "prior");
  if (kind != "normal" && kind != "unknown")
    fail<io_error>(file.file(), ": 'prior' is ", in_quotes(kind), ", expected \"normal\" or \"unknown\"");
  p.known = kind == "normal";
  const auto read = [&](const std::string& name, matrix<double>& to) {
    if (!file.contains(name)) return;
    const shape_t& shape = file.entry(name).shape;
    if (shape.empty() || shape.size() > 2)
      fail<io_error>(file.file(), ": tensor ", name, " has shape ", shape_text(shape), ", expected [d] or [d, d]");
    to = matrix<double>(shape.size() == 2 ? shape[0] : 1, shape.back());
    file.copy_to(name, to.view());
    expected.push_back({name, shape});
  };
  read("prior.mean", p.mean);
  read("prior.factor", p.factor);
  return p;
}

}  // namespace detail

/// Writes a frozen student: tensors "layers.K.weight" [outputs, inputs] and "layers.K.bias" [outputs], as those of
/// torch.nn.Linear; metadata "frozen" (the version), "activations" (names, a parameter behind a colon) and
/// "prior_scale". That is version 1. Version 2 is written where the prior is another than N(0, scale^2): it has the
/// tensors "prior.mean" [d] and "prior.factor" ([d] or [d, d]) in double as far as the prior has them, and the metadata
/// "prior", "normal" or "unknown".
///
/// Throws.    io_error; numeric_error for a weight that is not finite; option_error for a prior that is not usable.
template <class T>
void save_frozen(const std::filesystem::path& path, const frozen_parts<T>& parts) {
  require_finite_to_write(path, parts.weights.view());
  const normal_prior& prior = parts.prior;
  prior.require_usable<T>(path.string(), parts.layers.empty() ? 0 : parts.layers.front().inputs);
  std::vector<named_tensor> tensors;
  std::string activations;
  index_t at = 0;
  for (std::size_t k = 0; k < parts.layers.size(); ++k) {
    const frozen_layer& l = parts.layers[k];
    const auto take = [&](std::string_view name, index_t rows, index_t cols, shape_t shape) {
      const const_view<T> all = parts.weights.view();
      tensors.emplace_back(detail::frozen_name(k, name), all.col_range(at, rows * cols).reshaped(rows, cols),
                           std::move(shape));
      at += rows * cols;
    };
    take("weight", l.outputs, l.inputs, {l.outputs, l.inputs});
    take("bias", 1, l.outputs, {l.outputs});
    activations += concat(k ? " " : "", l.activation_name());
    if (l.parameter != 0) activations += concat(":", l.parameter);
  }
  metadata_t metadata{{"format", "pt"},
                      {"frozen", prior.is_scale() ? "1" : "2"},
                      {"activations", std::move(activations)},
                      {"prior_scale", concat(prior.scale)}};
  if (!prior.is_scale()) metadata["prior"] = prior.known ? "normal" : "unknown";
  if (prior.mean.size() > 0) tensors.emplace_back("prior.mean", prior.mean.view(), shape_t{prior.mean.size()});
  if (prior.factor.size() > 0) {
    const matrix<double>& f = prior.factor;
    tensors.emplace_back("prior.factor", f.view(), prior.is_triangle() ? shape_t{f.rows(), f.cols()} : shape_t{f.cols()});
  }
  save_safetensors(path, std::move(tensors), metadata);
}

/// Reads what save_frozen writes, float or double.
///
/// Throws.    io_error naming the file, the tensor or the metadata, what was found and what was expected.
/// Example.   frozen_model model(io::load_frozen<float>("student.safetensors"));
template <class T>
frozen_parts<T> load_frozen(const std::filesystem::path& path) {
  const safetensors file = load_safetensors(path);
  const std::string version = detail::frozen_entry(file, "frozen");
  if (version != "1" && version != "2")
    fail<io_error>(file.file(), ": 'frozen' is ", detail::in_quotes(version), ", expected \"1\" or \"2\"");
  frozen_parts<T> parts;
  const std::string activations = detail::frozen_entry(file, "activations");

  std::vector<tensor_label> expected;
  index_t size = 0;
  for (std::size_t begin = 0, k = 0; begin <= activations.size(); ++k) {
    const std::size_t end = std::min(activations.find(' ', begin), activations.size());
    std::string_view name = std::string_view(activations).substr(begin, end - begin);
    begin = end + 1;
    frozen_layer l;
    if (const std::size_t colon = name.find(':'); colon != std::string_view::npos) {
      const std::string what = concat("the parameter of activation ", k);
      l.parameter = detail::frozen_number(file.file(), what, name.substr(colon + 1));
      name = name.substr(0, colon);
    }
    if (name.empty() || name.size() >= sizeof l.activation)
      fail<io_error>(file.file(), ": the name of activation ", k, " has ", name.size(), " characters, expected 1 to ",
                     sizeof l.activation - 1);
    *std::copy(name.begin(), name.end(), l.activation) = '\0';
    const shape_t& shape = file.entry(detail::frozen_name(k, "weight")).shape;
    if (shape.size() != 2)
      fail<io_error>(file.file(), ": tensor ", detail::frozen_name(k, "weight"), " has shape ", shape_text(shape),
                     ", expected [outputs, inputs]");
    l.outputs = shape[0], l.inputs = shape[1];
    if (k > 0 && l.inputs != parts.layers.back().outputs)
      fail<io_error>(file.file(), ": tensor ", detail::frozen_name(k, "weight"), " has shape ", shape_text(shape),
                     ", expected ", parts.layers.back().outputs, " inputs, the outputs of the layer before");
    expected.push_back({detail::frozen_name(k, "weight"), shape});
    expected.push_back({detail::frozen_name(k, "bias"), {l.outputs}});
    size += (l.inputs + 1) * l.outputs;
    parts.layers.push_back(l);
  }
  parts.prior = detail::frozen_prior(file, version == "2", expected);
  file.require(expected);
  try {
    parts.prior.template require_usable<T>(file.file(), parts.layers.front().inputs);
  } catch (const error& e) {
    fail<io_error>(e.what());
  }

  parts.weights = matrix<T>(1, size);
  index_t at = 0;
  for (const tensor_label& label : expected) {
    if (!label.name.starts_with("layers.")) continue;
    const view<T> to = parts.weights.view().col_range(at, element_count(label.shape));
    file.copy_to(label.name, to);
    if (const index_t bad = first_not_finite(to); bad >= 0)
      fail<io_error>(file.file(), ": tensor ", label.name, ": element ", bad, " is ", to.p[bad],
                     ", expected a finite number");
    at += to.cols;
  }
  return parts;
}

}  // namespace kdm::io
