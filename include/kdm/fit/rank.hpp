/// How many singular values a fit keeps, and why.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <numbers>
#include <string>
#include <utility>
#include <vector>

#include "kdm/core/error.hpp"
#include "kdm/core/finite.hpp"
#include "kdm/core/print.hpp"

namespace kdm {

/// What a rule decided for one set of singular values.
struct rank_decision {
  index_t rank = 0;                     ///< singular values kept
  index_t numerical_rank = 0;           ///< singular values above rounding, of doubles and of the data: no rule keeps more
  std::string rule;                     ///< what cut: "tolerance", "fixed", "energy", "gavish_donoho", "rounding" (of the data) or "limit"
  double cut = 0;                       ///< singular values up to this one were dropped
  double gap = 0;                       ///< sigma_rank / sigma_(rank + 1); infinite where nothing but zeros follows
  std::vector<double> singular_values;  ///< all, largest first

  /// False where the next singular value is of the same size as the last one kept: the cut is then arbitrary.
  bool has_gap() const { return gap >= 2; }
  /// "rank 4 of 10 by energy, gap 2.3e+05".
  std::string text() const {
    // Two digits say how clear the gap is.
    char brief[32];
    std::snprintf(brief, sizeof brief, "%.2g", gap);
    return concat("rank ", rank, " of ", singular_values.size(), " by ", rule, ", gap ", brief,
                  has_gap() ? "" : ": the singular values have no gap there");
  }
};

/// Which singular values count. Whatever the rule, values up to sigma_1 max(rows, columns) eps never do, nor do the first
/// that the rounding in the data can make and those after it.
///
/// Source.    Gavish, Donoho 2014, "The optimal hard threshold for singular values is 4/sqrt(3)", IEEE Trans. Inf.
///            Theory 60; the median of the Marchenko-Pastur law is integrated, not interpolated
class rank_rule {
 public:
  /// sigma > relative sigma_1.
  static rank_rule tolerance(double relative = 0) {
    if (!(relative >= 0 && relative < 1))
      fail<option_error>("rank_rule: the tolerance is ", relative, ", expected 0 or more and less than 1");
    return {kind::tolerance, relative, 0};
  }
  /// The `r` largest.
  static rank_rule fixed(index_t r) {
    if (r < 1) fail<option_error>("rank_rule: the rank is ", r, ", expected at least 1");
    return {kind::fixed, 0, r};
  }
  /// The fewest whose squares sum to this share of all squares.
  static rank_rule energy(double share) {
    if (!(share > 0 && share <= 1))
      fail<option_error>("rank_rule: the share of the energy is ", share, ", expected more than 0 and at most 1");
    return {kind::energy, share, 0};
  }
  /// The optimal threshold for white noise of unknown size. Only for data with a noise floor.
  static rank_rule gavish_donoho() { return {kind::unknown_noise, 0, 0}; }
  /// The same for noise of this standard deviation in every element.
  static rank_rule gavish_donoho(double deviation) {
    if (!(deviation > 0 && is_finite(deviation)))
      fail<option_error>("rank_rule: the deviation of the noise is ", deviation, ", expected a finite number above 0");
    return {kind::known_noise, deviation, 0};
  }

