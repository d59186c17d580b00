/// The dictionary concept: features psi(x) of a state, in which its dynamics are linear or nearly so.
#pragma once

#include <concepts>
#include <string_view>

#include "kdm/core/error.hpp"
#include "kdm/core/finite.hpp"
#include "kdm/core/matrix.hpp"
#include "kdm/core/view.hpp"

namespace kdm {

/// inputs(): how many numbers a state has.
template <class D>
concept has_inputs = requires(const D& d) {
  { d.inputs() } -> std::same_as<index_t>;
};

/// features(): how many functions the dictionary holds.
template <class D>
concept has_features = requires(const D& d) {
  { d.features() } -> std::same_as<index_t>;
};

/// evaluate(x, psi): psi_ij = psi_j(x_i), row by row; x [m, inputs], psi [m, features].
template <class D>
concept has_feature_evaluation = requires(const D& d, const_view<double> x, view<double> psi) { d.evaluate(x, psi); };

/// derivatives(x, v, first, second): of s -> psi(x_i + s v_i) at s = 0; second may be null where it is not wanted.
template <class D>
concept has_derivatives = requires(const D& d, const_view<double> x, const_view<double> v, view<double> first,
                                   view<double> second) { d.derivatives(x, v, first, second); };

/// Functions of a state, evaluated for many states at a time.
///
/// evaluate is const and overwrites psi; psi may be part of a wider matrix (mind its ld) and does not overlap x.
/// Shapes are checked before it is called. Each row of psi depends on the same row of x alone.
/// Example.   examples/custom_dictionary.cpp
template <class D>
concept dictionary = std::copy_constructible<D> && has_inputs<D> && has_features<D> && has_feature_evaluation<D>;

/// A dictionary that also knows its derivatives along a line, which is what generator EDMD needs: the chain rule for
/// a drift takes the first, Ito's formula for a diffusion the second.
template <class D>
concept differentiable_dictionary = dictionary<D> && has_derivatives<D>;

namespace detail {

/// Throws numeric_error naming the first element that is not finite.
inline void require_finite(std::string_view who, std::string_view name, const_view<double> x, index_t first_row = 0) {
  if (const index_t at = first_not_finite(x); at >= 0)
    fail<numeric_error>(who, ": row ", first_row + at / x.cols, " of ", name, " has ", x(at / x.cols, at % x.cols),
                        " in column ", at % x.cols, ", expected a finite number");
}

}  // namespace detail

/// psi(x) as a matrix of its own.
///
/// Shapes.    x [m, inputs], the result [m, features].
/// Throws.    shape_error; numeric_error naming the row of x, or the feature, that is not finite.
template <dictionary D>
matrix<double> evaluate(const D& d, const_view<double> x) {
  require_size("dictionary: columns of x", x.cols, d.inputs());
  detail::require_finite("dictionary", "x", x);
  matrix<double> psi(x.rows, d.features());
  if (x.rows > 0) d.evaluate(x, psi.view());
  detail::require_finite("dictionary", "psi(x)", psi.view());
  return psi;
}

}  // namespace kdm
