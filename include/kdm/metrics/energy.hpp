/// The energy distance between two sets of samples.
#pragma once

#include <cstdint>

#include "kdm/exec/serial.hpp"
#include "kdm/math/functions.hpp"
#include "kdm/metrics/distances.hpp"
#include "kdm/metrics/samples.hpp"

namespace kdm {

struct energy_options {
  index_t limit = 10'000;  ///< rows used of each set; more are cut to a pseudo-random subset (row_subset)
  std::uint64_t seed = 0;  ///< of the subset
};

/// The energy distance 2 E|X - Y| - E|X - X'| - E|Y - Y'| with Euclidean norms.
///
/// Estimator. V-statistic: means over all pairs, a sample with itself included. It is never negative (up to
///            rounding), 0 for equal sets, and biased upwards by E|X - X'|/n + E|Y - Y'|/m. This is the form that
///            some texts call D^2: no root is taken, its unit is a length. Same bits for any number of lanes.
/// Shapes.    a [n, d], b [m, d].
/// Cost.      (n m + n^2/2 + m^2/2) distances with n and m cut to the limit: 2e8 distances at the default.
/// Throws.    shape_error, numeric_error for an element that is not finite, option_error.
/// Source.    Szekely, Rizzo 2013, "Energy statistics: a class of statistics based on distances".
template <sample_set A, sample_set B, executor E = serial>
double energy_distance(const A& a, const B& b, const energy_options& options = {}, const E& run = {}) {
  const auto x = kdm::samples_of(a);
  const auto y = kdm::samples_of(b);
  require_samples("energy_distance", "a", x, "b", y);
  const auto u = detail::transposed_rows(x, row_subset(x.rows, options.limit, options.seed));
  const auto v = detail::transposed_rows(y, row_subset(y.rows, options.limit, options.seed));
  const auto distance = [](double squared) { return math::sqrt(squared); };
  const double n = double(u.cols()), m = double(v.cols());
  const double between = detail::sum_over_pairs(u, v, detail::pair_range::all, distance, run) / n / m;
  const double within_u = 2 * detail::sum_over_pairs(u, u, detail::pair_range::above_diagonal, distance, run) / n / n;
  const double within_v = 2 * detail::sum_over_pairs(v, v, detail::pair_range::above_diagonal, distance, run) / m / m;
  return 2 * between - within_u - within_v;
}

}  // namespace kdm