  /// Decides for the singular values, largest first, of a rows x columns matrix; `most` is the method's own limit.
  ///
  /// rounding[k] is what the rounding in the data alone can make of value k; empty: nothing that counts.
  /// Throws.    numeric_error unless the singular values are finite, not negative and in order.
  rank_decision decide(std::vector<double> sigma, index_t rows, index_t columns,
                       index_t most = std::numeric_limits<index_t>::max(),
                       const std::vector<double>& rounding = {}) const {
    for (std::size_t k = 0; k < sigma.size(); ++k)
      if (!(sigma[k] >= 0 && is_finite(sigma[k]) && (k == 0 || sigma[k] <= sigma[k - 1])))
        fail<numeric_error>("rank_rule: singular value ", k, " is ", sigma[k],
                            ", expected finite numbers, not negative, largest first");
    const double first = sigma.empty() ? 0 : sigma.front();
    const index_t count = index_t(sigma.size());
    const double floor = first * double(std::max(rows, columns)) * std::numeric_limits<double>::epsilon();
    const auto above = [&](double cut) {
      return index_t(std::count_if(sigma.begin(), sigma.end(), [cut](double s) { return s > cut; }));
    };
    rank_decision d;
    d.rule = "tolerance";
    d.cut = floor;
    d.rank = d.numerical_rank = above(floor);
    const auto lower = [&](index_t rank, double cut, const char* name) {
      if (rank >= d.rank) return;
      d.rank = rank;
      d.cut = cut;
      d.rule = name;
    };
    for (index_t k = 0; k < std::min(d.rank, index_t(rounding.size())); ++k)
      if (sigma[std::size_t(k)] <= rounding[std::size_t(k)]) {
        lower(k, k > 0 ? std::min(rounding[std::size_t(k)], sigma[std::size_t(k - 1)]) : rounding[0], "rounding");
        d.numerical_rank = k;
      }
    switch (kind_) {
      case kind::tolerance: lower(above(value_ * first), value_ * first, "tolerance"); break;
      case kind::fixed:
        if (rank_ < d.rank) lower(rank_, sigma[std::size_t(rank_)], "fixed");
        break;
      case kind::energy: {
        const auto square = [&](double s) { return s / first * (s / first); };  // no overflow
        double all = 0, sum = 0;
        if (first > 0)
          for (const double s : sigma) all += square(s);
        index_t r = 0;
        while (r < count && sum < value_ * all) sum += square(sigma[std::size_t(r)]), ++r;
        if (r < count) lower(r, sigma[std::size_t(r)], "energy");
        break;
      }
      case kind::unknown_noise:
      case kind::known_noise: {
        const double larger = double(std::max(rows, columns)), beta = double(std::min(rows, columns)) / larger;
        const double scale = kind_ == kind::known_noise ? std::sqrt(larger) * value_
                                                        : median(sigma) / std::sqrt(median_of_noise(beta));
        const double cut = threshold(beta) * scale;
        lower(above(cut), cut, "gavish_donoho");
        break;
      }
    }
    if (most < d.rank) lower(most, sigma[std::size_t(most)], "limit");
    const double last = d.rank > 0 ? sigma[std::size_t(d.rank - 1)] : 0;
    const double next = d.rank < count ? sigma[std::size_t(d.rank)] : 0;
    d.gap = next > 0 ? last / next : std::numeric_limits<double>::infinity();
    d.singular_values = std::move(sigma);
    return d;
  }

  /// lambda*(beta): the threshold in units of sqrt(larger size) times the deviation of the noise.
  static double threshold(double beta) {
    return std::sqrt(2 * (beta + 1) + 8 * beta / ((beta + 1) + std::sqrt(beta * beta + 14 * beta + 1)));
  }

  /// The median of the Marchenko-Pastur law of ratio beta, by bisection over its integral.
  static double median_of_noise(double beta) {
    const double least = std::pow(1 - std::sqrt(beta), 2), most = std::pow(1 + std::sqrt(beta), 2);
    // x = middle - half cos(a) takes the square roots out of the ends of the density.
    const double middle = (least + most) / 2, half = (most - least) / 2;
    const auto share_below = [&](double angle) {
      constexpr int steps = 2000;
      double sum = 0;
      for (int k = 0; k < steps; ++k) {
        const double a = angle * (k + 0.5) / steps, x = middle - half * std::cos(a);
        sum += half * half * std::sin(a) * std::sin(a) / (2 * std::numbers::pi * beta * x);
      }
      return sum * angle / steps;
    };
    double low = 0, high = std::numbers::pi;
    for (int k = 0; k < 60; ++k) {
      const double a = (low + high) / 2;
      (share_below(a) < 0.5 ? low : high) = a;
    }
    return middle - half * std::cos((low + high) / 2);
  }

 private:
  enum class kind { tolerance, fixed, energy, unknown_noise, known_noise };
  rank_rule(kind k, double value, index_t rank) : kind_(k), value_(value), rank_(rank) {}

  static double median(const std::vector<double>& sorted) {
    const std::size_t n = sorted.size();
    if (n == 0) return 0;
    return n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
  }

  kind kind_;
  double value_;
  index_t rank_;
};

}  // namespace kdm
