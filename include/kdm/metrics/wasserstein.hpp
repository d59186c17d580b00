/// Wasserstein distances: exact on the line, sliced in more dimensions.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "kdm/core/finite.hpp"
#include "kdm/core/matrix.hpp"
#include "kdm/core/sizes.hpp"
#include "kdm/exec/executor.hpp"
#include "kdm/exec/serial.hpp"
#include "kdm/math/random.hpp"
#include "kdm/metrics/samples.hpp"

namespace kdm {

struct sliced_options {
  index_t directions = 512;
  std::uint64_t seed = 0;
  double p = 2;
};

namespace detail {

inline void require_sliced(const sliced_options& options) {
  if (options.directions < 1)
    fail<option_error>("sliced_wasserstein: directions is ", options.directions, ", expected at least 1");
  if (!(options.p >= 1) || !is_finite(options.p))
    fail<option_error>("sliced_wasserstein: p is ", options.p, ", expected a finite number of at least 1");
}

/// |x|^p without std::pow for the two usual powers.
inline double power_of_distance(double x, double p) {
  return p == 2 ? x * x : p == 1 ? std::abs(x) : std::pow(std::abs(x), p);
}

/// W_p^p of two sorted samples: the integral over u in (0, 1) of |quantile_a(u) - quantile_b(u)|^p.
inline double quantile_cost(std::span<const double> a, std::span<const double> b, double p) {
  double sum = 0;
  if (a.size() == b.size()) {
    for (std::size_t i = 0; i < a.size(); ++i) sum += power_of_distance(a[i] - b[i], p);
    return sum / double(a.size());
  }
  // Both quantile functions are steps, with edges at multiples of 1/n and 1/m: integers in units of 1/(n m).
  const std::size_t n = a.size(), m = b.size();
  std::size_t i = 0, j = 0, at = 0;
  while (i < n && j < m) {
    const std::size_t edge_a = (i + 1) * m, edge_b = (j + 1) * n, next = std::min(edge_a, edge_b);
    sum += double(next - at) * power_of_distance(a[i] - b[j], p);
    at = next;
    if (edge_a == next) ++i;
    if (edge_b == next) ++j;
  }
  return sum / double(n) / double(m);
}

/// Directions drawn uniformly from the sphere: normalised rows of standard normals.
inline matrix<double> random_directions(index_t count, index_t dimension, std::uint64_t seed) {
  const random_table normals{seed, streams::projections, 0};
  matrix<double> directions(count, dimension);
  for (index_t i = 0; i < count; ++i) {
    double squared = 0;
    for (index_t j = 0; j < dimension; ++j) {
      directions(i, j) = normals.normal<double>(i, j);
      squared += directions(i, j) * directions(i, j);
    }
    for (index_t j = 0; j < dimension; ++j) directions(i, j) /= std::sqrt(squared);
  }
  return directions;
}

template <class T>
void project_and_sort(const_view<T> x, const double* direction, std::vector<double>& result) {
  result.resize(std::size_t(x.rows));
  for (index_t i = 0; i < x.rows; ++i) {
    double sum = 0;
    for (index_t j = 0; j < x.cols; ++j) sum += direction[j] * double(x(i, j));
    result[std::size_t(i)] = sum;
  }
  std::sort(result.begin(), result.end());
}

}  // namespace detail

/// The sliced Wasserstein distance between two sets of samples: (mean over directions of W_p^p)^(1/p).
///
/// Estimator. Plug-in: W_p between the two empirical distributions of each projection, exact, by coupling equal
///            quantiles (for unequal sample counts as well); the mean over directions is Monte Carlo, with the
///            same directions for the same seed and d. Not squared; biased upwards: for n samples each of one
///            distribution it is of order n^(-1/2), not 0. Same bits for any number of lanes.
/// Shapes.    a [n, d], b [m, d].
/// Cost.      per direction (n + m) d flops and two sorts; memory n + m numbers per lane.
/// Throws.    shape_error, numeric_error for an element that is not finite, option_error.
/// Source.    Rabin, Peyre, Delon, Bernot 2011, "Wasserstein barycenter and its application to texture mixing".
template <sample_set A, sample_set B, executor E = serial>
double sliced_wasserstein(const A& a, const B& b, const sliced_options& options = {}, const E& run = {}) {
  const auto x = kdm::samples_of(a);
  const auto y = kdm::samples_of(b);
  require_samples("sliced_wasserstein", "a", x, "b", y);
  detail::require_sliced(options);

  const matrix<double> directions = detail::random_directions(options.directions, x.cols, options.seed);
  auto cost = vector_of<double>("sliced_wasserstein: directions", options.directions);
  const int lanes = detail::count_lanes("sliced_wasserstein", run);
  std::vector<std::vector<double>> projected_x(static_cast<std::size_t>(lanes)), projected_y(projected_x);
  detail::for_lanes("sliced_wasserstein", run, lanes, options.directions, 1, [&](index_t first, index_t last, int lane) {
    auto& u = projected_x[std::size_t(lane)];
    auto& v = projected_y[std::size_t(lane)];
    for (index_t i = first; i < last; ++i) {
      detail::project_and_sort(x, directions.view().row_pointer(i), u);
      detail::project_and_sort(y, directions.view().row_pointer(i), v);
      cost[std::size_t(i)] = detail::quantile_cost(u, v, options.p);
    }
  });
  double sum = 0;
  for (const double c : cost) sum += c;
  return std::pow(sum / double(options.directions), 1 / options.p);
}

}  // namespace kdm
