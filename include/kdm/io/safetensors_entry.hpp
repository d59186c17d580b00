/// What the header of a safetensors file says about one tensor.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
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

/// Bits per element; 0 for a type that this table does not know, which a later format may have.
inline std::uint64_t dtype_bits(std::string_view dtype) {
  static constexpr std::string_view b64[] = {"F64", "I64", "U64", "C64"}, b32[] = {"F32", "I32", "U32"},
                                    b16[] = {"F16", "BF16", "I16", "U16"},
                                    b8[] = {"BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2", "F8_E8M0", "F8_E4M3FNUZ",
                                            "F8_E5M2FNUZ"},
                                    b6[] = {"F6_E2M3", "F6_E3M2"}, b4[] = {"F4"};
  const auto in = [&](const auto& names) { return std::find(std::begin(names), std::end(names), dtype) != std::end(names); };
  return in(b64) ? 64 : in(b32) ? 32 : in(b16) ? 16 : in(b8) ? 8 : in(b6) ? 6 : in(b4) ? 4 : 0;
}

/// A name from a file, safe to print.
inline std::string in_quotes(std::string_view name) {
  return json(std::string(name)).dump(-1, ' ', true, json::error_handler_t::replace);
}

/// Checks one entry of the header: {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]} and nothing else. What an
/// element takes is checked for the types of the table above.
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
  const std::uint64_t bits = dtype_bits(entry.dtype), bytes = entry.end - entry.begin;
  if (bits == 0) return entry;
  if (elements > std::numeric_limits<std::uint64_t>::max() / 64 || elements * bits % 8 != 0 ||
      elements * bits / 8 != bytes)
    fail<io_error>(where(), "shape ", shape_text(entry.shape), " of ", entry.dtype, ": found ", bytes,
                   " bytes, expected ", elements, " times ", bits % 8 == 0 ? concat(bits / 8) : concat(bits, " bits"));
  return entry;
}

}  // namespace detail

}  // namespace kdm::io
