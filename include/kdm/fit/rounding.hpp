/// How exactly the numbers of a data set are known, and the rounding that they show.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "kdm/core/matrix.hpp"

namespace kdm {

/// The distance between neighbours among the numbers that data are rounded to: relative |x| + absolute near x.
///
/// Singular values that rounding can make are left out by every rank rule. By default numbers are good to double
/// precision, and fits of pairs look at them for a coarser rounding, to warn of it.
struct data_rounding {
  double relative = std::numeric_limits<double>::epsilon();
  double absolute = 0;

  /// Numbers that were of type T.
  template <class T>
  static constexpr data_rounding of() {
    return {double(std::numeric_limits<T>::epsilon()), 0};
  }
  /// Numbers that are what they are: no rounding is looked for in them.
  static constexpr data_rounding none() { return {0, 0}; }
  /// Numbers rounded to multiples of `unit`: 1e-6 for six decimals.
  static data_rounding to(double unit) {
    if (!(unit > 0 && std::isfinite(unit)))
      fail<option_error>("data_rounding: the unit is ", unit, ", expected a finite number above 0");
    return {std::numeric_limits<double>::epsilon(), unit};
  }

  bool is_double() const { return relative <= std::numeric_limits<double>::epsilon() && absolute <= 0; }
  bool may_be_coarser() const { return is_double() && relative > 0; }
  /// The mean square of the rounding error of x over `size`, taken as uniform between two neighbours.
  double mean_square(double x, double size = 1) const {
    const double step = (relative * std::abs(x) + absolute) / size;
    return step * step / 12;
  }
};

/// The larger of two roundings, part by part.
inline data_rounding coarser(const data_rounding& a, const data_rounding& b) {
  return {std::max(a.relative, b.relative), std::max(a.absolute, b.absolute)};
}

/// Throws unless both are finite numbers, 0 or more.
inline void require_rounding(std::string_view who, const data_rounding& r) {
  if (!(r.relative >= 0 && r.absolute >= 0 && std::isfinite(r.relative) && std::isfinite(r.absolute)))
    fail<option_error>(who, ": the rounding is ", r.relative, " relative and ", r.absolute,
                       " absolute, expected finite numbers, 0 or more");
}

/// The rounding that numbers show by the last bits or decimals that they use: float, or a power of ten.
///
/// Float: every number is one of float's, and at least a quarter use one of its last two bits. Decimals: every number
/// is the double nearest to a multiple of 10^-k, k from 1 to 15, at least half of them use the last decimal, and chance
/// would hardly have missed all doubles in between (once in e^40). Integers show nothing, nor do fractions of a power
/// of two: they may be exact.
/// Cost.      stops at the number that rules all of this out: among doubles that were never rounded, one of the first.
template <std::size_t Parts>
std::optional<data_rounding> find_rounding(const std::array<const_view<double>, Parts>& parts) {
  constexpr int most = 15;
  static constexpr std::array<double, most + 1> ten{1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                    1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
  constexpr double whole = 9007199254740992;  // 2^53
  const auto for_each = [&](auto f) {
    for (const const_view<double>& part : parts)
      for (index_t i = 0; i < part.rows; ++i)
        for (index_t j = 0; j < part.cols; ++j)
          if (const double x = part(i, j); x != 0 && !f(x)) return;
  };
  const auto on_grid = [&](double x, int k) {
    const double n = std::round(x * ten[std::size_t(k)]);
    return std::abs(n) < whole && n / ten[std::size_t(k)] == x;
  };

  bool single = true;
  int decimals = 0;
  double largest = 0;
  index_t count = 0, last_bits = 0;
  for_each([&](double x) {
    const auto bits = std::bit_cast<std::uint64_t>(x);
    single = single && (bits & 0x1fffffff) == 0 && std::abs(x) <= double(std::numeric_limits<float>::max());
    while (decimals <= most && !on_grid(x, decimals)) ++decimals;
    last_bits += ((bits >> 29) & 3) != 0;
    largest = std::max(largest, std::abs(x));
    ++count;
    return single || decimals <= most;
  });
  // Integers that double holds and float does not would not all be numbers of float.
  if (count < 8 || (decimals == 0 && !(single && largest > 16777216))) return {};
  if (decimals <= most && !single) {
    const double unit = 1 / ten[std::size_t(decimals)];
    double evidence = 0;
    index_t last_decimals = 0;
    for_each([&](double x) {
      last_decimals += !on_grid(x, decimals - 1);
      const double spacing = std::ldexp(1., std::ilogb(x) - 52);
      if (spacing < unit) evidence += std::log(unit / spacing);
      return true;
    });
    if (evidence > 40 && 2 * last_decimals >= count) return data_rounding::to(unit);
  }
  if (single && 4 * last_bits >= count) return data_rounding::of<float>();
  return {};
}

/// "multiples of 1e-06" or "numbers of float": what find_rounding found.
inline std::string name_of(const data_rounding& r) {
  if (r.absolute > 0) return concat("multiples of ", r.absolute);
  return r.is_double() ? "numbers of double" : "numbers of float";
}

}  // namespace kdm
