/// The weights of a model as a safetensors file, tensor by tensor under the manifest's names.
#pragma once

#include <cmath>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "kdm/core/matrix.hpp"
#include "kdm/core/weights.hpp"
#include "kdm/io/safetensors.hpp"
#include "kdm/io/safetensors_save.hpp"

namespace kdm::io {

/// The shape a tensor has in a file: a bias is a vector there, as in a PyTorch state dict.
inline shape_t file_shape(const weight_entry& e) {
  return e.is_bias() ? shape_t{e.cols} : shape_t{e.rows, e.cols};
}

/// Throws numeric_error, naming `what`, for a number that is not finite.
template <class T>
void require_finite(std::string_view what, const_view<T> x) {
  for (index_t i = 0; i < x.rows; ++i)
    for (index_t j = 0; j < x.cols; ++j)
      if (!std::isfinite(x(i, j)))
        fail<numeric_error>(what, ": not written, number ", i * x.cols + j, " is ", x(i, j),
                            ", expected finite numbers");
}

/// Writes flat weights [1, m.size()]. `torch.nn.Module.load_state_dict` of a twin takes the file as it is.
///
/// Throws.    shape_error, io_error; numeric_error for a weight that is not finite.
template <class T>
void save_weights(const std::filesystem::path& path, const manifest& m, const_view<T> w,
                  const metadata_t& metadata = {}) {
  require_size("save_weights: number of weights", w.size(), m.size());
  require_finite(path.string(), w);
  std::vector<named_tensor> tensors;
  for (const auto& e : m) tensors.emplace_back(e.name, tensor_of(w, e), file_shape(e));
  save_safetensors(path, std::move(tensors), metadata);
}

/// Reads the weights that `m` describes, float or double, from a file that has exactly these tensors.
///
/// Throws.    io_error naming every tensor that is missing, unknown or of another shape, or the first weight that
///            is not finite.
template <class T>
matrix<T> load_weights(const safetensors& file, const manifest& m) {
  std::vector<tensor_label> expected;
  for (const auto& e : m) expected.push_back({e.name, file_shape(e)});
  file.require(expected);
  matrix<T> w(1, m.size());
  for (const auto& e : m) {
    const view<T> to = tensor_of(w.view(), e);
    file.copy_to(e.name, to);
    for (index_t k = 0; k < to.size(); ++k)
      if (!std::isfinite(to.p[k]))
        fail<io_error>(file.file(), ": tensor ", e.name, ": element ", k, " is ", to.p[k], ", expected a finite number");
  }
  return w;
}

template <class T>
matrix<T> load_weights(const std::filesystem::path& path, const manifest& m) {
  return load_weights<T>(load_safetensors(path), m);
}

}  // namespace kdm::io
