/// exp, expm1, log, sqrt, tanh and sigmoid by branch-free polynomials.
#pragma once

#include <cmath>
#include <type_traits>

#include "kdm/core/config.hpp"
#include "kdm/math/floating.hpp"

namespace kdm::math {

namespace detail {

/// ln 2 in two parts: `high` times any exponent is exact.
template <class T>
struct ln2 {
  static constexpr T high = T(0x1.62e42feep-1);
  static constexpr T low = T(0x1.a39ef35793c76p-33);
};
template <>
struct ln2<float> {
  static constexpr float high = 0x1.62e4p-1f;
  static constexpr float low = 0x1.7f7d1cp-20f;
};

/// Adding it to a number below 2^(fraction_bits - 1) rounds to an integer, which the low bits then hold plus `offset`.
template <class T>
KDM_HD constexpr T shifter_to(int offset) {
  return T(1.5) * T(word_of<T>(1) << floating<T>::fraction_bits) + T(offset);
}

/// e^r - 1 for |r| <= ln 2 / 2.
template <class T>
KDM_HD constexpr T small_expm1(T r) {
  T q;
  if constexpr (std::is_same_v<T, float>)
    q = polynomial(r, 0x1p-1f, 0x1.555554p-3f, 0x1.5554bp-5f, 0x1.11118ap-7f, 0x1.6d725ap-10f, 0x1.a03152p-13f);
  else
    q = polynomial(r, 0x1p-1, 0x1.5555555555559p-3, 0x1.555555555553ep-5, 0x1.111111110f6bdp-7,
                   0x1.6c16c16c1f114p-10, 0x1.a01a01afe1221p-13, 0x1.a01a017ba5d81p-16, 0x1.71ddf859b6e5ep-19,
                   0x1.27e53651da042p-22, 0x1.af5ebb5a73fb9p-26, 0x1.1ee87e23c3a7fp-29);
  return r + (r * r) * q;
}

/// e^x = 2^n (1 + p), with |p| < 0.42 and 2^n as a product so that neither factor overflows.
template <class T>
struct exponential {
  T p;
  T scale1, scale2;
  /// 1 / scale2.
  T unscale2;
};

template <class T>
KDM_HD constexpr exponential<T> reduced_exp(T x) {
  using format = floating<T>;
  using word = word_of<T>;
  // Beyond these the result is infinite or zero anyway. NaN passes.
  constexpr T lowest = std::is_same_v<T, float> ? T(-104) : T(-746);
  constexpr T highest = std::is_same_v<T, float> ? T(89) : T(710);
  x = choose(x < lowest, lowest, choose(x > highest, highest, x));

  constexpr T shifter = shifter_to<T>(0);
  const T shifted = x * T(0x1.71547652b82fep+0) + shifter;
  const T n = shifted - shifter;
  const T r = (x - n * ln2<T>::high) - n * ln2<T>::low;
  const word exponents = bits<word>(shifted) - bits<word>(shifter) + 2 * format::bias;
  const word first = exponents >> 1;
  const word second = exponents - first;
  return {small_expm1(r), bits<T>(word(first << format::fraction_bits)),
          bits<T>(word(second << format::fraction_bits)),
          bits<T>(word((2 * format::bias - second) << format::fraction_bits))};
}

/// e^-t for t >= 0, in half the operations of exp: 2^(n + up) is an ordinary number for every n that occurs.
template <class T>
KDM_HD constexpr T decaying_exp(T t) {
  using format = floating<T>;
  constexpr T longest = std::is_same_v<T, float> ? T(104) : T(746);  // e^-t is zero from here on
  constexpr int up = std::is_same_v<T, float> ? 64 : 128;
  constexpr T down = std::is_same_v<T, float> ? T(0x1p-64) : T(0x1p-128);
  constexpr T shifter = shifter_to<T>(int(format::bias) + up);
  const T shifted = t * T(-0x1.71547652b82fep+0) + shifter;
  const T n = shifted - shifter;
  const T p = small_expm1((-t - n * ln2<T>::high) - n * ln2<T>::low);
  const T scale = bits<T>(word_of<T>(bits<word_of<T>>(shifted) << format::fraction_bits));
  const T power = (scale + scale * p) * down;
  return choose(longest < t, T(0), power);
}

}  // namespace detail

/// e^x. Overflows to infinity, underflows gradually to 0.
///
/// Accuracy.  at most 1.0 ulp in float and double.
template <class T>
KDM_HD constexpr T exp(T x) {
  const auto e = detail::reduced_exp(x);
  return (T(1) + e.p) * e.scale1 * e.scale2;
}

/// e^x - 1 without the cancellation near 0.
///
/// Accuracy.  at most 1.5 ulp in float, 2.0 in double.
template <class T>
KDM_HD constexpr T expm1(T x) {
  const auto e = detail::reduced_exp(x);
  return (e.p * e.scale1 + (e.scale1 - e.unscale2)) * e.scale2;
}

/// Natural logarithm. log(0) = -inf, log of a negative number is NaN; subnormal numbers are fine.
///
/// Accuracy.  at most 0.9 ulp in float and double.
template <class T>
KDM_HD constexpr T log(T x) {
  using format = detail::floating<T>;
  using word = detail::word_of<T>;
  constexpr word one = detail::bits<word>(T(1));
  constexpr word root_half = detail::bits<word>(T(0x1.6a09e667f3bcdp-1));
  constexpr T two_to_fraction = T(word(1) << format::fraction_bits);

  // x = 2^n m with m in [sqrt(1/2), sqrt(2)); n becomes floating through the low bits of 2^fraction_bits.
  const bool subnormal = x < detail::smallest_normal<T>;
  const word shifted = detail::bits<word>(detail::choose(subnormal, x * two_to_fraction, x)) + (one - root_half);
  const T m = detail::bits<T>(word((shifted & ((word(1) << format::fraction_bits) - 1)) + root_half));
  const T biased = detail::bits<T>(word(detail::bits<word>(two_to_fraction) | (shifted >> format::fraction_bits)));
  const T n = biased - (two_to_fraction + T(format::bias) + detail::choose(subnormal, T(format::fraction_bits), T(0)));

  // log(1 + f) = f - f^2 / 2 + s (f^2 / 2 + R) with s = f / (2 + f) and R = log(1 + f) / s - 2.
  const T f = m - T(1);
  const T s = f / (T(2) + f);
  const T z = s * s;
  T r;
  if constexpr (std::is_same_v<T, float>)
    r = z * detail::polynomial(z, 0x1.55557ap-1f, 0x1.995ecep-2f, 0x1.31e13cp-2f);
  else
    r = z * detail::polynomial(z, 0x1.5555555555592p-1, 0x1.999999997fea9p-2, 0x1.24924941e48f7p-2,
                               0x1.c71c52130299cp-3, 0x1.74663d0a8f56dp-3, 0x1.39a1e82589f15p-3,
                               0x1.2f03b3bb01d81p-3);
  const T half = T(0.5) * f * f;
  T y = n * detail::ln2<T>::high + (f - (half - (s * (half + r) + n * detail::ln2<T>::low)));
  y = detail::choose(x < detail::infinity<T>, y, x);
  y = detail::choose(x == T(0), -detail::infinity<T>, y);
  return detail::choose(x < T(0), detail::nan<T>, y);
}

/// Square root: the instruction.
template <class T>
KDM_HD T sqrt(T x) {
  return std::sqrt(x);
}

/// Hyperbolic tangent. Exactly 1 in magnitude for large |x|.
///
/// Accuracy.  at most 2.6 ulp in float and double.
template <class T>
KDM_HD constexpr T tanh(T x) {
  const T t = expm1(T(-2) * detail::magnitude(x));
  return detail::with_sign(t / (T(2) + t), x);
}

/// 1 / (1 + e^-x), to full relative accuracy in both tails; underflows gradually to 0.
///
/// Accuracy.  at most 2.4 ulp in float and double.
template <class T>
KDM_HD constexpr T sigmoid(T x) {
  const T e = detail::decaying_exp(detail::magnitude(x));
  return detail::choose(x < T(0), e, T(1)) / (T(1) + e);
}

}  // namespace kdm::math
