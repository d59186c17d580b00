/// Options are numbers of the user, in double; what counts is what becomes of them in the type that computes.
#pragma once

#include <limits>
#include <string_view>
#include <type_traits>

#include "kdm/core/error.hpp"
#include "kdm/core/finite.hpp"

namespace kdm {

/// How messages call T.
template <float_or_double T>
inline constexpr std::string_view number_name = std::is_same_v<T, float> ? "float" : "double";

/// Whether T(x) is a finite number, and 0 only where x is. Numbers below the normal ones count as lost: lanes flush
/// them to zero.
template <float_or_double T>
constexpr bool is_representable(double x) {
  using limits = std::numeric_limits<T>;
  const double size = x < 0 ? -x : x;
  return is_finite(x) && size <= double(limits::max()) && (size == 0 || size >= double(limits::min()));
}

/// Throws option_error unless x is representable in T and in the range; `what` is who asks and the option's name.
template <float_or_double T>
void require_representable(std::string_view what, double x) {
  if (!is_representable<T>(x))
    fail<option_error>(what, " is ", x, ", expected a finite number that ", number_name<T>, " can hold");
}
template <float_or_double T>
void require_positive(std::string_view what, double x) {
  if (!is_representable<T>(x) || !(x > 0))
    fail<option_error>(what, " is ", x, ", expected a finite number above 0 that ", number_name<T>, " can hold");
}
template <float_or_double T>
void require_not_negative(std::string_view what, double x) {
  if (!is_representable<T>(x) || !(x >= 0))
    fail<option_error>(what, " is ", x, ", expected 0 or a finite number above it that ", number_name<T>,
                       " can hold");
}

}  // namespace kdm
