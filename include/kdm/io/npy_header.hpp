/// The header of .npy files: a Python dict literal, parsed as NumPy reads it and never evaluated.
#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "kdm/core/error.hpp"
#include "kdm/io/input.hpp"
#include "kdm/io/tensor.hpp"

namespace kdm::io {

/// What the header says about the data behind it.
struct npy_header {
  std::size_t item_size = 0;  // 4 (float) or 8 (double)
  bool fortran_order = false;
  shape_t shape;
  index_t elements = 0;
};

namespace detail {

inline constexpr std::string_view npy_magic = "\x93NUMPY";
inline constexpr std::size_t npy_max_header = 65535;
inline constexpr std::size_t npy_max_rank = 32;

/// Parses {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), } and nothing else, in any spelling that NumPy takes:
/// other writers break lines, put u before a string or L behind a size (Python 2), and name the types in other ways.
class npy_dict_parser {
 public:
  npy_dict_parser(std::string_view text, const std::string& file) : text_(text), file_(file) {}

  npy_header parse() {
    npy_header header;
    constexpr std::string_view keys[3] = {"descr", "fortran_order", "shape"};
    bool seen[3] = {};
    expect('{');
    while (!accept('}')) {
      const std::size_t start = position_;
      const auto which = std::size_t(std::find(keys, keys + 3, string()) - keys);
      if (which == 3) refuse(start, "key 'descr', 'fortran_order' or 'shape'");
      if (std::exchange(seen[which], true)) refuse(start, "each key once");
      expect(':');
      if (which == 0) header.item_size = item_size();
      if (which == 1) header.fortran_order = boolean();
      if (which == 2) header.shape = shape();
      if (accept(',')) continue;
      expect('}');
      break;
    }
    for (std::size_t k = 0; k < 3; ++k)
      if (!seen[k]) fail<io_error>(file_, ": the header has no key '", keys[k], "'");
    skip_space();
    if (position_ != text_.size()) refuse(position_, "nothing but spaces and line ends after the dict");
    return header;
  }

 private:
  static std::string printable(std::string_view s) {
    std::string result;
    for (const char c : s) result += c >= ' ' && c <= '~' ? c : '?';
    return result;
  }

  [[noreturn]] void refuse(std::size_t at, std::string_view expected) const {
    const std::string found = printable(text_.substr(at, 20));
    fail<io_error>(file_, ": header, character ", at + 1, ": found ",
                   found.empty() ? "the end" : "'" + found + "'", ", expected ", expected);
  }

  void skip_space() {
    constexpr std::string_view space = " \t\n\r\f";
    while (position_ < text_.size() && space.find(text_[position_]) != space.npos) ++position_;
  }
  bool accept(char c) {
    skip_space();
    if (position_ == text_.size() || text_[position_] != c) return false;
    ++position_;
    skip_space();
    return true;
  }
  void expect(char c) {
    if (!accept(c)) refuse(position_, concat("'", c, "'"));
  }

  /// A quoted string without escapes: no key and no element type needs one.
  std::string_view string() {
    skip_space();
    const auto unicode = text_.substr(position_, 2);
    if (unicode == "u'" || unicode == "u\"" || unicode == "U'" || unicode == "U\"") ++position_;
    const char quote = position_ < text_.size() ? text_[position_] : '\0';
    if (quote != '\'' && quote != '"') refuse(position_, "a quoted string");
    const std::size_t first = position_ + 1;
    const std::size_t last = text_.find_first_of("'\"\\\n", first);
    if (last == std::string_view::npos || text_[last] != quote)
      refuse(position_, "a quoted string without escapes");
    position_ = last + 1;
    return text_.substr(first, last - first);
  }

  std::size_t item_size() {
    skip_space();
    const std::size_t start = position_;
    constexpr std::string_view expected = "'<f4' or '<f8' (little-endian float or double)";
    if (text_.substr(start, 1) == "[" || text_.substr(start, 1) == "(" || text_.substr(start, 1) == "{")
      fail<io_error>(file_, ": found a structured element type, expected ", expected);
    const std::string_view type = string();
    // '=' is the order of this machine, '|' that of a type which has none, and no mark means '='.
    const bool marked = !type.empty() && std::string_view("<=|>").find(type[0]) != std::string_view::npos;
    const std::string_view code = type.substr(marked ? 1 : 0);
    const auto is = [&](std::initializer_list<std::string_view> codes, std::initializer_list<std::string_view> names) {
      return std::find(codes.begin(), codes.end(), code) != codes.end() ||
             (!marked && std::find(names.begin(), names.end(), code) != names.end());
    };
    const std::size_t size = is({"f4", "f"}, {"float32", "single"})            ? 4
                             : is({"f8", "d"}, {"float64", "double", "float"}) ? 8
                                                                               : 0;
    if (size > 0 && type[0] != '>') return size;
    if (size > 0)
      fail<io_error>(file_, ": found big-endian element type '", type, "', expected ", expected);
    if (type.ends_with('O')) fail<io_error>(file_, ": found Python objects ('", type, "'), expected ", expected);
    if (type.size() > 16) refuse(start, expected);
    fail<io_error>(file_, ": found element type '", printable(type), "', expected ", expected);
  }

