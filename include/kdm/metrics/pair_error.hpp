/// How far predictions are from the truth they belong to, row by row, and beside the spread of the truth.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "kdm/core/brief.hpp"
#include "kdm/core/print.hpp"
#include "kdm/metrics/samples.hpp"

namespace kdm {

/// Errors of n predictions in d dimensions; "distance" is the Euclidean distance of one pair.
struct pair_errors {
  double mean_squared = 0;       ///< over pairs and coordinates: the mean squared distance divided by d
  double root_mean_squared = 0;  ///< square root of mean_squared
  double mean_distance = 0;
  double median_distance = 0;  ///< for even n the mean of the middle two
  double share_off = 0;        ///< share of the pairs whose distance is above the threshold
  double standard_error = 0;   ///< of mean_squared, over the pairs; infinity for a single pair
  double spread = 0;           ///< root of the mean squared distance of the truth from its mean
  double unexplained = 0;      ///< mean squared distance over spread^2: the share of the variance that is missed
  index_t worst_column = 0;    ///< the column of the truth of which the largest share is missed
  double worst_unexplained = 0;  ///< that share: mean squared error of the column over its variance

  /// "mean squared error 0.00051 +- 3.1e-05, 0.0077 % of the variance; median distance 0.012".
  std::string text() const {
    return concat("mean squared error ", brief(mean_squared, 2), " +- ", brief(standard_error, 2), ", ",
                  brief(100 * unexplained, 2), " % of the variance; median distance ", brief(median_distance, 2));
  }
};

/// The Euclidean distance of each pair of rows.
///
/// Shapes.    predicted [n, d], truth [n, d]; n numbers.
/// Throws.    shape_error, numeric_error for an element that is not finite.
template <sample_set A, sample_set B>
std::vector<double> pair_distances(const A& predicted, const B& truth) {
  const auto x = kdm::samples_of(predicted);
  const auto y = kdm::samples_of(truth);
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

namespace detail {

/// Middle of the values, the mean of the middle two for an even number of them. Reorders them.
inline double median_of(std::vector<double>& values) {
  const auto middle = values.begin() + std::ptrdiff_t(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return values.size() % 2 != 0 ? *middle : (*middle + *std::max_element(values.begin(), middle)) / 2;
}

/// What is missed of what there is; all of a constant counts as infinitely much.
inline double share_missed(double missed, double variance) {
  return missed == 0 ? 0 : variance > 0 ? missed / variance : INFINITY;
}

/// Spread, and what of it is missed in all and in the worst column.
template <class T, class U>
void compare_with_spread(const_view<T> x, const_view<U> y, pair_errors& e) {
  const double n = double(y.rows);
  double missed = 0, spread = 0;
  e.worst_unexplained = -1;
  for (index_t j = 0; j < y.cols; ++j) {
    double mean = 0, low = double(y(0, j)), high = low;
    for (index_t i = 0; i < y.rows; ++i) {
      mean += double(y(i, j)) / n;
      low = std::min(low, double(y(i, j)));
      high = std::max(high, double(y(i, j)));
    }
    double error = 0, variance = 0;
    for (index_t i = 0; i < y.rows; ++i) {
      const double difference = double(x(i, j)) - double(y(i, j)), deviation = double(y(i, j)) - mean;
      error += difference * difference / n;
      variance += low < high ? deviation * deviation / n : 0;
    }
    missed += error;
    spread += variance;
    // A constant has no variance of which a share could be missed; what is added to it shows in the sum.
    if (low < high && share_missed(error, variance) > e.worst_unexplained) {
      e.worst_unexplained = share_missed(error, variance);
      e.worst_column = j;
    }
  }
  e.spread = std::sqrt(spread);
  e.unexplained = share_missed(missed, spread);
  if (e.worst_unexplained < 0) e.worst_unexplained = e.unexplained;
}

}  // namespace detail

/// Compares row i of `predicted` with row i of `truth`. A pair is off when its distance is above `threshold` times the
/// spread of the truth, so that the unit of the data does not matter.
///
/// Estimator. Plain means over the n pairs, in double. The variance has the divisor n. Columns of the truth that are
///            constant take no part in `worst_column`.
/// Shapes.    predicted [n, d], truth [n, d].
/// Cost.      10 n d flops and one selection for the median.
/// Throws.    shape_error, numeric_error for an element that is not finite, option_error.
template <sample_set A, sample_set B>
pair_errors pair_error(const A& predicted, const B& truth, double threshold = 0.5) {
  if (!is_not_negative(threshold))
    fail<option_error>("pair_error: threshold is ", threshold, ", expected a finite number of at least 0");
  std::vector<double> distances = pair_distances(predicted, truth);
  const double n = double(distances.size()), d = double(samples_of(truth).cols);
  pair_errors result;
  detail::compare_with_spread(samples_of(predicted), samples_of(truth), result);
  for (const double distance : distances) {
    result.mean_squared += distance * distance;
    result.mean_distance += distance;
    result.share_off += distance > threshold * result.spread ? 1 : 0;
  }
  result.mean_squared /= n * d;
  result.root_mean_squared = std::sqrt(result.mean_squared);
  result.mean_distance /= n;
  result.share_off /= n;
  for (const double distance : distances)
    result.standard_error += std::pow(distance * distance / d - result.mean_squared, 2);
  result.standard_error = n > 1 ? std::sqrt(result.standard_error / (n - 1) / n) : INFINITY;
  result.median_distance = detail::median_of(distances);
  return result;
}

}  // namespace kdm
