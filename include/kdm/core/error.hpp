/// Errors that name what was wrong, what was found and what was expected.
#pragma once

#include <charconv>
#include <concepts>
#include <stdexcept>
#include <string>
#include <string_view>

#include "kdm/core/config.hpp"

namespace kdm {

/// Base of everything this library throws, besides std::bad_alloc.
class error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Sizes that do not fit together; names both.
class shape_error : public error {
 public:
  using error::error;
};

/// A file that cannot be read or written, or whose content is not what its format says.
class io_error : public error {
 public:
  using error::error;
};

/// An option or argument outside its range.
class option_error : public error {
 public:
  using error::error;
};

/// A computation that left the finite numbers, or a matrix that cannot be solved with.
class numeric_error : public error {
 public:
  using error::error;
};

/// A device that is not there, or a call to its libraries that failed; names the call.
class device_error : public error {
 public:
  using error::error;
};

namespace detail {

inline void append(std::string& s, std::string_view part) { s += part; }

// Constrained to exactly the arithmetic types: a plain `bool` overload would win over string_view for literals.
template <class Number>
  requires(std::integral<Number> || std::floating_point<Number>)
void append(std::string& s, Number value) {
  if constexpr (std::same_as<Number, bool>) {
    s += value ? "true" : "false";
  } else if constexpr (std::same_as<Number, char>) {
    s += value;
  } else {
    char digits[64];
    const auto end = std::to_chars(digits, digits + sizeof digits, value);
    s.append(digits, end.ptr);
  }
}

}  // namespace detail

/// Joins strings and numbers into one string. Numbers are written in their shortest exact form.
template <class... Parts>
std::string concat(const Parts&... parts) {
  std::string s;
  (detail::append(s, parts), ...);
  return s;
}

/// Throws `Error` with the joined message.
///
/// Example.   kdm::fail<kdm::shape_error>("dense_layer: x has ", 3, " columns, expected ", 2);
template <std::derived_from<error> Error, class... Parts>
[[noreturn, gnu::cold, gnu::noinline]] void fail(const Parts&... parts) {
  throw Error(concat(parts...));
}

/// Throws shape_error unless found == expected: "`what` is `found`, expected `expected`".
inline void require_size(std::string_view what, index_t found, index_t expected) {
  if (found != expected) fail<shape_error>(what, " is ", found, ", expected ", expected);
}

}  // namespace kdm
