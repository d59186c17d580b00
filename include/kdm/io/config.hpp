/// Typed and complete reading of configuration objects.
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "kdm/core/error.hpp"
#include "kdm/io/json.hpp"

namespace kdm::io {

namespace detail {

/// Insertions, deletions and replacements that turn `a` into `b`.
///
/// Source.    Levenshtein 1966, "Binary codes capable of correcting deletions, insertions and reversals".
inline std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replace = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({replace, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

/// "the string "32"": what a value is, for messages; long values are cut.
inline std::string describe(const json& value) {
  if (value.is_array()) return concat("an array of ", value.size());
  if (value.is_object()) return "an object";
  if (value.is_null()) return "null";
  std::string text = value.dump(-1, ' ', true, json::error_handler_t::replace);
  if (text.size() > 40) text = text.substr(0, 37) + "...";
  return (value.is_string() ? "the string " : value.is_number() ? "the number " : "") + text;
}

template <class T>
inline constexpr bool is_vector = false;
template <class T, class A>
inline constexpr bool is_vector<std::vector<T, A>> = true;

}  // namespace detail

/// Reads one object of a configuration: get() names a key, its type and its default; finish() refuses all others.
///
/// Types are bool, integers (range-checked), float and double (integers are welcome), std::string, and vectors of
/// these. Nothing is converted silently: "32" is not 32, 1.0 is not an integer, and null is not a missing key.
/// Throws.    option_error naming the file, the key, what was found and what was expected.
/// Example.   config_reader run(read_json(path), path); const int batch = run.get("batch", 128); run.finish();
class config_reader {
 public:
  /// `where` names the file (or a section of it) in messages.
  config_reader(json object, std::string where) : object_(std::move(object)), where_(std::move(where)) {
    if (!object_.is_object())
      fail<option_error>(where_, ": found ", detail::describe(object_), ", expected an object");
  }

  bool has(std::string_view key) const { return object_.contains(key); }

  /// The value of `key`, or `fallback` where the key is missing.
  template <class T>
  T get(std::string_view key, T fallback) {
    const json* value = find(key);
    return value ? convert<T>(*value, key) : fallback;
  }
  std::string get(std::string_view key, const char* fallback) { return get(key, std::string(fallback)); }

  /// The value of a key that must be there.
  template <class T>
  T require(std::string_view key) {
    const json* value = find(key);
    if (!value) fail<option_error>(where_, ": the key '", key, "' is missing, expected ", expected<T>());
    return convert<T>(*value, key);
  }

  /// One of a few names.
  std::string choice(std::string_view key, std::string_view fallback,
                     std::initializer_list<std::string_view> choices) {
    const std::string value = get(key, std::string(fallback));
    if (std::find(choices.begin(), choices.end(), value) == choices.end())
      fail<option_error>(where_, ": '", key, "' is ", detail::describe(value), ", expected one of ",
                         list(choices));
    return value;
  }

  /// The object under `key` (an empty one where the key is missing). Call finish() on it, too.
  config_reader section(std::string_view key) {
    const json* value = find(key);
    return config_reader(value ? *value : json::object(), concat(where_, ": ", key));
  }

  /// Refuses every key that nothing has asked for and names the nearest that something has.
  void finish() const {
    for (const auto& item : object_.items()) {
      const std::string& key = item.key();
      if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
      const auto nearer = [&](const std::string& a, const std::string& b) {
        return detail::edit_distance(key, a) < detail::edit_distance(key, b);
      };
      const auto nearest = std::min_element(known_.begin(), known_.end(), nearer);
      const bool close = nearest != known_.end() && detail::edit_distance(key, *nearest) <= 1 + key.size() / 3;
      const std::string expected = known_.empty() ? "no keys" : "one of " + list(known_);
      fail<option_error>(where_, ": unknown key ", json(key).dump(), ", expected ",
                         close ? concat("'", *nearest, "'") : expected);
    }
  }

 private:
  const json* find(std::string_view key) {
    if (std::find(known_.begin(), known_.end(), key) == known_.end()) known_.emplace_back(key);
    const auto place = object_.find(key);
    return place == object_.end() ? nullptr : &*place;
  }

  template <class Names>
  static std::string list(const Names& names) {
    std::string s;
    for (const auto& name : names) s += concat(s.empty() ? "'" : ", '", name, "'");
    return s;
  }

  template <class T>
  static std::string expected() {
    if constexpr (std::same_as<T, bool>)
      return "true or false";
    else if constexpr (std::integral<T>)
      return concat("an integer from ", std::numeric_limits<T>::min(), " to ", std::numeric_limits<T>::max());
    else if constexpr (std::floating_point<T>)
      return "a number";
    else if constexpr (std::same_as<T, std::string>)
      return "a string";
    else {
      static_assert(detail::is_vector<T>,
                    "config_reader: bool, integer, float, double, std::string or vector of these");
      return "an array";
    }
  }

  template <class T>
  T convert(const json& value, std::string_view key) const {
    if constexpr (std::same_as<T, bool>) {
      if (value.is_boolean()) return value.get<bool>();
    } else if constexpr (std::integral<T>) {
      // Non-negative integers are stored unsigned, negative ones signed.
      if (value.is_number_unsigned() && std::in_range<T>(value.get<std::uint64_t>())) return value.get<T>();
      if (value.is_number_integer() && !value.is_number_unsigned() && std::in_range<T>(value.get<std::int64_t>()))
        return value.get<T>();
    } else if constexpr (std::floating_point<T>) {
      if (value.is_number() && std::abs(value.get<double>()) <= double(std::numeric_limits<T>::max()))
        return value.get<T>();
    } else if constexpr (std::same_as<T, std::string>) {
      if (value.is_string()) return value.get<std::string>();
    } else if (value.is_array()) {
      T result;
      for (std::size_t i = 0; i < value.size(); ++i)
        result.push_back(convert<typename T::value_type>(value[i], concat(key, "[", i, "]")));
      return result;
    }
    fail<option_error>(where_, ": '", key, "' is ", detail::describe(value), ", expected ", expected<T>());
  }

  json object_;
  std::string where_;
  std::vector<std::string> known_;
};

}  // namespace kdm::io
