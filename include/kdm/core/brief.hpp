/// Numbers for people to read: a few digits, whatever the locale.
#pragma once

#include <charconv>
#include <string>

#include "kdm/core/config.hpp"

namespace kdm {

/// brief(0.000123456) is "0.000123", brief(1.5e-9, 2) is "1.5e-09".
inline std::string brief(double value, int digits = 3) {
  char text[64];
  return std::string(text, std::to_chars(text, text + sizeof text, value, std::chars_format::general, digits).ptr);
}

}  // namespace kdm
