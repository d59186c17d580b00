/// JSON values: strict reading within limits, atomic writing. The only header that includes nlohmann-json.
#pragma once

#include <cstdint>
#include <filesystem>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "kdm/core/error.hpp"
#include "kdm/core/finite.hpp"
#include "kdm/io/atomic_file.hpp"
#include "kdm/io/input.hpp"

namespace kdm::io {

using json = nlohmann::json;

/// What the parser refuses. The value takes up to some 30 times the text in memory (an array of empty objects).
struct json_limits {
  std::uint64_t max_bytes = std::uint64_t(16) << 20;
  int max_depth = 64;
};

namespace detail {

/// Hands characters to the parser and tells how many it has taken: that is where an error is.
class counting_iterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  counting_iterator(const char* at, const char** taken) : at_(at), taken_(taken) {}
  reference operator*() const { return *at_; }
  counting_iterator& operator++() {
    *taken_ = ++at_;
    return *this;
  }
  counting_iterator operator++(int) {
    const counting_iterator before = *this;
    ++*this;
    return before;
  }
  bool operator==(const counting_iterator& other) const { return at_ == other.at_; }
  bool operator!=(const counting_iterator& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  const char** taken_;
};

/// Builds the value from the parser's events and refuses what JSON leaves open: depth, duplicate keys.
class json_builder {
 public:
  json_builder(std::string_view text, std::string_view what, json_limits limits)
      : text_(text), taken_(text.data()), what_(what), limits_(limits) {}

  json build() {
    const char* const last = text_.data() + text_.size();
    json::sax_parse(counting_iterator(text_.data(), &taken_), counting_iterator(last, &taken_), this);
    // The parser takes a NUL byte for the end of its input, whatever follows.
    if (taken_ != last || taken_[-1] == '\0') refuse("found a NUL byte after the value, expected the end of the text");
    return std::move(root_);
  }

  bool null() { return put(nullptr); }
  bool boolean(bool value) { return put(value); }
  bool number_integer(std::int64_t value) { return put(value); }
  bool number_unsigned(std::uint64_t value) { return put(value); }
  bool number_float(double value, const std::string&) { return put(value); }
  bool string(std::string& value) { return put(std::move(value)); }
  bool binary(json::binary_t&) { refuse("found binary data"); }
  bool start_object(std::size_t) { return open(json::object()); }
  bool start_array(std::size_t) { return open(json::array()); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }
  bool key(std::string& name) {
    const auto [place, is_new] = open_.back()->get_ref<json::object_t&>().try_emplace(name);
    if (!is_new) refuse(concat("found the key ", json(name).dump(), " again, expected each key once"));
    member_ = &place->second;
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const json::exception& e) {
    // "[json.exception.parse_error.101] parse error at line 1, column 5: syntax error while ...", or, when a
    // number overflows, "[json.exception.out_of_range.406] number overflow ...". What it quotes may be long.
    std::string_view message = e.what();
    const bool has_place = message.find("parse error at line") != message.npos;
    const auto end = message.find(has_place ? ": " : "] ");
    if (end != message.npos) message.remove_prefix(end + 2);
    refuse(concat(message.substr(0, 200), message.size() > 200 ? " ..." : ""));
  }

 private:
  [[noreturn]] void refuse(std::string_view reason) const {
    std::size_t line = 1, column = 0;
    for (const char* p = text_.data(); p != taken_; ++p) {
      if (p != text_.data() && p[-1] == '\n') ++line, column = 0;
      ++column;
    }
    fail<io_error>(what_, ": line ", line, ", column ", column, ": ", reason);
  }

  json* place(json&& value) {
    if (open_.empty()) return &(root_ = std::move(value));
    if (open_.back()->is_object()) return &(*member_ = std::move(value));
    auto& elements = open_.back()->get_ref<json::array_t&>();
    return &elements.emplace_back(std::move(value));
  }
  bool put(json value) {
    place(std::move(value));
    return true;
  }
  bool open(json value) {
    if (int(open_.size()) >= limits_.max_depth)
      refuse(concat("found more than ", limits_.max_depth, " levels of arrays and objects"));
    open_.push_back(place(std::move(value)));
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }

  std::string_view text_;
  const char* taken_;
  std::string_view what_;
  json_limits limits_;
  json root_;
  std::vector<json*> open_;  // the containers around the current place, outermost first
  json* member_ = nullptr;   // where the value of the last key goes
};

/// JSON has no NaN and no infinity: names the place of the first one.
inline void require_finite_json(const json& value, const std::string& file, const std::string& place) {
  if (value.is_number_float() && !is_finite(value.get<double>()))
    fail<io_error>(file, ": ", place.empty() ? "the value" : place, " is ", value.get<double>(),
                   ", expected a finite number");
  if (!value.is_structured()) return;
  for (const auto& item : value.items()) require_finite_json(item.value(), file, place + "/" + item.key());
}

}  // namespace detail

/// Parses one JSON text (RFC 8259, UTF-8). `what` stands in messages for the file.
///
/// Throws.    io_error with line and column: syntax, anything but spaces after the value, duplicate keys, deeper or
///            longer than the limits, numbers outside double's range.
inline json parse_json(std::string_view text, std::string_view what, json_limits limits = {}) {
  if (text.size() > limits.max_bytes)
    fail<io_error>(what, ": found ", text.size(), " bytes of JSON, expected at most ", limits.max_bytes);
  return detail::json_builder(text, what, limits).build();
}

/// Parses a JSON file.
///
/// Throws.    io_error, as parse_json and read_file.
inline json read_json(const std::filesystem::path& path, json_limits limits = {}) {
  return parse_json(read_file(path, limits.max_bytes), path.string(), limits);
}

/// Writes a JSON file, indented by two, keys sorted, whole or not at all. Numbers read back as the same numbers.
///
/// Throws.    io_error naming the file: it cannot be written, a NaN or infinity (and its place), text that is not
///            UTF-8.
inline void write_json(const std::filesystem::path& path, const json& value) {
  detail::require_finite_json(value, path.string(), "");
  std::string text;
  try {
    text = value.dump(2);
  } catch (const json::exception& e) {
    fail<io_error>(path.string(), ": cannot write as JSON: ", e.what());
  }
  write_file(path, text + "\n");
}

}  // namespace kdm::io
