/// An exact denoiser for mixtures of Gaussians.
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "kdm/core/error.hpp"
#include "kdm/core/finite.hpp"
#include "kdm/core/matrix.hpp"
#include "kdm/core/sizes.hpp"
#include "kdm/math/random.hpp"
#include "kdm/teacher/field.hpp"
#include "kdm/teacher/weights.hpp"

namespace kdm {

/// Weighted Gaussians with independent axes; a denoiser in closed form.
///
/// Component k seen through the noise is N(alpha mu_k, alpha^2 s_k^2 + sigma^2), and its posterior mean is
/// mu_k + alpha s_k^2 (x - alpha mu_k) / (alpha^2 s_k^2 + sigma^2).
/// Shapes.    weights: one positive number a component; means [components, d]; sigmas [components, d], or
///            [components, 1] for the same spread on all axes. A sigma of 0 is a point.
/// Cost.      per row: components x d multiply-adds and components exponentials; one small allocation a call.
///            Computes in double.
/// Throws.    shape_error, option_error (from the constructor).
template <float_or_double T>
class gaussian_mixture {
 public:
  using value_type = T;

  gaussian_mixture(std::vector<double> weights, const matrix<double>& means, const matrix<double>& sigmas)
      : shares_(std::move(weights), "gaussian_mixture", means.rows()),
        means_(means),
        sigmas_(means.rows(), means.cols()) {
    if (means.cols() < 1) fail<shape_error>("gaussian_mixture: means have no columns");
    if (sigmas.rows() != means.rows() || (sigmas.cols() != means.cols() && sigmas.cols() != 1))
      fail<shape_error>("gaussian_mixture: sigmas is ", sigmas.rows(), " x ", sigmas.cols(), ", expected ",
                        means.rows(), " x ", means.cols(), " or ", means.rows(), " x 1");
    for (index_t k = 0; k < components(); ++k)
      for (index_t j = 0; j < dimension(); ++j) {
        sigmas_(k, j) = sigmas(k, sigmas.cols() == 1 ? 0 : j);
        if (!is_finite(means_(k, j)) || std::abs(means_(k, j)) > largest)
          fail<option_error>("gaussian_mixture: mean ", k, " is ", means_(k, j), " on axis ", j);
        if (!is_not_negative(sigmas_(k, j)) || sigmas_(k, j) > largest)
          fail<option_error>("gaussian_mixture: sigma ", k, " is ", sigmas_(k, j), " on axis ", j,
                             ", expected 0 or more");
      }
  }

  index_t dimension() const { return means_.cols(); }
  index_t components() const { return means_.rows(); }

  /// out_i = E[x_0 | alpha x_0 + sigma eps = x_i].
  void denoise(const_view<T> x, T alpha, T sigma, view<T> out) const {
    detail::require_field_shapes("gaussian_mixture", dimension(), x, out);
    detail::require_levels("gaussian_mixture", alpha, sigma);
    const std::size_t d = std::size_t(dimension()), m = std::size_t(components());
    std::vector<double> spread(m * d), gain(m * d), start(m), score(m), posterior(m * d), mean(d);
    const double *mu = means_.data(), *s = sigmas_.data();
    for (std::size_t k = 0; k < m; ++k) {
      start[k] = shares_.log_weight(k);
      for (std::size_t j = k * d; j < (k + 1) * d; ++j) {
        const double own = detail::bounded(double(alpha) * s[j]);
        spread[j] = std::max(std::hypot(own, double(sigma)), detail::lowest_sigma);
        gain[j] = s[j] * (own / spread[j]);
        start[k] -= std::log(spread[j]);
      }
    }
    for (index_t i = 0; i < x.rows; ++i) {
      const T* row = x.row_pointer(i);
      double best = -std::numeric_limits<double>::infinity();
      for (std::size_t k = 0; k < m; ++k) {
        double square = 0;
        for (std::size_t j = 0; j < d; ++j) {
          const std::size_t at = k * d + j;
          const double z = detail::bounded((double(row[j]) - double(alpha) * mu[at]) / spread[at]);
          square += z * z;
          posterior[at] = mu[at] + gain[at] * z;
        }
        score[k] = start[k] - 0.5 * square;
        best = std::max(best, score[k]);
      }
      std::fill(mean.begin(), mean.end(), 0.0);
      double total = 0;
      for (std::size_t k = 0; k < m; ++k) {
        if (score[k] - best < -700) continue;
        const double weight = std::exp(score[k] - best);
        total += weight;
        for (std::size_t j = 0; j < d; ++j) mean[j] += weight * posterior[k * d + j];
      }
      for (std::size_t j = 0; j < d; ++j) out(i, index_t(j)) = detail::narrow<T>(mean[j] / total);
    }
  }

  /// n true samples; row i is the same for every n.
  matrix<T> draw(std::uint64_t seed, index_t n) const {
    const random_table random{seed, streams::data};
    matrix<T> x(n, dimension());
    for (index_t i = 0; i < n; ++i) {
      const index_t k = shares_.pick(random.uniform<double>(i, 0));
      for (index_t j = 0; j < dimension(); ++j)
        x(i, j) = T(means_(k, j) + sigmas_(k, j) * random.normal<double>(i, 4 + j));
    }
    return x;
  }

 private:
  static constexpr double largest = double(std::numeric_limits<float>::max());

  detail::mixture_weights shares_;
  matrix<double> means_, sigmas_;  // [components, d]
};

/// `count` equal Gaussians in the plane, evenly spread on a circle around 0, the first at angle 0.
///
/// Throws.    option_error for a count below 1, a radius that is not finite or a negative sigma.
template <float_or_double T>
gaussian_mixture<T> ring_of_gaussians(index_t count, double radius, double sigma) {
  if (count < 1) fail<option_error>("ring_of_gaussians: count is ", count, ", expected at least 1");
  matrix<double> means(count, 2), sigmas(count, 1);
  for (index_t k = 0; k < count; ++k) {
    const double angle = 6.28318530717958647693 * double(k) / double(count);
    means(k, 0) = radius * std::cos(angle);
    means(k, 1) = radius * std::sin(angle);
    sigmas(k, 0) = sigma;
  }
  return {vector_of<double>("ring_of_gaussians: count", count, 1.0), means, sigmas};
}

}  // namespace kdm
