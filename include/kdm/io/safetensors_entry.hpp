/// What the header of a safetensors file says about one tensor.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "kdm/core/error.hpp"
#include "kdm/io/json.hpp"
#include "kdm/io/tensor.hpp"

namespace kdm::io {

/// A tensor of a file.
struct tensor_entry {
  std::string dtype;
  shape_t shape;
  std::uint64_t begin = 0;  // bytes [begin, end) of the file's data
  std::uint64_t end = 0;
};

namespace detail {

/// Bytes per element, or 0 for an unknown type.
inline std::uint64_t dtype_size(std::string_view dtype) {
  for (const auto name : {"F64", "I64", "U64"})
    if (dtype == name) return 8;
  for (const auto name : {"F32", "I32", "U32"})
    if (dtype == name) return 4;
  for (const auto name : {"F16", "BF16", "I16", "U16"})
    if (dtype == name) return 2;
  for (const auto name : {"BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2"})
    if (dtype == name) return 1;
  return 0;
}

/// A name from a file, safe to print.
inline std::string in_quotes(std::string_view name) {
  return json(std::string(name)).dump(-1, ' ', true, json::error_handler_t::replace);
}

/// Checks one entry of the header: {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]} and nothing else.
inline tensor_entry parse_entry(const std::string& file, const std::string& name, const json& value,
                                std::uint64_t data_size) {
  const auto where = [&] { return concat(file, ": tensor ", in_quotes(name), ": "); };
  const auto unsigned_list = [&](const char* key) -> const json& {
    const json& list = value.at(key);
    const bool good = list.is_array() && std::all_of(list.begin(), list.end(), [](const json& n) {
                        return n.is_number_unsigned() &&
                               n.get<std::uint64_t>() <= std::uint64_t(std::numeric_limits<index_t>::max());
                      });
    if (!good) fail<io_error>(where(), "found \"", key, "\": ", list.dump().substr(0, 60), ", expected sizes");
    return list;
  };
  if (!value.is_object() || value.size() != 3 || !value.contains("dtype") || !value.contains("shape") ||
      !value.contains("data_offsets"))
    fail<io_error>(where(), "expected an object with the keys dtype, shape and data_offsets");
  tensor_entry entry;
  if (!value["dtype"].is_string()) fail<io_error>(where(), "expected a string as dtype");
  entry.dtype = value["dtype"].get<std::string>();
  const std::uint64_t item_size = dtype_size(entry.dtype);
  if (item_size == 0)
    fail<io_error>(where(), "found dtype ", in_quotes(entry.dtype), ", expected one of the format, such as F32");
  entry.shape = unsigned_list("shape").get<shape_t>();
  const json& offsets = unsigned_list("data_offsets");
  if (offsets.size() != 2) fail<io_error>(where(), "found ", offsets.size(), " data_offsets, expected 2");
  entry.begin = offsets[0].get<std::uint64_t>();
  entry.end = offsets[1].get<std::uint64_t>();
  if (entry.begin > entry.end || entry.end > data_size)
    fail<io_error>(where(), "found data_offsets [", entry.begin, ", ", entry.end,
                   "], expected begin <= end <= ", data_size, " (the bytes of data)");
  std::uint64_t elements = 0;
  try {
    elements = std::uint64_t(element_count(entry.shape));
  } catch (const shape_error& e) {
    fail<io_error>(where(), e.what());
  }
  if (elements > std::numeric_limits<std::uint64_t>::max() / item_size ||
      elements * item_size != entry.end - entry.begin)
    fail<io_error>(where(), "shape ", shape_text(entry.shape), " of ", entry.dtype, ": found ",
                   entry.end - entry.begin, " bytes, expected ", elements, " times ", item_size);
  return entry;
}

}  // namespace detail

}  // namespace kdm::io
