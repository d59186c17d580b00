/// The field concepts: what a teacher knows, as a denoiser or as a velocity.
#pragma once

#include <concepts>
#include <limits>

#include "kdm/core/error.hpp"
#include "kdm/core/finite.hpp"
#include "kdm/core/view.hpp"

namespace kdm {

/// value_type: float or double, the numbers of the field's samples.
template <class F>
concept has_field_value = float_or_double<typename F::value_type>;

/// dimension(): how many numbers one sample has.
template <class F>
concept has_dimension = requires(const F& f) {
  { f.dimension() } -> std::same_as<index_t>;
};

/// denoise(x, alpha, sigma, out): out_i = E[x_0 | alpha x_0 + sigma eps = x_i], eps ~ N(0, I), row by row.
template <class F>
concept has_denoise = requires(const F& f, const_view<typename F::value_type> x, typename F::value_type level,
                               view<typename F::value_type> out) { f.denoise(x, level, level, out); };

/// velocity(x, t, out): out_i = dx/dt of the path through x_i at time t, row by row.
template <class F>
concept has_velocity = requires(const F& f, const_view<typename F::value_type> x, typename F::value_type t,
                                view<typename F::value_type> out) { f.velocity(x, t, out); };

/// A distribution, reached through the mean of the clean sample given a noisy one.
///
/// denoise is const and safe to call from several threads at once; x and out do not overlap. alpha = 0 is allowed
/// (x then says nothing and the answer is the mean of the distribution), alpha = 1 is the usual D(x, sigma).
/// A denoiser works with every path.
template <class F>
concept denoiser = has_field_value<F> && has_dimension<F> && has_denoise<F>;

/// A velocity, for instance a learned flow. Same rules as denoise; it belongs to the one path it was made for.
template <class F>
concept velocity_field = has_field_value<F> && has_dimension<F> && has_velocity<F>;

/// At least one of the two forms. A field with both is used as a denoiser.
template <class F>
concept has_denoise_or_velocity = has_denoise<F> || has_velocity<F>;

/// What can be integrated from noise to data.
template <class F>
concept field = has_field_value<F> && has_dimension<F> && has_denoise_or_velocity<F>;

namespace detail {

/// Throws shape_error unless x is [n, dimension] and out has the same shape.
template <class T>
void require_field_shapes(const char* what, index_t dimension, const_view<T> x, view<T> out) {
  if (x.cols != dimension) fail<shape_error>(what, ": x has ", x.cols, " columns, expected ", dimension);
  if (out.rows != x.rows || out.cols != x.cols)
    fail<shape_error>(what, ": out is ", out.rows, " x ", out.cols, ", expected ", x.rows, " x ", x.cols);
}

/// Throws option_error unless alpha and sigma are finite and not negative.
template <class T>
void require_levels(const char* what, T alpha, T sigma) {
  if (!is_not_negative(alpha)) fail<option_error>(what, ": alpha is ", alpha, ", expected 0 or more");
  if (!is_not_negative(sigma)) fail<option_error>(what, ": sigma is ", sigma, ", expected 0 or more");
}

/// `value` as T, kept inside its finite range. NaN stays NaN.
template <class T>
T narrow(double value) {
  constexpr double largest = double(std::numeric_limits<T>::max());
  return T(value > largest ? largest : value < -largest ? -largest : value);
}

/// Distances in units of sigma stay below `farthest`, so that their squares stay finite, and sigma stays above
/// `lowest_sigma`, so that sigma = 0 works: only distances beyond 1e50 are ever cut.
inline constexpr double farthest = 1e150;
inline constexpr double lowest_sigma = 1e-100;

inline double bounded(double z) { return z > farthest ? farthest : z < -farthest ? -farthest : z; }

}  // namespace detail

}  // namespace kdm
