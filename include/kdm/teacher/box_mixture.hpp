/// An exact denoiser for mixtures of uniform boxes, such as the checkerboard.
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
#include "kdm/math/random.hpp"
#include "kdm/teacher/field.hpp"
#include "kdm/teacher/interval.hpp"
#include "kdm/teacher/weights.hpp"

namespace kdm {

/// Weighted axis-aligned boxes in any dimension, each filled uniformly; a denoiser in closed form.
///
/// Given a noisy point, the axes of one box are independent: a product of cut normal distributions. What depends on
/// an interval of one axis alone is computed once and shared by all boxes that have this interval, so the 8 cells of
/// the checkerboard cost 8 intervals and not 16. Boxes may overlap and may be flat.
/// Shapes.    weights: one positive number a box; low, high [boxes, d] with low <= high.
/// Cost.      per row: two special functions for each distinct edge, one logarithm for each distinct interval of an
///            axis, boxes x d additions, boxes exponentials; one small allocation a call. Computes in double.
/// Throws.    shape_error, option_error (from the constructor).
template <float_or_double T>
class box_mixture {
 public:
  using value_type = T;

  box_mixture(std::vector<double> weights, const matrix<double>& low, const matrix<double>& high)
      : shares_(std::move(weights), "box_mixture", low.rows()), low_(low), high_(high) {
    if (low.rows() != high.rows() || low.cols() != high.cols())
      fail<shape_error>("box_mixture: low is ", low.rows(), " x ", low.cols(), ", high is ", high.rows(), " x ",
                        high.cols());
    if (low.cols() < 1) fail<shape_error>("box_mixture: boxes have no axes");
    for (index_t k = 0; k < boxes(); ++k)
      for (index_t j = 0; j < dimension(); ++j)
        if (!is_finite(low(k, j)) || !is_finite(high(k, j)) || low(k, j) > high(k, j) ||
            std::abs(low(k, j)) > largest || std::abs(high(k, j)) > largest)
          fail<option_error>("box_mixture: box ", k, " reaches from ", low(k, j), " to ", high(k, j), " on axis ", j);
    index_intervals();
  }

  index_t dimension() const { return low_.cols(); }
  index_t boxes() const { return low_.rows(); }

  /// out_i = E[x_0 | alpha x_0 + sigma eps = x_i]: always inside the boxes' hull, also for sigma = 0.
  void denoise(const_view<T> x, T alpha, T sigma, view<T> out) const {
    detail::require_field_shapes("box_mixture", dimension(), x, out);
    detail::require_levels("box_mixture", alpha, sigma);
    const double scale = std::max(double(sigma), detail::lowest_sigma);
    std::vector<detail::interval_posterior> seen(intervals_.size());
    std::vector<detail::seen_edge> edges(edges_.size());
    std::vector<double> score(shares_.size()), mean(row_size()), widths;
    for (const interval& s : intervals_)
      widths.push_back(detail::bounded(alpha * detail::bounded((s.high - s.low) / scale)));
    for (index_t i = 0; i < x.rows; ++i) {
      look(x.row_pointer(i), alpha, scale, widths, edges, seen);
      average(seen, score, mean);
      for (index_t j = 0; j < dimension(); ++j) out(i, j) = detail::narrow<T>(mean[std::size_t(j)]);
    }
  }

  /// The first box that holds the point, grown by `tolerance` on all sides; -1 when none does.
  index_t box_of(const T* row, T tolerance = 0) const {
    for (index_t k = 0; k < boxes(); ++k) {
      bool inside = true;
      for (index_t j = 0; j < dimension(); ++j)
        inside = inside && row[j] >= low_(k, j) - tolerance && row[j] <= high_(k, j) + tolerance;
      if (inside) return k;
    }
    return -1;
  }

  /// Whether the point lies in a box grown by `tolerance`: the support test of the metrics.
  bool contains(const T* row, T tolerance = 0) const { return box_of(row, tolerance) >= 0; }

  /// n true samples; row i is the same for every n.
  matrix<T> draw(std::uint64_t seed, index_t n) const {
    const random_table random{seed, streams::data};
    matrix<T> x(n, dimension());
    for (index_t i = 0; i < n; ++i) {
      const index_t k = shares_.pick(random.uniform<double>(i, 0));
      for (index_t j = 0; j < dimension(); ++j)
        x(i, j) = T(low_(k, j) + (high_(k, j) - low_(k, j)) * random.uniform<double>(i, 1 + j));
    }
    return x;
  }

 private:
  static constexpr double largest = double(std::numeric_limits<T>::max()) / 4;

  struct edge {
    index_t axis;
    double at;
  };
  struct interval {
    std::size_t low_edge, high_edge;
    double low, high;
  };

