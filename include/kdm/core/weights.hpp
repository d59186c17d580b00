/// The manifest of a flat weight buffer: which tensor of the model stands where.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kdm/core/error.hpp"
#include "kdm/core/print.hpp"
#include "kdm/core/sizes.hpp"
#include "kdm/core/view.hpp"

namespace kdm {

/// How a tensor starts out; the rules are in nn/initialize.hpp.
enum class initializer {
  pytorch,         ///< uniform on +-1/sqrt(fan_in), as torch.nn.Linear does for weight and bias
  kaiming_uniform, ///< uniform with variance 2 / fan_in
  kaiming_normal,  ///< normal with variance 2 / fan_in
  xavier_uniform,  ///< uniform with variance 2 / (fan_in + fan_out)
  xavier_normal,   ///< normal with variance 2 / (fan_in + fan_out)
  orthogonal,      ///< rows or columns orthonormal, whichever are fewer
  identity,        ///< ones on the diagonal
  zeros
};

/// One tensor of a model inside its flat weight buffer.
struct weight_entry {
  std::string name;  ///< as in a PyTorch state dict: "decoder.0.weight"
  index_t rows = 0;  ///< a bias has one row
  index_t cols = 0;
  index_t offset = 0;
  index_t fan_in = 0;
  initializer init = initializer::pytorch;

  index_t size() const { return rows * cols; }
  bool is_bias() const { return rows == 1 && name.ends_with("bias"); }
};

/// The tensors of a model in the order in which its layers own them, gap-free from offset 0.
class manifest {
 public:
  /// Appends one tensor. Names are unique. Throws shape_error.
  void add(std::string name, index_t rows, index_t cols, index_t fan_in, initializer init) {
    if (rows < 0 || cols < 0 || fan_in < 1)
      fail<shape_error>("manifest: ", name, " is ", rows, " x ", cols, " with a fan-in of ", fan_in,
                        ", expected sizes of at least 0 and a fan-in of at least 1");
    for (const auto& e : entries_)
      if (e.name == name) fail<shape_error>("manifest: two tensors are named ", name);
    const index_t end = checked_sum("manifest: the number of weights", size_,
                                    checked_product(concat("manifest: the size of ", name), rows, cols));
    entries_.push_back({std::move(name), rows, cols, size_, fan_in, init});
    size_ = end;
  }

  /// Number of weights in the buffer.
  index_t size() const { return size_; }
  const std::vector<weight_entry>& entries() const { return entries_; }
  auto begin() const { return entries_.begin(); }
  auto end() const { return entries_.end(); }

  /// Throws shape_error when there is no tensor of that name.
  const weight_entry& find(std::string_view name) const {
    for (const auto& e : entries_)
      if (e.name == name) return e;
    fail<shape_error>("manifest: no tensor is named ", name);
  }

  /// A line a tensor, "encoder.0.weight  32 x 2", then "1234 weights".
  std::string text() const {
    std::size_t width = 0;
    for (const auto& e : entries_) width = e.name.size() > width ? e.name.size() : width;
    std::string s;
    for (const auto& e : entries_)
      s += concat(e.name, std::string(width - e.name.size(), ' '), "  ", e.rows, " x ", e.cols, '\n');
    return s + concat(size_, " weights");
  }

 private:
  std::vector<weight_entry> entries_;
  index_t size_ = 0;
};

/// The tensor `e` inside the flat buffer `w` [1, size].
template <class T, class Space>
view<T, Space> tensor_of(view<T, Space> w, const weight_entry& e) {
  return w.col_range(e.offset, e.size()).reshaped(e.rows, e.cols);
}

/// Joins a prefix and a name with a dot: ("decoder", "0") -> "decoder.0".
inline std::string join_name(std::string_view prefix, std::string_view name) {
  return prefix.empty() ? std::string(name) : concat(prefix, '.', name);
}

}  // namespace kdm
