/// The share of samples that fall where the true distribution has no mass.
#pragma once

#include <cmath>
#include <concepts>
#include <vector>

#include "kdm/exec/serial.hpp"
#include "kdm/metrics/samples.hpp"

namespace kdm {

/// contains(row, tolerance): whether the point lies in the set, or within `tolerance` of it. `row` is a pointer to
/// the point's coordinates or a view of one row, whichever the set takes.
template <class S, class T>
concept has_contains_pointer = requires(const S& s, const T* row, T tolerance) {
  { s.contains(row, tolerance) } -> std::convertible_to<bool>;
};
template <class S, class T>
concept has_contains_view = requires(const S& s, const_view<T> row, T tolerance) {
  { s.contains(row, tolerance) } -> std::convertible_to<bool>;
};

/// A region of space that can say whether a point of T lies in it. With an executor of several lanes it is asked
/// from several threads at a time.
template <class S, class T>
concept support = has_contains_pointer<S, T> || has_contains_view<S, T>;

/// The share of the points that lie outside the support.
///
/// Estimator. Count divided by n: a mean of n independent trials, standard error sqrt(s (1 - s) / n).
/// Shapes.    points [n, d] with the d that the support expects.
/// Cost.      n calls of contains.
/// Throws.    shape_error, numeric_error for an element that is not finite, option_error.
/// Example.   share_outside(x, box, 0.05f) with struct { bool contains(const float* row, float tolerance) const; } box;
template <sample_set X, support<sample_type<X>> S, executor E = serial>
double share_outside(const X& points, const S& region, sample_type<X> tolerance = 0, const E& run = {}) {
  using T = sample_type<X>;
  const auto x = kdm::samples_of(points);
  require_samples("share_outside", "points", x);
  if (!is_not_negative(tolerance))
    fail<option_error>("share_outside: tolerance is ", tolerance, ", expected a finite number of at least 0");
  constexpr index_t grain = 4096;
  std::vector<index_t> outside(std::size_t(detail::chunk_count(x.rows, grain)));
  run.for_chunks(x.rows, grain, [&](index_t first, index_t last, int) {
    index_t count = 0;
    for (index_t i = first; i < last; ++i) {
      if constexpr (has_contains_pointer<S, T>)
        count += region.contains(x.row_pointer(i), tolerance) ? 0 : 1;
      else
        count += region.contains(x.row(i), tolerance) ? 0 : 1;
    }
    outside[std::size_t(first / grain)] = count;
  });
  index_t total = 0;
  for (const index_t count : outside) total += count;
  return double(total) / double(x.rows);
}

}  // namespace kdm
