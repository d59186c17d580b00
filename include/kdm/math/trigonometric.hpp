/// Sine and cosine of an angle given as a fraction of the turn.
#pragma once

#include <cstdint>
#include <type_traits>

#include "kdm/core/config.hpp"
#include "kdm/math/floating.hpp"

namespace kdm::math {

template <class T>
struct sine_cosine {
  T sin, cos;
};

/// Sine and cosine of 2 pi word / 2^32. The range reduction is integer arithmetic, hence exact.
///
/// Accuracy.  at most 2.4 ulp in float (1.4 where multiply-adds contract), 1.7 in double.
template <class T>
KDM_HD constexpr sine_cosine<T> sin_cos_turn(std::uint32_t word) {
  // The angle is `quarters` right angles and a rest in [-1/8, 1/8) of the turn.
  const std::uint32_t quarters = (word + 0x20000000u) >> 30;
  const std::int32_t rest = detail::bits<std::int32_t>(word - (quarters << 30));
  const T x = T(rest) * T(0x1p-30);
  const T z = x * x;
  // sin(pi x / 2) = x (pi/2 + p), where p also carries what pi/2 lost by rounding; cos(pi x / 2) = 1 + z q.
  constexpr T half_pi = T(0x1.921fb54442d18p+0);
  T p, q;
  if constexpr (std::is_same_v<T, float>) {
    p = detail::polynomial(z, -0x1.a32334p-25f, -0x1.4abbbap-1f, 0x1.465e92p-4f, -0x1.2d92f6p-8f);
    q = detail::polynomial(z, -0x1.3bd3ccp+0f, 0x1.03c1dep-2f, -0x1.55c5ep-6f, 0x1.d9d572p-11f);
  } else {
    p = detail::polynomial(z, 0x1.026ab245a39c3p-54, -0x1.4abbce625be41p-1, 0x1.466bc67758703p-4,
                           -0x1.32d2cce2d562ap-8, 0x1.50782fca56f44p-13, -0x1.e30063b0b6fe1p-19,
                           0x1.e3eed82ae2c96p-25);
    q = detail::polynomial(z, -0x1.3bd3cc9be45dep+0, 0x1.03c1f081b5aaep-2, -0x1.55d3c7e3c9284p-6,
                           0x1.e1f5068368155p-11, -0x1.a6d1ec7e4b331p-16, 0x1.f9cc40d275362p-22,
                           -0x1.b263cb6706a74p-28);
  }
  const T sine = x * half_pi + x * p;
  const T cosine = T(1) + z * q;

  const bool swapped = (quarters & 1u) != 0;
  const T s = swapped ? cosine : sine;
  const T c = swapped ? sine : cosine;
  return {(quarters & 2u) != 0 ? -s : s, ((quarters + 1u) & 2u) != 0 ? -c : c};
}

}  // namespace kdm::math
