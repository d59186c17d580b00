// The scalar functions against long double references: ulp bounds, special values.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "kdm/math/functions.hpp"

namespace {

namespace math = kdm::math;

/// The error of `found` in units of the last place of `exact`; infinity where one is special and the other is not.
template <class T>
double ulps(T found, long double exact) {
  const T rounded = T(exact);
  if (std::isnan(found) || std::isnan(rounded)) return std::isnan(found) && std::isnan(rounded) ? 0 : INFINITY;
  if (std::isinf(found) || std::isinf(rounded)) return found == rounded ? 0 : INFINITY;
  int exponent = 0;
  std::frexp(rounded, &exponent);
  const int lowest = std::numeric_limits<T>::min_exponent;
  const int place = (exponent < lowest ? lowest : exponent) - std::numeric_limits<T>::digits;
  return double(std::fabs((long double)(found)-exact) / std::ldexp(1.0L, place));
}

template <class T>
struct cases {
  std::vector<T> x;
};

/// Every 997th bit pattern: all magnitudes, both signs, subnormal numbers, infinities, NaN.
cases<float> patterns() {
  cases<float> c;
  for (std::uint64_t i = 0; i < (std::uint64_t(1) << 32); i += 997)
    c.x.push_back(math::detail::bits<float>(std::uint32_t(i)));
  return c;
}

/// Random bit patterns, random numbers at the scales where the functions bend, and edges.
cases<double> samples() {
  cases<double> c;
  std::mt19937_64 engine(7);
  for (int i = 0; i < 100000; ++i) c.x.push_back(math::detail::bits<double>(std::uint64_t(engine())));
  for (double scale : {1e-6, 0.01, 1.0, 10.0, 800.0})
    for (int i = 0; i < 100000; ++i) c.x.push_back(std::uniform_real_distribution<double>(-scale, scale)(engine));
  for (double x : {0.0, -0.0, 1.0, -1.0, 0.5, 709.78, 709.79, -708.4, -745.1, -745.2, 5.9, 6.0, 6.1, 22.0, 5e-324,
                   2.2250738585072014e-308, 1.7976931348623157e308, double(INFINITY), -double(INFINITY)})
    c.x.push_back(x);
  return c;
}

template <class T, class F, class G>
double worst_error(const cases<T>& c, F f, G exact) {
  double worst = 0;
  for (const T x : c.x) worst = std::max(worst, ulps<T>(f(x), exact((long double)(x))));
  return worst;
}

long double exact_sigmoid(long double x) { return 1 / (1 + std::exp(-x)); }

template <class T>
void check_bounds(const cases<T>& c, double exp, double expm1, double log, double tanh, double sigmoid,
                  double erf) {
  using wide = long double;
  CHECK(worst_error(c, math::exp<T>, [](wide x) { return std::exp(x); }) <= exp);
  CHECK(worst_error(c, math::expm1<T>, [](wide x) { return std::expm1(x); }) <= expm1);
  CHECK(worst_error(c, math::log<T>, [](wide x) { return std::log(x); }) <= log);
  CHECK(worst_error(c, math::tanh<T>, [](wide x) { return std::tanh(x); }) <= tanh);
  CHECK(worst_error(c, math::sigmoid<T>, exact_sigmoid) <= sigmoid);
  CHECK(worst_error(c, math::erf<T>, [](wide x) { return std::erf(x); }) <= erf);
}

TEST_CASE("functions keep their ulp bounds in float over the bit patterns") {
  check_bounds(patterns(), 1.0, 1.5, 0.9, 2.6, 2.4, 1.4);
}

TEST_CASE("functions keep their ulp bounds in double") { check_bounds(samples(), 1.0, 2.0, 0.9, 2.6, 2.4, 1.4); }

TEST_CASE("sin_cos_turn against an exactly reduced long double angle") {
  constexpr long double turn = 6.283185307179586476925286766559L;
  double worst_float = 0, worst_double = 0;
  for (std::uint64_t i = 0; i < (std::uint64_t(1) << 32); i += 9973) {
    const std::uint32_t word = std::uint32_t(i);
    const std::uint32_t quarters = (word + 0x20000000u) >> 30;
    const long double rest = (long double)(std::int32_t(word - (quarters << 30))) * turn / 4294967296.0L;
    const long double s0 = std::sin(rest), c0 = std::cos(rest);
    const long double sines[4] = {s0, c0, -s0, -c0};
    const long double s = sines[quarters % 4], c = sines[(quarters + 1) % 4];
    const auto f = math::sin_cos_turn<float>(word);
    const auto d = math::sin_cos_turn<double>(word);
    worst_float = std::max({worst_float, ulps(f.sin, s), ulps(f.cos, c)});
    worst_double = std::max({worst_double, ulps(d.sin, s), ulps(d.cos, c)});
  }
  CHECK(worst_float <= 2.4);
  CHECK(worst_double <= 1.7);
  CHECK(math::sin_cos_turn<double>(0).sin == 0.0);
  CHECK(math::sin_cos_turn<double>(0).cos == 1.0);
  CHECK(math::sin_cos_turn<double>(0x40000000u).sin == 1.0);
  CHECK(math::sin_cos_turn<double>(0x40000000u).cos == 0.0);
  CHECK(math::sin_cos_turn<float>(0x80000000u).cos == -1.0f);
  CHECK(math::sin_cos_turn<float>(0xC0000000u).sin == -1.0f);
}

TEST_CASE_TEMPLATE("special values", T, float, double) {
  const T inf = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
  for (auto f :
       {math::exp<T>, math::expm1<T>, math::log<T>, math::sqrt<T>, math::tanh<T>, math::sigmoid<T>, math::erf<T>})
    CHECK(std::isnan(f(nan)));

  CHECK(math::exp(T(0)) == T(1));
  CHECK(math::exp(inf) == inf);
  CHECK(math::exp(-inf) == T(0));
  CHECK(math::exp(T(1000)) == inf);
  CHECK(math::exp(T(-1000)) == T(0));
  CHECK(math::expm1(T(0)) == T(0));
  CHECK(math::expm1(inf) == inf);
  CHECK(math::expm1(-inf) == T(-1));

  CHECK(math::log(T(1)) == T(0));
  CHECK(math::log(T(0)) == -inf);
  CHECK(math::log(T(-0.0)) == -inf);
  CHECK(math::log(inf) == inf);
  CHECK(std::isnan(math::log(T(-1))));
  CHECK(std::isnan(math::log(-inf)));
  const double smallest = sizeof(T) == 4 ? -103.27892990 : -744.44007192;
  CHECK(math::log(std::numeric_limits<T>::denorm_min()) == doctest::Approx(smallest));

  CHECK(math::tanh(T(30)) == T(1));
  CHECK(math::tanh(-inf) == T(-1));
  CHECK(math::erf(T(7)) == T(1));
  CHECK(math::erf(-inf) == T(-1));
  CHECK(std::signbit(math::tanh(T(-0.0))));
  CHECK(std::signbit(math::erf(T(-0.0))));
  CHECK(math::sigmoid(T(0)) == T(0.5));
  CHECK(math::sigmoid(inf) == T(1));
  CHECK(math::sigmoid(-inf) == T(0));
  CHECK(math::sqrt(T(9)) == T(3));
}

TEST_CASE("the functions work in constant expressions") {
  static_assert(math::exp(0.0) == 1.0);
  static_assert(math::log(1.0f) == 0.0f);
  static_assert(math::tanh(-50.0f) == -1.0f);
  static_assert(math::sigmoid(0.0) == 0.5);
  static_assert(math::erf(0.0) == 0.0);
  static_assert(math::sin_cos_turn<float>(0x80000000u).cos == -1.0f);
}

}  // namespace
