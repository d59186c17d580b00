/// How far predictions are from the truth they belong to, row by row.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "kdm/metrics/samples.hpp"

namespace kdm {

/// Errors of n predictions in d dimensions; "distance" is the Euclidean distance of one pair.
struct pair_errors {
  double mean_squared = 0;       ///< over pairs and coordinates: the mean squared distance divided by d
  double root_mean_squared = 0;  ///< square root of mean_squared
  double mean_distance = 0;
  double median_distance = 0;  ///< for even n the mean of the middle two
  double share_off = 0;        ///< share of the pairs whose distance is above the threshold
};

/// The Euclidean distance of each pair of rows.
///
/// Shapes.    predicted [n, d], truth [n, d]; n numbers.
/// Throws.    shape_error, numeric_error for an element that is not finite.
template <sample_set A, sample_set B>
std::vector<double> pair_distances(const A& predicted, const B& truth) {
  const auto x = samples_of(predicted);
  const auto y = samples_of(truth);
  require_samples("pair_error", "predicted", x, "truth", y);
  if (x.rows != y.rows)
    fail<shape_error>("pair_error: predicted has ", x.rows, " rows, truth has ", y.rows, ", expected equally many");
  std::vector<double> distances(std::size_t(x.rows));
  for (index_t i = 0; i < x.rows; ++i) {
    double squared = 0;
    for (index_t j = 0; j < x.cols; ++j) {
      const double difference = double(x(i, j)) - double(y(i, j));
      squared += difference * difference;
    }
    distances[std::size_t(i)] = std::sqrt(squared);
  }
  return distances;
}

/// Compares row i of `predicted` with row i of `truth`.
///
/// Estimator. Plain means over the n pairs, in double.
/// Shapes.    predicted [n, d], truth [n, d].
/// Cost.      3 n d flops and one selection for the median.
/// Throws.    shape_error, numeric_error for an element that is not finite, option_error.
template <sample_set A, sample_set B>
pair_errors pair_error(const A& predicted, const B& truth, double threshold = 0.5) {
  if (!(threshold >= 0)) fail<option_error>("pair_error: threshold is ", threshold, ", expected at least 0");
  std::vector<double> distances = pair_distances(predicted, truth);
  const double n = double(distances.size());
  pair_errors result;
  for (const double distance : distances) {
    result.mean_squared += distance * distance;
    result.mean_distance += distance;
    result.share_off += distance > threshold ? 1 : 0;
  }
  result.mean_squared /= n * double(samples_of(truth).cols);
  result.root_mean_squared = std::sqrt(result.mean_squared);
  result.mean_distance /= n;
  result.share_off /= n;
  const auto middle = distances.begin() + std::ptrdiff_t(distances.size() / 2);
  std::nth_element(distances.begin(), middle, distances.end());
  result.median_distance = *middle;
  if (distances.size() % 2 == 0)
    result.median_distance = (result.median_distance + *std::max_element(distances.begin(), middle)) / 2;
  return result;
}

}  // namespace kdm