  bool boolean() {
    skip_space();
    for (const bool value : {true, false}) {
      const std::string_view word = value ? "True" : "False";
      if (text_.substr(position_, word.size()) != word) continue;
      position_ += word.size();
      return value;
    }
    refuse(position_, "True or False");
  }

  /// A Python tuple of sizes: (), (3,), (3, 4), (3, 4,).
  shape_t shape() {
    shape_t sizes;
    expect('(');
    while (!accept(')')) {
      const std::size_t start = position_;
      sizes.push_back(size());
      if (sizes.size() > npy_max_rank) refuse(start, concat("at most ", npy_max_rank, " sizes"));
      if (accept(',')) continue;
      if (sizes.size() == 1) refuse(position_, "',' (a tuple of one size)");
      expect(')');
      break;
    }
    return sizes;
  }

  index_t size() {
    const std::size_t start = position_;
    index_t value = 0;
    for (; position_ < text_.size() && text_[position_] >= '0' && text_[position_] <= '9'; ++position_) {
      const index_t digit = text_[position_] - '0';
      if (value > (std::numeric_limits<index_t>::max() - digit) / 10) refuse(start, "a size below 2^63");
      value = 10 * value + digit;
    }
    const std::size_t digits = position_ - start;
    if (digits == 0 || (digits > 1 && text_[start] == '0')) refuse(start, "a size");
    if (position_ < text_.size() && text_[position_] == 'L') ++position_;
    return value;
  }

  std::string_view text_;
  const std::string& file_;
  std::size_t position_ = 0;
};

}  // namespace detail

/// Reads and checks the header: afterwards `in` stands at the data, and exactly the data is left.
///
/// Throws.    io_error naming the file, what was found and what was expected.
template <class Input>
npy_header read_npy_header(Input& in) {
  const std::string& file = in.name();
  const auto require_bytes = [&](std::uint64_t count, std::string_view what) {
    if (in.remaining() < count)
      fail<io_error>(file, ": ", what, ": found ", in.remaining(), " bytes, expected ", count);
  };
  char start[8];
  require_bytes(sizeof start, "start of a .npy file");
  in.read(start, sizeof start);
  if (std::string_view(start, 6) != detail::npy_magic)
    fail<io_error>(file, ": not a .npy file: it does not start with \\x93NUMPY");
  const int major = static_cast<unsigned char>(start[6]), minor = static_cast<unsigned char>(start[7]);
  if (major < 1 || major > 3 || minor != 0)
    fail<io_error>(file, ": found .npy version ", major, ".", minor, ", expected 1.0, 2.0 or 3.0");

  const std::size_t length_size = major == 1 ? 2 : 4;
  require_bytes(length_size, "header length");
  std::uint32_t length = 0;
  in.read(&length, length_size);
  if (length > detail::npy_max_header)
    fail<io_error>(file, ": found a header of ", length, " bytes, expected at most ", detail::npy_max_header);
  require_bytes(length, "header");
  std::string text(length, '\0');
  in.read(text.data(), text.size());

  npy_header header = detail::npy_dict_parser(text, file).parse();
  try {
    header.elements = element_count(header.shape);
  } catch (const shape_error& e) {
    fail<io_error>(file, ": ", e.what());
  }
  if (header.elements > std::numeric_limits<index_t>::max() / 8)
    fail<io_error>(file, ": shape ", shape_text(header.shape), ": the number of bytes overflows");
  const std::uint64_t bytes = std::uint64_t(header.elements) * header.item_size;
  if (in.remaining() != bytes)
    fail<io_error>(file, ": shape ", shape_text(header.shape), ": found ", in.remaining(),
                   " bytes of data, expected ", bytes);
  return header;
}

/// All bytes of a file in front of the data, as numpy.save writes them: room for the first size to grow to 21
/// digits, then spaces up to a multiple of 64.
///
/// Throws.    shape_error for more than 32 sizes.
inline std::string npy_header_text(std::size_t item_size, const shape_t& shape) {
  if (shape.size() > detail::npy_max_rank)
    fail<shape_error>("a .npy file: found ", shape.size(), " sizes, expected at most ", detail::npy_max_rank);
  std::string dict = concat("{'descr': '<f", item_size, "', 'fortran_order': False, 'shape': (");
  for (std::size_t k = 0; k < shape.size(); ++k) dict += concat(k ? ", " : "", shape[k]);
  dict += shape.size() == 1 ? ",), }" : "), }";
  if (!shape.empty()) dict.append(21 - concat(shape[0]).size(), ' ');
  const std::size_t before = detail::npy_magic.size() + 4;
  dict.append(64 - (before + dict.size() + 1) % 64, ' ');
  dict += '\n';
  std::string text(detail::npy_magic);
  text += {char(1), char(0), char(dict.size() % 256), char(dict.size() / 256)};
  return text + dict;
}

}  // namespace kdm::io
