/// Printing: whatever has a text() goes into a stream.
#pragma once

#include <concepts>
#include <iosfwd>
#include <string>

#include "kdm/core/config.hpp"

namespace kdm {

/// text(): what a person reads of it; one line, or several without a line break behind the last.
template <class X>
concept has_text = requires(const X& x) {
  { x.text() } -> std::convertible_to<std::string>;
};

/// Example.   std::cout << manifest_of(model) << '\n';
template <class Traits, has_text X>
std::basic_ostream<char, Traits>& operator<<(std::basic_ostream<char, Traits>& out, const X& x) {
  return out << std::string(x.text());
}

}  // namespace kdm
