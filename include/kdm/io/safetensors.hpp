/// Named tensors in one file: reading the safetensors format.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kdm/core/error.hpp"
#include "kdm/core/view.hpp"
#include "kdm/io/input.hpp"
#include "kdm/io/json.hpp"
#include "kdm/io/safetensors_entry.hpp"
#include "kdm/io/tensor.hpp"

namespace kdm::io {

using metadata_t = std::map<std::string, std::string>;

/// A tensor's name and shape: what a loader expects.
struct tensor_label {
  std::string name;
  shape_t shape;
};

/// The content of a safetensors file. Every tensor has been checked; get() makes float or double of it.
class safetensors {
 public:
  static constexpr std::uint64_t max_header = 100'000'000;

  /// Reads from a file or from memory; see load_safetensors.
  explicit safetensors(input_file& in) : file_(in.name()) { read(in); }
  explicit safetensors(input_bytes& in) : file_(in.name()) { read(in); }

  const std::string& file() const { return file_; }
  const metadata_t& metadata() const { return metadata_; }
  /// By name.
  const std::map<std::string, tensor_entry>& entries() const { return entries_; }
  bool contains(const std::string& name) const { return entries_.count(name) > 0; }

  /// The entry of that name.
  ///
  /// Throws.    io_error when there is none.
  const tensor_entry& entry(const std::string& name) const {
    const auto place = entries_.find(name);
    if (place == entries_.end()) fail<io_error>(file_, ": tensor ", detail::in_quotes(name), " is missing");
    return place->second;
  }

  /// Copies a tensor of type F32 or F64 to `to`, which has as many elements; converts as load_npy does.
  ///
  /// Throws.    io_error: no such tensor, another dtype, another number of elements, a double beyond float.
  template <class T>
  void copy_to(const std::string& name, view<T> to) const {
    const tensor_entry& e = entry(name);
    if (e.dtype == "F32") return copy_elements<float>(name, e, to);
    if (e.dtype == "F64") return copy_elements<double>(name, e, to);
    fail<io_error>(file_, ": tensor ", detail::in_quotes(name), ": found dtype ", detail::in_quotes(e.dtype),
                   ", expected F32 or F64");
  }

  /// A tensor of type F32 or F64.
  ///
  /// Throws.    io_error, as copy_to.
  template <class T>
  tensor<T> get(const std::string& name) const {
    tensor<T> x(entry(name).shape);
    copy_to(name, x.as_matrix());
    return x;
  }

  /// Accounts for every tensor: those of the file and those expected must be the same, shape for shape.
  ///
  /// Throws.    io_error naming every tensor that is missing, unknown or of another shape (the first eight).
  void require(const std::vector<tensor_label>& expected) const {
    std::vector<std::string> problems;
    std::map<std::string_view, int> wanted;
    for (const tensor_label& label : expected) {
      if (wanted[label.name]++ > 0)
        fail<io_error>(file_, ": ", detail::in_quotes(label.name), " is expected twice");
      const auto place = entries_.find(label.name);
      if (place == entries_.end())
        problems.push_back(concat(detail::in_quotes(label.name), " is missing"));
      else if (place->second.shape != label.shape)
        problems.push_back(concat(detail::in_quotes(label.name), " has shape ", shape_text(place->second.shape),
                                  ", expected ", shape_text(label.shape)));
    }
    for (const auto& item : entries_)
      if (wanted.count(item.first) == 0) problems.push_back(concat(detail::in_quotes(item.first), " is unknown"));
    if (problems.empty()) return;
    std::string text;
    for (std::size_t i = 0; i < problems.size() && i < 8; ++i) text += concat(i ? "; " : "", problems[i]);
    if (problems.size() > 8) text += concat("; and ", problems.size() - 8, " more");
    fail<io_error>(file_, ": found ", entries_.size(), " tensors, expected ", expected.size(), ": ", text);
  }

