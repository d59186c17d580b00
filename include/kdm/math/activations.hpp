/// Activation functions: value and slope from one evaluation.
#pragma once

#include <concepts>
#include <string_view>
#include <type_traits>

#include "kdm/core/config.hpp"
#include "kdm/math/functions.hpp"

namespace kdm {

/// An elementwise function at one point, and its derivative there.
template <class T>
struct activated {
  T value, slope;
};
template <class T>
activated(T, T) -> activated<T>;

/// f(z): value and slope at z, without side effects.
template <class F, class T>
concept has_value_and_slope = requires(const F& f, T z) {
  { f(z) } -> std::same_as<activated<T>>;
};

/// F::name: what messages call the function.
template <class F>
concept has_function_name = requires {
  { F::name } -> std::convertible_to<std::string_view>;
};

/// A scalar function and its derivative. Where only one of the two is used, inlining removes the work of the other.
template <class F, class T>
concept activation = std::copyable<F> && has_value_and_slope<F, T> && has_function_name<F>;

namespace detail {

/// The numbers to ask a function for: double, unless it knows only float.
template <class F>
using number_of = std::conditional_t<has_value_and_slope<F, double>, double, float>;

template <class F>
concept declares_identity = requires {
  { F::is_identity } -> std::convertible_to<bool>;
};
template <class F>
constexpr bool declared_identity() {
  if constexpr (declares_identity<F>)
    return F::is_identity;
  else
    return false;
}
}  // namespace detail

/// True for functions that return their argument, which say so by a static member `is_identity`. Layers skip them.
template <class F>
inline constexpr bool is_identity = detail::declared_identity<F>();

/// The activations that come with the library. A user's own is a functor of the same form.
namespace activations {

/// z
struct identity {
  static constexpr const char* name = "identity";
  static constexpr bool is_identity = true;
  template <class T>
  KDM_HD constexpr activated<T> operator()(T z) const {
    return {z, T(1)};
  }
};

/// max(z, 0). The slope at 0 is 0.
struct relu {
  static constexpr const char* name = "relu";
  template <class T>
  KDM_HD constexpr activated<T> operator()(T z) const {
    // The form of the first select lets NaN pass.
    return {z < T(0) ? T(0) : z, z > T(0) ? T(1) : T(0)};
  }
};

/// z for positive z, otherwise negative_slope z. The slope at 0 is negative_slope.
struct leaky_relu {
  static constexpr const char* name = "leaky_relu";
  double negative_slope = 0.01;
  template <class T>
  KDM_HD constexpr activated<T> operator()(T z) const {
    const T slope = math::detail::choose(z > T(0), T(1), T(negative_slope));
    return {slope * z, slope};
  }
};

/// Hyperbolic tangent.
struct tanh {
  static constexpr const char* name = "tanh";
  template <class T>
  KDM_HD constexpr activated<T> operator()(T z) const {
    const T y = math::tanh(z);
    return {y, T(1) - y * y};
  }
};

/// 1 / (1 + e^-z).
struct sigmoid {
  static constexpr const char* name = "sigmoid";
  template <class T>
  KDM_HD constexpr activated<T> operator()(T z) const {
    const T y = math::sigmoid(z);
    return {y, y * (T(1) - y)};
  }
};

/// z sigmoid(z), also called swish.
///
/// Source.    Elfwing, Uchibe, Doya 2018, "Sigmoid-weighted linear units for neural network function
///            approximation in reinforcement learning".
struct silu {
  static constexpr const char* name = "silu";
  template <class T>
  KDM_HD constexpr activated<T> operator()(T z) const {
    const T y = math::sigmoid(z);
    return {z * y, y * (T(1) + z * (T(1) - y))};
  }
};

/// z Phi(z) with the normal distribution function Phi, by erf and not by its tanh approximation.
///
/// Source.    Hendrycks, Gimpel 2016, "Gaussian error linear units (GELUs)".
struct gelu {
  static constexpr const char* name = "gelu";
  template <class T>
  KDM_HD constexpr activated<T> operator()(T z) const {
    const T below = T(0.5) * (T(1) + math::erf(z * T(0.70710678118654752440)));
    const T density = T(0.39894228040143267794) * math::exp(T(-0.5) * z * z);
    return {z * below, below + z * density};
  }
};

}  // namespace activations

}  // namespace kdm
