/// NumPy .npy files of float and double.
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "kdm/core/as_view.hpp"
#include "kdm/core/error.hpp"
#include "kdm/io/atomic_file.hpp"
#include "kdm/io/input.hpp"
#include "kdm/io/npy_header.hpp"
#include "kdm/io/tensor.hpp"

namespace kdm::io {

namespace detail {

/// Walks the elements in Fortran order (the first index runs fastest) and says where each stands in C order.
class fortran_walk {
 public:
  explicit fortran_walk(const shape_t& shape)
      : shape_(shape), position_(shape.size(), 0), stride_(shape.size(), 1) {
    for (std::size_t k = shape.size(); k-- > 1;) stride_[k - 1] = stride_[k] * std::max<index_t>(shape[k], 1);
  }
  index_t flat() const { return flat_; }
  void next() {
    for (std::size_t k = 0; k < shape_.size(); ++k) {
      flat_ += stride_[k];
      if (++position_[k] < shape_[k]) return;
      flat_ -= stride_[k] * shape_[k];
      position_[k] = 0;
    }
  }

 private:
  const shape_t& shape_;
  shape_t position_, stride_;
  index_t flat_ = 0;
};

/// Reads the elements of `x` from a file that stores type U.
template <class U, class T, class Input>
void read_elements(Input& in, bool fortran_order, tensor<T>& x) {
  if (std::is_same_v<T, U> && !fortran_order) return in.read(x.data(), std::size_t(x.size()) * sizeof(T));
  std::vector<U> chunk(std::size_t(std::min<index_t>(x.size(), 8192)));
  fortran_walk walk(x.shape());
  for (index_t first = 0; first < x.size(); first += index_t(chunk.size())) {
    const index_t count = std::min(index_t(chunk.size()), x.size() - first);
    in.read(chunk.data(), std::size_t(count) * sizeof(U));
    for (index_t i = 0; i < count; ++i) {
      const index_t flat = fortran_order ? walk.flat() : first + i;
      const U value = chunk[std::size_t(i)];
      if (!fits<T>(value))
        fail<io_error>(in.name(), ": element ", position_text(x.shape(), flat), " is ", value,
                       ", expected a value that float holds");
      x.data()[flat] = static_cast<T>(value);
      if (fortran_order) walk.next();
    }
  }
}

}  // namespace detail

/// Reads an array from an input_file or input_bytes; see load_npy.
template <class T, class Input>
tensor<T> read_npy(Input& in, file_limits limits = {}) {
  static_assert(std::is_same_v<T, float> || std::is_same_v<T, double>,
                "read_npy makes tensors of float or double");
  const npy_header header = read_npy_header(in);
  if (index_t(limits.max_bytes / sizeof(T)) < header.elements)
    fail<io_error>(in.name(), ": shape ", shape_text(header.shape), " has ", header.elements,
                   " elements, expected at most ", limits.max_bytes, " bytes of them");
  tensor<T> x(header.shape);
  if (header.item_size == sizeof(float))
    detail::read_elements<float>(in, header.fortran_order, x);
  else
    detail::read_elements<double>(in, header.fortran_order, x);
  return x;
}

/// Reads a .npy file of little-endian float or double, versions 1.0 to 3.0, C or Fortran order.
///
/// Float and double convert into each other: exactly to double, rounded to float.
/// Shapes.    as in the file, in C order (Fortran order is transposed on reading).
/// Throws.    io_error naming the file, what was found and what was expected: other element types, a header that
///            is not exactly the dict of the format, a size that is not header + data, a file or array above the
///            limit, a double outside float's range.
/// Source.    NumPy documentation, numpy.lib.format; NEP 1.
template <class T>
tensor<T> load_npy(const std::filesystem::path& path, file_limits limits = {}) {
  input_file in(path, limits);
  return read_npy<T>(in, limits);
}

/// Reads a .npy file of rank 2.
///
/// Throws.    io_error, as load_npy, and for another rank.
template <class T>
matrix<T> load_npy_matrix(const std::filesystem::path& path, file_limits limits = {}) {
  const tensor<T> x = load_npy<T>(path, limits);
  if (x.rank() != 2)
    fail<io_error>(path.string(), ": found shape ", shape_text(x.shape()), ", expected [rows, columns]");
  return matrix<T>(x.as_matrix());
}

/// Writes the elements of `x`, row after row, as an array of this shape; appears whole or not at all.
///
/// The bytes are those numpy.save writes for the same array (checked with NumPy 1.24).
/// Throws.    io_error naming the file when it cannot be written; shape_error when the shape has another number of
///            elements.
template <class X>
requires viewable<const X>
void save_npy(const std::filesystem::path& path, const X& x, const shape_t& shape) {
  const auto v = kdm::as_view(x);
  using T = typename decltype(v)::value_type;
  static_assert(std::is_same_v<T, float> || std::is_same_v<T, double>, "save_npy writes float or double");
  if (element_count(shape) != v.size())
    fail<shape_error>(path.string(), ": shape ", shape_text(shape), " cannot hold ", v.rows, " x ", v.cols,
                      " elements");
  atomic_file file(path);
  file.write(npy_header_text(sizeof(T), shape));
  if (v.contiguous())
    file.write(v.p, std::size_t(v.size()) * sizeof(T));
  else
    for (index_t i = 0; i < v.rows; ++i) file.write(v.row_pointer(i), std::size_t(v.cols) * sizeof(T));
  file.commit();
}

/// Writes a matrix or view as shape [rows, cols].
template <class X>
requires viewable<const X>
void save_npy(const std::filesystem::path& path, const X& x) {
  const auto v = kdm::as_view(x);
  save_npy(path, v, {v.rows, v.cols});
}

/// Writes a tensor with its own shape.
template <class T>
void save_npy(const std::filesystem::path& path, const tensor<T>& x) {
  save_npy(path, x.as_matrix(), x.shape());
}

}  // namespace kdm::io
