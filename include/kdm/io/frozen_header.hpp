/// Frozen students as C++ headers: weights compiled into a program.
#pragma once

#include <algorithm>
#include <array>
#include <filesystem>
#include <string>
#include <string_view>

#include "kdm/io/atomic_file.hpp"
#include "kdm/io/weights.hpp"
#include "kdm/koopman/frozen.hpp"

namespace kdm::io {

namespace detail {

/// A floating literal that is exactly this number, in its shortest form.
template <class T>
void append_literal(std::string& text, T value) {
  const std::size_t start = text.size();
  text += concat(value);
  if (text.find_first_of(".e", start) == std::string::npos) text += '.';
  if constexpr (sizeof(T) == sizeof(float)) text += 'f';
}

/// Letters, digits and underscores, as a program may name a namespace.
inline bool is_identifier(std::string_view name) {
  constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  constexpr std::array keywords{
      "alignas", "alignof", "and", "and_eq", "asm", "auto", "bitand", "bitor", "bool", "break", "case", "catch", "char",
      "char16_t", "char32_t", "char8_t", "class", "co_await", "co_return", "co_yield", "compl", "concept", "const",
      "const_cast", "consteval", "constexpr", "constinit", "continue", "decltype", "default", "delete", "do", "double",
      "dynamic_cast", "else", "enum", "explicit", "export", "extern", "false", "float", "for", "friend", "goto", "if",
      "inline", "int", "long", "mutable", "namespace", "new", "noexcept", "not", "not_eq", "nullptr", "operator", "or",
      "or_eq", "private", "protected", "public", "register", "reinterpret_cast", "requires", "return", "short",
      "signed", "sizeof", "static", "static_assert", "static_cast", "struct", "switch", "template", "this",
      "thread_local", "throw", "true", "try", "typedef", "typeid", "typename", "union", "unsigned", "using", "virtual",
      "void", "volatile", "wchar_t", "while", "xor", "xor_eq", "kdm", "std"};
  return !name.empty() && letters.find(name[0]) != std::string_view::npos &&
         name.find_first_not_of(std::string(letters) + "0123456789_") == std::string_view::npos &&
         name.find("__") == std::string_view::npos &&
         std::find(keywords.begin(), keywords.end(), name) == keywords.end();
}

/// Macros of C, and of compilers on Linux, that would stand where the name stands. Those that take arguments do no harm.
inline bool is_macro(std::string_view name) {
  constexpr std::array macros{"EOF", "INFINITY", "NAN", "NULL", "errno", "i386", "linux", "stderr", "stdin", "stdout", "unix"};
  return std::find(macros.begin(), macros.end(), name) != macros.end();
}

}  // namespace detail

/// Throws.    option_error for a name that frozen_header cannot give a namespace.
inline void require_identifier(std::string_view name) {
  if (detail::is_macro(name))
    fail<option_error>("the name ", detail::in_quotes(name),
                       " cannot name a namespace: it is a macro of C or of the compiler, expected another name");
  if (!detail::is_identifier(name))
    fail<option_error>("the name ", detail::in_quotes(name),
                       " cannot name a namespace, expected a letter, then letters, digits and single underscores, "
                       "and no word of C++");
}

/// The text of a header that holds a student as constants: `NAME::compiled` is a compiled_student.
///
/// The namespace stands in one of the library's own, `kdm_students::NAME`, so that `log` and `time` are names like any
/// other; a directive lets the short form be written. A name that is a macro where the header is included is an #error.
/// A plain list of the shortest decimals that give the same floats. 0.53 million weights are 7 MB of text, 1.2 s of g++
/// 12 and 160 MB of its memory, 1.5 s of clang 14 and 360 MB. Hexadecimal floats (12 MB) take 0.9 s in both; words of
/// 8 bytes 0.7 and 0.4 s, and are neither floats nor readable; a string literal 0.1 s, but clang warns of one beyond
/// 64 kB.
/// Throws.    option_error for a name that is no identifier.
/// Example.   kdm::frozen_model<float> model(student::compiled);
inline std::string frozen_header(const frozen_parts<float>& parts, std::string_view name) {
  require_identifier(name);
  parts.prior.require_usable<float>("frozen_header", parts.layers.empty() ? 0 : parts.layers.front().inputs);
  std::string text = concat(
      "// A student of kdm, frozen: ", parts.weights.size(), " weights. Written by a program; not to be edited.\n",
      "#pragma once\n\n#include <kdm/koopman/frozen.hpp>\n\n#ifdef ", name, "\n#error \"", name,
      " is a macro here: include this header earlier, or export the student under another name\"\n#endif\n\n",
      "namespace kdm_students::", name,
      " {\n\n// Inputs, outputs, activation and its parameter.\ninline constexpr kdm::frozen_layer layers[] = {\n");
  for (const frozen_layer& l : parts.layers) {
    text += concat("    {", l.inputs, ", ", l.outputs, ", \"", l.activation_name(), "\", ");
    detail::append_literal(text, l.parameter);
    text += "},\n";
  }
  text += "};\n\n// Of each layer the matrix [outputs, inputs], then the bias.\ninline constexpr float weights[] = {\n";
  const const_view<float> w = parts.weights.view();
  for (index_t k = 0; k < w.cols; ++k) {
    detail::append_literal(text, w.p[k]);
    text += k % 8 == 7 || k + 1 == w.cols ? ",\n" : ",";
  }
  const normal_prior& prior = parts.prior;
  const auto numbers = [&](std::string_view called, const matrix<double>& m) {
    if (m.size() == 0) return;
    text += concat("};\n\ninline constexpr double ", called, "[] = {\n");
    for (index_t k = 0; k < m.size(); ++k) {
      detail::append_literal(text, m.data()[k]);
      text += k % 8 == 7 || k + 1 == m.size() ? ",\n" : ",";
    }
  };
  numbers("prior_mean", prior.mean);
  numbers("prior_factor", prior.factor);
  text += "};\n\n/// kdm::frozen_model<float> model(" + std::string(name) +
          "::compiled);\ninline constexpr kdm::compiled_student compiled{layers, weights, ";
  detail::append_literal(text, prior.scale);
  if (!prior.is_scale())
    text += concat(", ", prior.mean.size() > 0 ? "prior_mean" : "{}", ", ",
                   prior.factor.size() > 0 ? "prior_factor" : "{}", prior.known ? "" : ", false");
  return text + concat("};\n\n}  // namespace kdm_students::", name, "\n\nusing namespace kdm_students;\n");
}

/// Writes that header.
///
/// Throws.    option_error as above; io_error; numeric_error for a weight that is not finite.
inline void save_frozen_header(const std::filesystem::path& path, const frozen_parts<float>& parts,
                               std::string_view name) {
  require_finite_to_write(path, parts.weights.view());
  write_file(path, frozen_header(parts, name));
}

}  // namespace kdm::io
