/// The exact denoiser of a finite dataset.
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <vector>

#include "kdm/core/error.hpp"
#include "kdm/core/finite.hpp"
#include "kdm/core/matrix.hpp"
#include "kdm/math/functions.hpp"
#include "kdm/math/random.hpp"
#include "kdm/teacher/field.hpp"

namespace kdm {

/// The distribution that puts equal weight on every row of a dataset: what a denoiser learns in the limit.
///
/// The posterior mean is a softmax over the rows, with logits -|x - alpha y|^2 / (2 sigma^2). The rows are taken in
/// chunks with a running maximum, so the memory does not grow with the dataset. Integrated to the end it returns rows
/// of the dataset.
/// Shapes.    data [m, d], m and d at least 1; copied (transposed, so that the loops run over samples).
/// Cost.      per row of x: 2 m d multiply-adds and m exponentials; one small allocation a call. Computes in double.
/// Throws.    shape_error for an empty dataset, numeric_error for an element that is not finite.
template <float_or_double T>
class empirical {
 public:
  using value_type = T;

  explicit empirical(const_view<T> data) : data_(data.cols, data.rows) {
    if (data.empty()) fail<shape_error>("empirical: data is ", data.rows, " x ", data.cols, ", expected samples");
    for (index_t i = 0; i < data.rows; ++i)
      for (index_t j = 0; j < data.cols; ++j) {
        if (!is_finite(data(i, j)))
          fail<numeric_error>("empirical: row ", i, ", column ", j, " of data is not finite");
        data_(j, i) = data(i, j);
      }
  }

  index_t dimension() const { return data_.rows(); }
  index_t samples() const { return data_.cols(); }

  /// out_i = E[x_0 | alpha x_0 + sigma eps = x_i].
  void denoise(const_view<T> x, T alpha, T sigma, view<T> out) const {
    detail::require_field_shapes("empirical", dimension(), x, out);
    detail::require_levels("empirical", alpha, sigma);
    const double scale = std::max(double(sigma), detail::lowest_sigma);
    double logit[chunk];
    std::vector<double> sum(static_cast<std::size_t>(dimension()));
    for (index_t i = 0; i < x.rows; ++i) {
      double best = -std::numeric_limits<double>::infinity(), total = 0;
      std::fill(sum.begin(), sum.end(), 0.0);
      for (index_t first = 0; first < samples(); first += chunk) {
        const index_t count = std::min(chunk, samples() - first);
        const double top = compare(x.row_pointer(i), alpha, scale, first, count, logit);
        if (top > best) {
          const double shrink = std::exp(best - top);
          total *= shrink;
          for (double& s : sum) s *= shrink;
          best = top;
        }
        for (index_t r = 0; r < count; ++r) {
          logit[r] = math::exp(logit[r] - best);
          total += logit[r];
        }
        for (index_t j = 0; j < dimension(); ++j) {
          const T* y = data_.data() + j * samples() + first;
          double s = 0;
          for (index_t r = 0; r < count; ++r) s += logit[r] * double(y[r]);
          sum[std::size_t(j)] += s;
        }
      }
      for (index_t j = 0; j < dimension(); ++j) out(i, j) = detail::narrow<T>(sum[std::size_t(j)] / total);
    }
  }

  /// n rows of the dataset, drawn with replacement; row i is the same for every n.
  matrix<T> draw(std::uint64_t seed, index_t n) const {
    const random_table random{seed, streams::data};
    matrix<T> x(n, dimension());
    for (index_t i = 0; i < n; ++i) {
      const index_t r = random.below(samples(), i, 0);
      for (index_t j = 0; j < dimension(); ++j) x(i, j) = data_(j, r);
    }
    return x;
  }

 private:
  static constexpr index_t chunk = 256;

  /// The logits of `count` samples from `first` on; returns the largest.
  double compare(const T* row, double alpha, double sigma, index_t first, index_t count, double* logit) const {
    std::fill_n(logit, count, 0.0);
    const double per_sigma = 1 / sigma;
    for (index_t j = 0; j < dimension(); ++j) {
      const T* y = data_.data() + j * samples() + first;
      const double at = double(row[j]);
      for (index_t r = 0; r < count; ++r) {
        const double z = detail::bounded((at - alpha * double(y[r])) * per_sigma);
        logit[r] -= 0.5 * z * z;
      }
    }
    return *std::max_element(logit, logit + count);
  }

  matrix<T> data_;  // [d, m]
};

template <class T>
empirical(view<T>) -> empirical<std::remove_const_t<T>>;
template <class T>
empirical(const matrix<T>&) -> empirical<T>;

}  // namespace kdm