 private:
  template <class Input>
  void read(Input& in) {
    std::uint64_t length = 0;
    if (in.remaining() < sizeof length)
      fail<io_error>(file_, ": found ", in.remaining(), " bytes, expected a safetensors file of 8 or more");
    in.read(&length, sizeof length);
    const std::uint64_t most = std::min(in.remaining(), max_header);
    if (length > most)
      fail<io_error>(file_, ": found a header of ", length, " bytes, expected at most ", most,
                     most < max_header ? " (the rest of the file)" : "");
    std::string text(length, '\0');
    in.read(text.data(), text.size());
    if (!text.starts_with('{')) fail<io_error>(file_, ": expected a header that starts with '{'");
    parse_header(parse_json(text, file_ + ": header", {max_header, 3}), in.remaining());
    data_.resize(in.remaining());
    in.read(data_.data(), data_.size());
  }

  void parse_header(const json& header, std::uint64_t data_size) {
    for (const auto& item : header.items()) {
      if (item.key() == "__metadata__")
        parse_metadata(item.value());
      else
        entries_.emplace(item.key(), detail::parse_entry(file_, item.key(), item.value(), data_size));
    }
    // In the order of the data, each tensor must begin where the one before it ends.
    std::vector<std::pair<const std::string, tensor_entry>*> order;
    for (auto& item : entries_) order.push_back(&item);
    std::sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
      return std::pair(a->second.begin, a->second.end) < std::pair(b->second.begin, b->second.end);
    });
    std::uint64_t position = 0;
    for (const auto* item : order) {
      const tensor_entry& e = item->second;
      if (e.begin != position)
        fail<io_error>(file_, ": tensor ", detail::in_quotes(item->first), ": found data that begins at ", e.begin,
                       ", expected ", position,
                       e.begin < position ? " (it overlaps another tensor)" : " (no holes)");
      position = e.end;
    }
    if (position != data_size)
      fail<io_error>(file_, ": found ", data_size, " bytes of data, expected ", position,
                     ", the end of the last tensor");
  }

  void parse_metadata(const json& value) {
    if (!value.is_object()) fail<io_error>(file_, ": expected an object of strings as __metadata__");
    for (const auto& item : value.items()) {
      if (!item.value().is_string())
        fail<io_error>(file_, ": __metadata__: expected a string under ", detail::in_quotes(item.key()));
      metadata_.emplace(item.key(), item.value().get<std::string>());
    }
  }

  template <class U, class T>
  void copy_elements(const std::string& name, const tensor_entry& e, view<T> to) const {
    const std::uint64_t count = (e.end - e.begin) / sizeof(U);
    if (std::uint64_t(to.size()) != count)
      fail<io_error>(file_, ": tensor ", detail::in_quotes(name), ": found shape ", shape_text(e.shape),
                     ", expected ", to.rows, " x ", to.cols, " elements");
    const char* from = data_.data() + e.begin;
    for (index_t i = 0, flat = 0; i < to.rows; ++i)
      for (index_t j = 0; j < to.cols; ++j, ++flat, from += sizeof(U)) {
        U value;
        std::memcpy(&value, from, sizeof value);
        if (!detail::fits<T>(value))
          fail<io_error>(file_, ": tensor ", detail::in_quotes(name), ": element ", position_text(e.shape, flat),
                         " is ", value, ", expected a value that float holds");
        to(i, j) = static_cast<T>(value);
      }
  }

  std::string file_;
  metadata_t metadata_;
  std::map<std::string, tensor_entry> entries_;
  std::string data_;
};

/// Reads a safetensors file and checks all of it: header at most 100 MB, the exact form of every entry, no name
/// twice, data without holes or overlaps up to the end of the file.
///
/// Throws.    io_error naming the file, the tensor, what was found and what was expected.
/// Source.    The safetensors format, https://github.com/huggingface/safetensors, README, "Format".
/// Example.   const auto weight = load_safetensors("model.safetensors").get<float>("encoder.0.weight");
inline safetensors load_safetensors(const std::filesystem::path& path, file_limits limits = {}) {
  input_file in(path, limits);
  return safetensors(in);
}

}  // namespace kdm::io
