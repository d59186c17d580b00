/// The error function.
#pragma once

#include <type_traits>

#include "kdm/core/config.hpp"
#include "kdm/math/exponential.hpp"
#include "kdm/math/floating.hpp"

namespace kdm::math {

/// 2 / sqrt(pi) times the integral of e^(-t^2) from 0 to x. Exactly 1 in magnitude for large |x|.
///
/// Accuracy.  at most 1.4 ulp in float and double.
template <class T>
KDM_HD constexpr T erf(T x) {
  const T magnitude = detail::magnitude(x);
  constexpr T saturated = std::is_same_v<T, float> ? T(3.95) : T(6);
  const T a = detail::choose(magnitude > saturated, saturated, magnitude);

  // Below 1: x times a polynomial of x^2. From 1 on: 1 - erfc with a polynomial for the logarithm of erfc.
  const T z = a * a;
  T p, l;
  if constexpr (std::is_same_v<T, float>) {
    p = detail::polynomial(z, 0x1.06eba8p-3f, -0x1.81273ep-2f, 0x1.ce2cf8p-4f, -0x1.b7f916p-6f, 0x1.5405e4p-8f,
                           -0x1.a3f818p-11f, 0x1.496c8p-14f);
    l = detail::polynomial(a, -0x1.66229cp-12f, -0x1.2088eap+0f, -0x1.46bafp-1f, -0x1.a65324p-4f, 0x1.65cb3cp-6f,
                           -0x1.825a84p-9f, 0x1.86dcc8p-13f);
  } else {
    p = detail::polynomial(z, 0x1.06eba8214db69p-3, -0x1.812746b0379e6p-2, 0x1.ce2f21a042b2p-4,
                           -0x1.b82ce3128499cp-6, 0x1.565bcd0db02c8p-8, -0x1.c02db3d8ecd5fp-11,
                           0x1.f9a321a115159p-14, -0x1.f4d1df38a93f6p-17, 0x1.b9def1962ee07p-20,
                           -0x1.5f1d3683c874fp-23, 0x1.f7a40fb416a21p-27, -0x1.386ab993ea3ap-30,
                           0x1.0579988263437p-34);
    l = detail::polynomial(a, -0x1.0dfc6bd09eb42p-21, -0x1.20dd1fd25fa8fp+0, -0x1.45f62761c4141p-1,
                           -0x1.a4ac5b6920ee6p-4, 0x1.37228c14fcb99p-6, 0x1.ae964e896b561p-12,
                           -0x1.f641a418d12bp-10, 0x1.940b6a6d48d99p-11, -0x1.1b3c6424c5793p-13,
                           -0x1.53f4f077d0f94p-16, 0x1.7edf78894e2c1p-16, -0x1.22ce4018eb919p-17,
                           0x1.1ea1399855921p-19, -0x1.90ce8a43190e5p-22, 0x1.8ebe2dd0cb95p-25,
                           -0x1.0e5707971cfap-28, 0x1.c1a7757fb6a12p-33, -0x1.5ac9ce211bc6dp-38);
  }
  const T near_zero = a + a * p;
  const T beyond = T(1) - exp(l);
  return detail::with_sign(detail::choose(a < T(1), near_zero, beyond), x);
}

}  // namespace kdm::math
