/// Errors that name what was wrong, what was found and what was expected.
#pragma once

#include <charconv>
#include <concepts>
#include <initializer_list>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>

#include "kdm/core/config.hpp"

#if !defined(__cpp_exceptions)
#include <cstdio>
#include <cstdlib>
#endif

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

/// A piece of a message as text. One type for all pieces: what joins them is compiled once.
class piece {
 public:
  piece(std::string_view text) : text_(text.data()), size_(text.size()) {}
  piece(const std::string& text) : piece(std::string_view(text)) {}
  piece(const char* text) : piece(std::string_view(text)) {}
  // Constrained to exactly the arithmetic types: a plain `bool` constructor would win over string_view for literals.
  template <class Number>
    requires(std::integral<Number> || std::floating_point<Number>)
  piece(Number value) {
    if constexpr (std::same_as<Number, bool>) *this = piece(value ? "true" : "false");
    else if constexpr (std::same_as<Number, char>) digits_[0] = value, size_ = 1;
    else if constexpr (std::floating_point<Number>) write(value);
    else if constexpr (std::unsigned_integral<Number>) write(static_cast<unsigned long long>(value));
    else write(static_cast<long long>(value));
  }

  void append_to(std::string& s) const { s.append(text_ ? text_ : digits_, size_); }

 private:
  template <class Number>
  [[gnu::cold, gnu::noinline]] void write(Number value) {
    size_ = std::size_t(std::to_chars(digits_, digits_ + sizeof digits_, value).ptr - digits_);
  }

  const char* text_ = nullptr;  // null: the digits
  std::size_t size_ = 0;
  char digits_[64];
};

[[gnu::cold, gnu::noinline]] inline std::string join(std::initializer_list<piece> pieces) {
  std::string s;
  for (const piece& p : pieces) p.append_to(s);
  return s;
}

}  // namespace detail

#if !defined(__cpp_exceptions)
/// Only where exceptions are off (-fno-exceptions): called with the sentence that would have been thrown. When it
/// returns, the program aborts. Null: the sentence goes to standard error.
///
/// All source files of a program that include this library have exceptions on, or all have them off.
/// Example.   kdm::on_failure = [](const char* sentence) { log_to_console(sentence); };
inline void (*on_failure)(const char* sentence) = nullptr;

namespace detail {

[[noreturn, gnu::cold, gnu::noinline]] inline void end_with(const char* sentence) {
  if (on_failure) on_failure(sentence);
  else std::fputs(sentence, stderr), std::fputc('\n', stderr);
  std::abort();
}

}  // namespace detail
#endif

/// Joins strings and numbers into one string. Numbers are written in their shortest exact form.
template <class... Parts>
std::string concat(const Parts&... parts) {
  return detail::join({detail::piece(parts)...});
}

/// Throws `Error` with the joined message; where exceptions are off, ends the program with it.
///
/// Example.   kdm::fail<kdm::shape_error>("dense_layer: x has ", 3, " columns, expected ", 2);
template <std::derived_from<error> Error, class... Parts>
[[noreturn, gnu::cold, gnu::noinline]] void fail(const Parts&... parts) {
#if defined(__cpp_exceptions)
  throw Error(concat(parts...));
#else
  detail::end_with(concat(parts...).c_str());
#endif
}

/// Throws std::bad_alloc, for sizes whose bytes no number holds.
[[noreturn, gnu::cold, gnu::noinline]] inline void fail_to_allocate() {
#if defined(__cpp_exceptions)
  throw std::bad_alloc();
#else
  detail::end_with("out of memory: more bytes than a number holds");
#endif
}

/// Throws shape_error unless found == expected: "`what` is `found`, expected `expected`".
inline void require_size(std::string_view what, index_t found, index_t expected) {
  if (found != expected) fail<shape_error>(what, " is ", found, ", expected ", expected);
}

}  // namespace kdm
