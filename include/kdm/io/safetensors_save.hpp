/// Named tensors in one file: writing the safetensors format.
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "kdm/core/error.hpp"
#include "kdm/core/view.hpp"
#include "kdm/io/atomic_file.hpp"
#include "kdm/io/safetensors.hpp"
#include "kdm/io/safetensors_entry.hpp"
#include "kdm/io/tensor.hpp"

namespace kdm::io {

/// A name for elements that somebody else owns. float is written as F32, double as F64.
class named_tensor {
 public:
  /// The elements of `x`, row after row, under this shape.
  ///
  /// Throws.    shape_error when the shape has another number of elements.
  template <class T>
  named_tensor(std::string name, view<T> x, shape_t shape)
      : name_(std::move(name)), shape_(std::move(shape)), elements_(const_view<std::remove_const_t<T>>(x)) {
    if (element_count(shape_) != x.size())
      fail<shape_error>("tensor ", detail::in_quotes(name_), ": shape ", shape_text(shape_), " cannot hold ",
                        x.rows, " x ", x.cols, " elements");
  }
  template <class T>
  named_tensor(std::string name, view<T> x) : named_tensor(std::move(name), x, {x.rows, x.cols}) {}
  template <class T>
  named_tensor(std::string name, const tensor<T>& x) : named_tensor(std::move(name), x.as_matrix(), x.shape()) {}

  const std::string& name() const { return name_; }
  const shape_t& shape() const { return shape_; }
  std::string_view dtype() const { return elements_.index() == 0 ? "F32" : "F64"; }
  std::uint64_t bytes() const { return std::uint64_t(element_count(shape_)) * (elements_.index() == 0 ? 4 : 8); }

  void write(atomic_file& file) const {
    std::visit(
        [&](const auto& x) {
          for (index_t i = 0; i < x.rows; ++i) file.write(x.row_pointer(i), std::size_t(x.cols) * sizeof *x.p);
        },
        elements_);
  }

 private:
  std::string name_;
  shape_t shape_;
  std::variant<const_view<float>, const_view<double>> elements_;
};

/// Writes tensors and their metadata; the file appears whole or not at all.
///
/// Doubles come before floats, then the order is by name, as in the reference implementation: the same tensors
/// make the same bytes, whatever order they are given in. Throws.    io_error naming the file: a name twice, a
/// name that is not UTF-8, the reserved name "__metadata__",
///            or it cannot be written.
inline void save_safetensors(const std::filesystem::path& path, std::vector<named_tensor> tensors,
                             const metadata_t& metadata = {}) {
  std::sort(tensors.begin(), tensors.end(), [](const named_tensor& a, const named_tensor& b) {
    return a.dtype() != b.dtype() ? a.dtype() > b.dtype() : a.name() < b.name();
  });
  const auto text_of = [&](const std::string& s) {
    try {
      return json(s).dump();
    } catch (const json::exception&) {
      fail<io_error>(path.string(), ": cannot write the name or metadata ", detail::in_quotes(s),
                     ": expected UTF-8");
    }
  };

  // Written by hand: a json object would sort the keys, and this order is that of the reference implementation.
  std::string header = "{";
  const char* separator = "";
  if (!metadata.empty()) {
    header += "\"__metadata__\":{";
    for (const auto& item : metadata) {
      header += concat(separator, text_of(item.first), ":", text_of(item.second));
      separator = ",";
    }
    header += "}";
  }
  std::set<std::string> names{"__metadata__"};
  std::uint64_t position = 0;
  for (const named_tensor& t : tensors) {
    if (!names.insert(t.name()).second)
      fail<io_error>(path.string(), ": tensor name ", detail::in_quotes(t.name()),
                     " is taken, expected each name once");
    header += concat(separator, text_of(t.name()), ":{\"dtype\":\"", t.dtype(), "\",\"shape\":[");
    for (std::size_t k = 0; k < t.shape().size(); ++k) header += concat(k ? "," : "", t.shape()[k]);
    header += concat("],\"data_offsets\":[", position, ",", position + t.bytes(), "]}");
    position += t.bytes();
    separator = ",";
  }
  header += "}";
  header.append((8 - header.size() % 8) % 8, ' ');
  if (header.size() > safetensors::max_header)
    fail<io_error>(path.string(), ": found a header of ", header.size(), " bytes, expected at most ",
                   safetensors::max_header);

  atomic_file file(path);
  const std::uint64_t length = header.size();
  file.write(&length, sizeof length);
  file.write(header);
  for (const named_tensor& t : tensors) t.write(file);
  file.commit();
}

}  // namespace kdm::io
