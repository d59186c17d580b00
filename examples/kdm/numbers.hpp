/// Numbers in text, and the range of each: one conversion for all options of all subcommands.
#pragma once

#include <charconv>
#include <cmath>
#include <concepts>
#include <limits>
#include <string>
#include <string_view>
#include <system_error>

#include "kdm/core/error.hpp"

namespace kdm_command {

/// What a number may be. `most` at the largest number of the type stands for no bound.
template <class T>
struct number_range {
  T least = std::numeric_limits<T>::lowest();
  T most = std::numeric_limits<T>::max();
  bool above_least = false;  ///< least itself is not allowed

  bool holds(T x) const { return (above_least ? x > least : x >= least) && x <= most; }

  /// "1 or more", "0 to 4096", "a number above 0". With `bounds` the largest number of the type is named too.
  std::string text(bool bounds = false) const {
    if constexpr (std::integral<T>) {
      if (most == std::numeric_limits<T>::max() && !bounds) return kdm::concat(least, " or more");
      return kdm::concat(least, " to ", most);
    } else {
      const bool low = least > std::numeric_limits<T>::lowest(), high = most < std::numeric_limits<T>::max();
      std::string s = "a number";
      if (low) s += kdm::concat(above_least ? " above " : high ? " from " : ", ", least, above_least || high ? "" : " or more");
      if (high) s += kdm::concat(low && !above_least ? " to " : " up to ", most);
      return s;
    }
  }
};

/// The number that all of `text` is: decimal digits (a sign where the range has one), for a real one also a point and
/// an exponent. Hexadecimal, octal, digits in groups, spaces, infinity and NaN are refused.
///
/// Throws.    option_error that quotes `text` and states the range; `option` stands in front.
template <class T>
T parse_number(std::string_view option, std::string_view text, const number_range<T>& range) {
  T value{};
  const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = end.ptr == text.data() + text.size() && !text.empty();
  bool good = whole && end.ec == std::errc() && range.holds(value);
  if constexpr (std::floating_point<T>) good = good && std::isfinite(value);
  if (good) return value;
  const bool beyond = whole && end.ec == std::errc::result_out_of_range;
  if constexpr (std::floating_point<T>)
    if (beyond)
      kdm::fail<kdm::option_error>(option, ": found '", text, "', beyond what a double holds, expected ", range.text());
  kdm::fail<kdm::option_error>(option, ": found '", text, "', expected ", range.text(beyond));
}

}  // namespace kdm_command
