/// What the scalar functions share: the bits of a float or double, and polynomials.
#pragma once

#include <cstdint>
#include <limits>

#include "kdm/core/config.hpp"

namespace kdm::math::detail {

template <class T>
struct floating;

template <>
struct floating<float> {
  using word = std::uint32_t;
  static constexpr int fraction_bits = 23;
  static constexpr word bias = 127;
};

template <>
struct floating<double> {
  using word = std::uint64_t;
  static constexpr int fraction_bits = 52;
  static constexpr word bias = 1023;
};

template <class T>
using word_of = typename floating<T>::word;

/// std::bit_cast, in the form that CUDA compilers accept in device code without further options.
template <class To, class From>
KDM_HD constexpr To bits(From x) {
  static_assert(sizeof(To) == sizeof(From));
  return __builtin_bit_cast(To, x);
}

/// |x|, also in constant expressions.
template <class T>
KDM_HD constexpr T magnitude(T x) {
  return bits<T>(word_of<T>(bits<word_of<T>>(x) & (~word_of<T>(0) >> 1)));
}

/// |x| with the sign of `sign`.
template <class T>
KDM_HD constexpr T with_sign(T x, T sign) {
  constexpr word_of<T> top = ~(~word_of<T>(0) >> 1);
  return bits<T>(word_of<T>((bits<word_of<T>>(x) & ~top) | (bits<word_of<T>>(sign) & top)));
}

/// `when ? a : b`, bit by bit. Of the plain form g++ makes a branch around what only one of the two needs, and no vector
/// code on processors without masked registers (all before AVX-512).
template <class T>
KDM_HD constexpr T choose(bool when, T a, T b) {
  using word = word_of<T>;
  const word mask = when ? ~word(0) : word(0);
  return bits<T>(word((bits<word>(a) & mask) | (bits<word>(b) & ~mask)));
}

template <class T>
inline constexpr T infinity = std::numeric_limits<T>::infinity();
template <class T>
inline constexpr T nan = std::numeric_limits<T>::quiet_NaN();
template <class T>
inline constexpr T smallest_normal = std::numeric_limits<T>::min();

/// c0 + x (c1 + x (c2 + ...)).
template <class T>
KDM_HD constexpr T polynomial(T /*x*/, T c0) {
  return c0;
}
template <class T, class... Rest>
KDM_HD constexpr T polynomial(T x, T c0, Rest... rest) {
  return c0 + x * polynomial<T>(x, rest...);
}

}  // namespace kdm::math::detail
