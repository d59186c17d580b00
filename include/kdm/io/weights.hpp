/// The weights of a model as a safetensors file, tensor by tensor under the manifest's names.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "kdm/core/finite.hpp"
#include "kdm/core/matrix.hpp"
#include "kdm/core/weights.hpp"
#include "kdm/io/safetensors.hpp"
#include "kdm/io/safetensors_save.hpp"

namespace kdm::io {

/// The shape a tensor has in a file: a bias is a vector there, as in a PyTorch state dict.
inline shape_t file_shape(const weight_entry& e) {
  return e.is_bias() ? shape_t{e.cols} : shape_t{e.rows, e.cols};
}

/// Refuses to write a NaN or infinity over a good file: numeric_error naming the file.
template <class T>
void require_finite_to_write(const std::filesystem::path& path, const_view<T> x) {
  if (const index_t at = first_not_finite(x); at >= 0)
    fail<numeric_error>(path.string(), ": not written, number ", at, " is ", x(at / x.cols, at % x.cols),
                        ", expected finite numbers");
}

/// Writes flat weights [1, m.size()]. `torch.nn.Module.load_state_dict` of a twin takes the file as it is.
///
/// Throws.    shape_error, io_error; numeric_error for a weight that is not finite.
template <class T>
void save_weights(const std::filesystem::path& path, const manifest& m, const_view<T> w,
                  const metadata_t& metadata = {}) {
  require_size("save_weights: number of weights", w.size(), m.size());
  require_finite_to_write(path, w);
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
    if (const index_t at = first_not_finite(to); at >= 0)
      fail<io_error>(file.file(), ": tensor ", e.name, ": element ", at, " is ", to.p[at],
                     ", expected a finite number");
  }
  return w;
}

template <class T>
matrix<T> load_weights(const std::filesystem::path& path, const manifest& m) {
  return load_weights<T>(load_safetensors(path), m);
}

}  // namespace kdm::io
