/// The maximum mean discrepancy between two sets of samples.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "kdm/core/finite.hpp"
#include "kdm/exec/serial.hpp"
#include "kdm/math/functions.hpp"
#include "kdm/metrics/distances.hpp"
#include "kdm/metrics/samples.hpp"

namespace kdm {

struct discrepancy_options {
  std::vector<double> bandwidths = {};  ///< of the Gaussian kernels, averaged over; none: median_bandwidth(a, b)
  index_t limit = 5'000;           ///< rows used of each set; more are cut to a pseudo-random subset (row_subset)
  std::uint64_t seed = 0;          ///< of the subsets
  bool paired = false;  ///< row i of a and row i of b belong together: the mean between the sets leaves them out
};

/// The median heuristic: the median of the non-zero distances between samples of both sets together.
///
/// Estimator. over at most 500 rows of each set (row_subset): the upper median of at most 499,500 distances.
/// Shapes.    a [n, d], b [m, d].
/// Cost.      5e5 distances at most.
/// Throws.    shape_error, numeric_error for an element that is not finite or when all samples are the same point.
/// Source.    Gretton et al. 2012, "A kernel two-sample test", section 8.
template <sample_set A, sample_set B>
double median_bandwidth(const A& a, const B& b, std::uint64_t seed = 0) {
  const auto x = kdm::samples_of(a);
  const auto y = kdm::samples_of(b);
  require_samples("median_bandwidth", "a", x, "b", y);
  std::vector<std::vector<double>> points;
  for (const index_t i : row_subset(x.rows, 500, seed))
    points.emplace_back(x.row_pointer(i), x.row_pointer(i) + x.cols);
  for (const index_t i : row_subset(y.rows, 500, seed))
    points.emplace_back(y.row_pointer(i), y.row_pointer(i) + y.cols);
  std::vector<double> squared;
  for (std::size_t i = 0; i < points.size(); ++i)
    for (std::size_t j = i + 1; j < points.size(); ++j) {
      double sum = 0;
      for (std::size_t k = 0; k < points[i].size(); ++k) {
        const double difference = points[i][k] - points[j][k];
        sum += difference * difference;
      }
      if (sum > 0) squared.push_back(sum);
    }
  if (squared.empty())
    fail<numeric_error>("median_bandwidth: all samples are the same point, expected at least two different ones");
  const auto middle = squared.begin() + std::ptrdiff_t(squared.size() / 2);
  std::nth_element(squared.begin(), middle, squared.end());
  return std::sqrt(*middle);
}

/// The squared maximum mean discrepancy E k(X, X') + E k(Y, Y') - 2 E k(X, Y) for the kernel
/// k(x, y) = mean over bandwidths h of exp(-|x - y|^2 / (2 h^2)).
///
/// Estimator. Unbiased U-statistic of the square: a sample is not paired with itself in the first two means. It is
///            slightly negative about half of the time when both distributions are the same; no root is taken. Unbiased
///            for independent sets; for two copies of one set it is 2 (mean of k over different pairs - 1) / n < 0.
///            `paired` is for samples from the same noise: also unbiased then, and 0 for two copies of one set.
///            Same bits for any number of lanes.
/// Shapes.    a [n, d], b [m, d], n and m at least 2, equal when `paired`.
/// Cost.      per bandwidth n m + n^2/2 + m^2/2 exponentials, with n and m cut to the limit: 5e7 at the default.
/// Throws.    shape_error, numeric_error for an element that is not finite, option_error.
/// Source.    Gretton et al. 2012, "A kernel two-sample test", equation 3; paired, equation 4.
template <sample_set A, sample_set B, executor E = serial>
double maximum_mean_discrepancy(const A& a, const B& b, const discrepancy_options& options = {}, const E& run = {}) {
  const auto x = kdm::samples_of(a);
  const auto y = kdm::samples_of(b);
  require_samples("maximum_mean_discrepancy", "a", x, "b", y);
  if (x.rows < 2 || y.rows < 2)
    fail<shape_error>("maximum_mean_discrepancy: a has ", x.rows, " rows, b has ", y.rows,
                      ", expected at least 2 each");
  if (options.paired && x.rows != y.rows)
    fail<shape_error>("maximum_mean_discrepancy: a has ", x.rows, " rows, b has ", y.rows,
                      ", expected equally many of pairs");
  std::vector<double> bandwidths = options.bandwidths;
  if (bandwidths.empty()) bandwidths.push_back(median_bandwidth(a, b, options.seed));

  const auto u = detail::transposed_rows(x, row_subset(x.rows, options.limit, options.seed));
  const auto v = detail::transposed_rows(y, row_subset(y.rows, options.limit, options.seed));
  const double n = double(u.cols()), m = double(v.cols());
  double sum = 0;
  for (const double h : bandwidths) {
    if (!(h > 0) || !is_finite(h))
      fail<option_error>("maximum_mean_discrepancy: a bandwidth is ", h, ", expected a finite number above 0");
    const double rate = -0.5 / h / h;
    const auto kernel = [rate](double squared) { return math::exp(rate * squared); };
    const double within_u = detail::sum_over_pairs(u, u, detail::pair_range::above_diagonal, kernel, run);
    const double within_v = detail::sum_over_pairs(v, v, detail::pair_range::above_diagonal, kernel, run);
    double between = detail::sum_over_pairs(u, v, detail::pair_range::all, kernel, run);
    if (options.paired) between -= detail::sum_over_partners(u, v, kernel);
    sum += 2 * within_u / n / (n - 1) + 2 * within_v / m / (m - 1) - 2 * between / n / (options.paired ? m - 1 : m);
  }
  return sum / double(bandwidths.size());
}

}  // namespace kdm
