/// Whether numbers are finite, asked of their bits, and where a matrix stops being so.
#pragma once

#include <cstdint>
#include <type_traits>

#include "kdm/core/view.hpp"

namespace kdm {

namespace detail {

/// The bits of x, where a compiler that was told that no number is infinite or NaN cannot follow them: it would take
/// such a test for always true.
template <class Word, class T>
KDM_HD constexpr Word bits_as_stored(T x) {
  Word word = __builtin_bit_cast(Word, x);
#if defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__ && defined(__GNUC__) && !defined(__CUDA_ARCH__)
  if (!std::is_constant_evaluated()) asm("" : "+r"(word));
#endif
  return word;
}

}  // namespace detail

/// False for NaN and the infinities, true for every other number, under -ffast-math and -ffinite-math-only as well,
/// where std::isfinite is always true.
KDM_HD constexpr bool is_finite(float x) {
  return (detail::bits_as_stored<std::uint32_t>(x) & 0x7f800000u) != 0x7f800000u;
}
KDM_HD constexpr bool is_finite(double x) {
  constexpr std::uint64_t exponent = 0x7ff0000000000000u;
  return (detail::bits_as_stored<std::uint64_t>(x) & exponent) != exponent;
}

/// Whether 0 < x < infinity, and whether 0 <= x < infinity. The plain comparisons let infinity through, and NaN where
/// the compiler was told that there is none.
template <class T>
KDM_HD constexpr bool is_positive(T x) {
  return is_finite(x) && x > T(0);
}
template <class T>
KDM_HD constexpr bool is_not_negative(T x) {
  return is_finite(x) && x >= T(0);
}

/// The first NaN or infinity of a host view, as row * x.cols + column; -1 where there is none.
///
/// Cost.      one pass over x.
template <class T>
index_t first_not_finite(view<T> x) {
  for (index_t i = 0; i < x.rows; ++i)
    for (index_t j = 0; j < x.cols; ++j)
      if (!is_finite(x(i, j))) return i * x.cols + j;
  return -1;
}

}  // namespace kdm
