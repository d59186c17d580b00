/// Distances that losses sum up: functions of the difference e, in the same form as activations.
#pragma once

#include <concepts>

#include "kdm/core/config.hpp"
#include "kdm/math/activations.hpp"
#include "kdm/math/functions.hpp"

namespace kdm {

/// A distance as losses take it: f(e) gives value and slope at the difference e, without side effects.
template <class F>
concept elementwise_distance = std::copyable<F> && has_value_and_slope<F, detail::number_of<F>>;

namespace distances {

/// e^2
struct squared {
  static constexpr const char* name = "squared";
  template <class T>
  KDM_HD constexpr activated<T> operator()(T e) const {
    return {e * e, T(2) * e};
  }
};

/// |e|. The slope at 0 is 0.
struct absolute {
  static constexpr const char* name = "absolute";
  template <class T>
  KDM_HD constexpr activated<T> operator()(T e) const {
    const T sign = e > T(0) ? T(1) : T(0);
    return {math::detail::magnitude(e), e < T(0) ? T(-1) : sign};
  }
};

/// sqrt(e^2 + c^2) - c: like e^2 / 2c for small e, like |e| for large e.
///
/// Source.    Charbonnier, Blanc-Feraud, Aubert, Barlaud 1994, "Two deterministic half-quadratic regularization
///            algorithms for computed imaging". c = 0.03 is what Song, Dhariwal 2023, "Improved techniques for
///            training consistency models", take for 32 x 32 colour images.
struct pseudo_huber {
  static constexpr const char* name = "pseudo_huber";
  double c = 0.03;
  template <class T>
  KDM_HD activated<T> operator()(T e) const {
    const T root = math::sqrt(e * e + T(c) * T(c));
    // The same as root - c, without the cancellation near 0.
    return {e * e / (root + T(c)), e / root};
  }
};

}  // namespace distances
}  // namespace kdm
