/// How far to trust a figure: intervals by the bootstrap, quantiles.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "kdm/core/brief.hpp"
#include "kdm/core/matrix.hpp"
#include "kdm/core/print.hpp"
#include "kdm/core/sizes.hpp"
#include "kdm/exec/executor.hpp"
#include "kdm/exec/serial.hpp"
#include "kdm/math/random.hpp"

namespace kdm {

namespace streams {
inline constexpr std::uint32_t resamples = 9;
}

struct interval {
  double low, high;

  /// "0.41 to 0.47".
  std::string text() const { return concat(brief(low), " to ", brief(high)); }
};

struct bootstrap_options {
  index_t resamples = 1000;
  double level = 0.95;  ///< share of the resamples inside the interval
  std::uint64_t seed = 0;
};

/// The q-quantile of sorted values, linear between them: values[q (n - 1)].
///
/// Source.    Hyndman, Fan 1996, "Sample quantiles in statistical packages", definition 7
inline double quantile(std::span<const double> sorted, double q) {
  if (sorted.empty()) fail<shape_error>("quantile: found no values, expected at least one");
  if (!(q >= 0 && q <= 1)) fail<option_error>("quantile: q is ", q, ", expected 0 to 1");
  const double place = q * double(sorted.size() - 1);
  const auto below = std::size_t(place), above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - double(below)) * (sorted[above] - sorted[below]);
}

/// The middle of the values that holds the share `level` of them.
inline interval central_interval(std::vector<double> values, double level) {
  if (!(level > 0 && level < 1)) fail<option_error>("interval: level is ", level, ", expected between 0 and 1");
  std::sort(values.begin(), values.end());
  return {quantile(values, (1 - level) / 2), quantile(values, (1 + level) / 2)};
}

/// Percentile intervals of figures that are computed from n rows: each resample draws n of them, with repetition.
///
/// `figures(rows)` takes a std::span<const index_t> and returns a std::vector<double> of any one length; with an
/// executor of several lanes it is called from several threads at a time. Row i of a resample is a pure function of
/// (seed, resample, i): the same intervals for any number of lanes.
/// Estimator. Right for means, medians and shares; a distance between sets of samples is not of this kind, since
///            repeated rows push it up: see metrics/halves.hpp.
/// Cost.      `resamples` times n random numbers and the figures.
/// Throws.    option_error, shape_error without rows.
/// Source.    Efron, Tibshirani 1993, "An introduction to the bootstrap", chapter 13
template <class Figures, executor E = serial>
std::vector<interval> bootstrap_intervals(index_t n, const Figures& figures, const bootstrap_options& options = {},
                                          const E& run = {}) {
  if (n < 1) fail<shape_error>("bootstrap_intervals: found no rows, expected at least 1");
  if (options.resamples < 2)
    fail<option_error>("bootstrap_intervals: resamples is ", options.resamples, ", expected at least 2");
  auto drawn = vector_of<std::vector<double>>("bootstrap: resamples", options.resamples);
  run.for_chunks(options.resamples, 1, [&](index_t first, index_t last, int) {
    std::vector<index_t> rows(static_cast<std::size_t>(n));
    for (index_t k = first; k < last; ++k) {
      const random_table table{options.seed, streams::resamples, std::uint32_t(k)};
      for (index_t i = 0; i < n; i += 4) {
        const words4 four = table.words(0, i / 4);
        for (index_t j = i; j < std::min(n, i + 4); ++j)
          rows[std::size_t(j)] = index_t((std::uint64_t(four.w[j - i]) * std::uint64_t(n)) >> 32);
      }
      drawn[std::size_t(k)] = figures(std::span<const index_t>(rows));
    }
  });
  std::vector<interval> result;
  for (std::size_t f = 0; f < drawn[0].size(); ++f) {
    std::vector<double> values;
    for (const auto& one : drawn) values.push_back(one[f]);
    result.push_back(central_interval(std::move(values), options.level));
  }
  return result;
}

}  // namespace kdm
