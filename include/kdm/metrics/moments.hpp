/// Mean and covariance of a set of samples.
#pragma once

#include "kdm/core/matrix.hpp"
#include "kdm/metrics/samples.hpp"

namespace kdm {

/// The mean of each column, summed in double in row order.
///
/// Shapes.    points [n, d]; result [1, d].
/// Cost.      n d additions.
/// Throws.    shape_error when empty, numeric_error for an element that is not finite.
template <sample_set X>
matrix<double> mean(const X& points) {
  const auto x = kdm::samples_of(points);
  require_samples("mean", "points", x);
  matrix<double> m(1, x.cols);
  for (index_t i = 0; i < x.rows; ++i)
    for (index_t j = 0; j < x.cols; ++j) m(0, j) += double(x(i, j));
  for (index_t j = 0; j < x.cols; ++j) m(0, j) /= double(x.rows);
  return m;
}

/// The unbiased covariance: sum (x - mean)' (x - mean) / (n - 1), in two passes.
///
/// Shapes.    points [n, d] with n at least 2; result [d, d], symmetric bit for bit.
/// Cost.      n d^2 flops.
/// Throws.    shape_error for fewer than two rows, numeric_error for an element that is not finite.
template <sample_set X>
matrix<double> covariance(const X& points) {
  const auto x = kdm::samples_of(points);
  const matrix<double> m = mean(points);
  if (x.rows < 2) fail<shape_error>("covariance: points has ", x.rows, " row, expected at least 2");
  matrix<double> c(x.cols, x.cols);
  for (index_t i = 0; i < x.rows; ++i)
    for (index_t j = 0; j < x.cols; ++j) {
      const double deviation = double(x(i, j)) - m(0, j);
      for (index_t k = 0; k <= j; ++k) c(j, k) += deviation * (double(x(i, k)) - m(0, k));
    }
  for (index_t j = 0; j < x.cols; ++j)
    for (index_t k = 0; k <= j; ++k) c(k, j) = c(j, k) /= double(x.rows - 1);
  return c;
}

}  // namespace kdm