  std::size_t row_size() const { return std::size_t(dimension()); }

  /// Finds the distinct edges and intervals of each axis, and which interval each box has there.
  void index_intervals() {
    interval_of_.resize(std::size_t(low_.size()));
    for (index_t j = 0; j < dimension(); ++j) {
      const std::size_t first_edge = edges_.size(), first_interval = intervals_.size();
      std::vector<std::pair<double, double>> ranges;
      std::vector<double> ends;
      for (index_t k = 0; k < boxes(); ++k) {
        ranges.emplace_back(low_(k, j), high_(k, j));
        ends.push_back(low_(k, j));
        ends.push_back(high_(k, j));
      }
      unique(ranges);
      unique(ends);
      for (const double end : ends) edges_.push_back({j, end});
      for (const auto& r : ranges)
        intervals_.push_back(
            {first_edge + place(ends, r.first), first_edge + place(ends, r.second), r.first, r.second});
      for (index_t k = 0; k < boxes(); ++k)
        interval_of_[std::size_t(k * dimension() + j)] =
            first_interval + place(ranges, std::pair(low_(k, j), high_(k, j)));
    }
  }
  template <class V>
  static void unique(std::vector<V>& values) {
    std::sort(values.begin(), values.end());
    values.erase(std::unique(values.begin(), values.end()), values.end());
  }
  template <class V>
  static std::size_t place(const std::vector<V>& sorted, const V& value) {
    return std::size_t(std::lower_bound(sorted.begin(), sorted.end(), value) - sorted.begin());
  }

  /// The posterior of every distinct interval for one noisy point.
  void look(const T* row, double alpha, double sigma, const std::vector<double>& widths,
            std::vector<detail::seen_edge>& edges, std::vector<detail::interval_posterior>& seen) const {
    const bool wide = *std::max_element(widths.begin(), widths.end()) >= detail::wide_interval;
    for (std::size_t e = 0; e < edges.size(); ++e)
      edges[e] = detail::seen_edge(detail::bounded((double(row[edges_[e].axis]) - alpha * edges_[e].at) / sigma), wide);
    for (std::size_t s = 0; s < seen.size(); ++s) {
      const interval& range = intervals_[s];
      seen[s] = detail::seen_interval(edges[range.low_edge], edges[range.high_edge], range.low, range.high, widths[s]);
    }
  }

  /// The boxes' means, weighted by their posterior probabilities (relative to the likeliest box, so that none of
  /// them needs to be representable by itself).
  void average(const std::vector<detail::interval_posterior>& seen, std::vector<double>& score,
               std::vector<double>& mean) const {
    const std::size_t d = mean.size();
    double best = -std::numeric_limits<double>::infinity();
    for (std::size_t k = 0; k < score.size(); ++k) {
      double s = shares_.log_weight(k);
      for (std::size_t j = 0; j < d; ++j) s += seen[interval_of_[k * d + j]].log_mass;
      score[k] = s;
      best = std::max(best, s);
    }
    std::fill(mean.begin(), mean.end(), 0.0);
    double total = 0;
    for (std::size_t k = 0; k < score.size(); ++k) {
      const double below = score[k] - best;
      if (below < -50) continue;  // less than 2e-22 of the likeliest
      const double weight = std::exp(below);
      total += weight;
      for (std::size_t j = 0; j < d; ++j) mean[j] += weight * seen[interval_of_[k * d + j]].mean;
    }
    for (std::size_t j = 0; j < d; ++j) mean[j] /= total;
  }

  detail::mixture_weights shares_;
  matrix<double> low_, high_;
  std::vector<edge> edges_;
  std::vector<interval> intervals_;
  std::vector<std::size_t> interval_of_;  // [boxes, d]
};

/// The checkerboard of the flow-matching and Koopman distillation papers: 8 cells of side 1/0.45 in the square
/// [-4.444, 4.444]^2. With rows i and columns j = -2..1 the cell (i, j) is filled when i + j is even.
///
/// Source.    Berman et al. 2025, "One-step offline distillation of diffusion-based models via Koopman modeling".
template <float_or_double T>
box_mixture<T> checkerboard() {
  matrix<double> low(8, 2), high(8, 2);
  index_t k = 0;
  for (int i = -2; i < 2; ++i)
    for (int j = -2; j < 2; ++j) {
      if ((i + j) % 2 != 0) continue;
      low(k, 0) = j / 0.45;
      low(k, 1) = i / 0.45;
      high(k, 0) = (j + 1) / 0.45;
      high(k, 1) = (i + 1) / 0.45;
      ++k;
    }
  return {std::vector<double>(8, 1.0), low, high};
}

}  // namespace kdm
