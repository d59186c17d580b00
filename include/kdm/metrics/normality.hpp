/// Is it N(0, s^2 I)? Tests of noise whose null distributions are known at any number of rows.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "kdm/metrics/samples.hpp"

namespace kdm {

/// What speaks most against noise being normal, one finding for each kind of departure.
///
/// `p` is the probability of something as unlikely under N(0, s^2 I) anywhere in the noise: it is corrected for the
/// number of all tests. Tails are approximate: noise of N(0, s^2 I) has a p below 0.001 among the four in one or two of
/// a thousand sets.
struct normality_report {
  struct finding {
    double p = 1;
    index_t column = 0, other = 0;  ///< `other`: the second column of a correlation
    double value = 0;               ///< mean in deviations, deviation over s, correlation
  };
  finding mean, deviation, correlation;
  finding shape;  ///< skewness, kurtosis and the distribution function of one column

  bool rejects(double level = 1e-3) const {
    return mean.p < level || deviation.p < level || correlation.p < level || shape.p < level;
  }
};

namespace detail {

/// The probability that |N(0, 1)| exceeds |z|.
inline double two_sided(double z) { return std::erfc(std::abs(z) / std::sqrt(2.)); }

/// Student's t with k degrees of freedom as a normal number.
///
/// Source.    Wallace 1959, "Bounds on normal approximations to Student's and the chi-square distributions"
inline double normal_of_t(double t, double k) {
  return std::copysign((8 * k + 1) / (8 * k + 3) * std::sqrt(k * std::log1p(t * t / k)), t);
}

/// chi^2 / k with k degrees of freedom as a normal number.
///
/// Source.    Wilson, Hilferty 1931, "The distribution of chi-square"
inline double normal_of_chi_square(double ratio, double k) {
  const double a = 2 / (9 * k);
  return (std::cbrt(ratio) - (1 - a)) / std::sqrt(a);
}

/// Skewness of n normal numbers as a normal number, n >= 8.
///
/// Source.    D'Agostino 1970, "Transformation to normality of the null distribution of g1"
inline double normal_of_skewness(double g, double n) {
  const double y = g * std::sqrt((n + 1) * (n + 3) / (6 * (n - 2)));
  const double b = 3 * (n * n + 27 * n - 70) * (n + 1) * (n + 3) / ((n - 2) * (n + 5) * (n + 7) * (n + 9));
  const double w = std::sqrt(2 * (b - 1)) - 1;
  return std::asinh(y * std::sqrt((w - 1) / 2)) / std::sqrt(std::log(w) / 2);
}

/// Kurtosis (3 of a normal distribution) of n numbers as a normal number, n >= 20.
///
/// Source.    Anscombe, Glynn 1983, "Distribution of the kurtosis statistic b2 for normal samples"
inline double normal_of_kurtosis(double b, double n) {
  const double mean = 3 * (n - 1) / (n + 1);
  const double variance = 24 * n * (n - 2) * (n - 3) / ((n + 1) * (n + 1) * (n + 3) * (n + 5));
  const double x = (b - mean) / std::sqrt(variance);
  const double skew =
      6 * (n * n - 5 * n + 2) / ((n + 7) * (n + 9)) * std::sqrt(6 * (n + 3) * (n + 5) / (n * (n - 2) * (n - 3)));
  const double a = 6 + 8 / skew * (2 / skew + std::sqrt(1 + 4 / (skew * skew)));
  return (1 - 2 / (9 * a) - std::cbrt((1 - 2 / a) / (1 + x * std::sqrt(2 / (a - 4))))) / std::sqrt(2 / (9 * a));
}

/// The Anderson-Darling statistic of sorted numbers against the normal distribution of their own mean and deviation.
inline double anderson_darling(const std::vector<double>& x, double mean, double deviation) {
  const std::size_t n = x.size();
  const auto log_below = [&](double z) { return std::log(std::erfc(-z / std::sqrt(2.)) / 2); };
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double low = (x[i] - mean) / deviation, high = (x[n - 1 - i] - mean) / deviation;
    sum += double(2 * i + 1) * (log_below(low) + log_below(-high));
  }
  return -double(n) - sum / double(n);
}

/// The probability of a statistic at least as large, for normal numbers.
///
/// Source.    D'Agostino, Stephens 1986, "Goodness-of-fit techniques", section 4.8, table 4.9
inline double anderson_darling_tail(double statistic, double n) {
  const double a = statistic * (1 + 0.75 / n + 2.25 / (n * n));
  if (!(a < 12)) return 0;  // below 1e-25, and beyond the formula
  if (a < 0.6) return 1;    // not small, whatever it is
  return std::exp(1.2937 - 5.709 * a + 0.0186 * a * a);
}

}  // namespace detail

/// Tests whether the rows of `noise` are independent draws of N(0, scale^2 I).
///
/// Every column: Student's t of its mean, chi-square of its mean square over scale^2, skewness and kurtosis, and the
/// Anderson-Darling statistic of at most 2,000 of its rows. Pairs of columns: Fisher's transform of the correlation, for
/// all pairs of 64 columns evenly spread and for all neighbours. Means and deviations are tested from 4 rows on,
/// correlations and the shape from 20. A column without spread is not normal.
/// Shapes.    noise [n, d].
/// Cost.      about 10 n d flops, n min(d, 64)^2 / 2 for the correlations, a sort of 2,000 numbers for each column.
/// Throws.    shape_error when empty, numeric_error for an element that is not finite, option_error for a bad scale.
template <sample_set X>
normality_report test_normal_noise(const X& noise, double scale) {
  const auto x = samples_of(noise);
  require_samples("test_normal_noise", "noise", x);
  if (!is_positive(scale))
    fail<option_error>("test_normal_noise: scale is ", scale, ", expected a finite number above 0");
  normality_report report;
  const index_t rows = x.rows, d = x.cols;
  if (rows < 4) return report;
  const double n = double(rows);

  std::vector<double> mean(std::size_t(d), 0), deviation(std::size_t(d), 0), third(std::size_t(d), 0), fourth(std::size_t(d), 0);
  for (index_t i = 0; i < rows; ++i)
    for (index_t j = 0; j < d; ++j) mean[std::size_t(j)] += double(x(i, j));
  for (double& m : mean) m /= n;
  for (index_t i = 0; i < rows; ++i)
    for (index_t j = 0; j < d; ++j) {
      // In units of the scale, so that no fourth power overflows.
      const double y = (double(x(i, j)) - mean[std::size_t(j)]) / scale;
      deviation[std::size_t(j)] += y * y, third[std::size_t(j)] += y * y * y, fourth[std::size_t(j)] += y * y * y * y;
    }
  std::vector<bool> constant(std::size_t(d), false);
  for (std::size_t j = 0; j < std::size_t(d); ++j) {
    deviation[j] = std::sqrt(deviation[j] / n);
    constant[j] = !(deviation[j] * scale > 1e-12 * std::abs(mean[j])) || !(deviation[j] > 0);
  }

  std::vector<index_t> chosen;  // the columns whose correlations are looked at
  const index_t many = std::min<index_t>(d, 64);
  for (index_t k = 0; k < many; ++k) chosen.push_back(k * d / many);
  const index_t neighbours = d > many ? d - 1 : 0;
  const double tests = 5 * double(d) + double(many) * double(many - 1) / 2 + double(neighbours);
  const auto note = [&](normality_report::finding& f, double p, index_t column, index_t other, double value) {
    p = std::min(1., p * tests);
    if (p < f.p) f = {p, column, other, value};
  };

  const bool enough = rows >= 20;
  std::vector<double> sorted;
  const index_t stride = (rows + 1999) / 2000;
  for (index_t j = 0; j < d; ++j) {
    const std::size_t k = std::size_t(j);
    if (constant[k]) {
      if (enough) note(report.shape, 0, j, j, 0);
      continue;
    }
    const double s = deviation[k], centre = mean[k] / scale;
    const double t = centre / s * std::sqrt(n - 1);
    note(report.mean, detail::two_sided(detail::normal_of_t(t, n - 1)), j, j, centre / s);
    const double ratio = s * s + centre * centre;
    note(report.deviation, detail::two_sided(detail::normal_of_chi_square(ratio, n)), j, j, std::sqrt(ratio));
    if (!enough) continue;
    note(report.shape, detail::two_sided(detail::normal_of_skewness(third[k] / n / (s * s * s), n)), j, j, 0);
    note(report.shape, detail::two_sided(detail::normal_of_kurtosis(fourth[k] / n / (s * s * s * s), n)), j, j, 0);
    sorted.clear();
    double sum = 0, squares = 0;
    for (index_t i = 0; i < rows; i += stride) sorted.push_back((double(x(i, j)) - mean[k]) / scale);
    for (const double y : sorted) sum += y;
    const double m = double(sorted.size());
    for (const double y : sorted) squares += (y - sum / m) * (y - sum / m);
    std::sort(sorted.begin(), sorted.end());
    const double own = std::sqrt(squares / (m - 1));
    const double a = own > 0 ? detail::anderson_darling(sorted, sum / m, own) : INFINITY;
    note(report.shape, detail::anderson_darling_tail(a, m), j, j, 0);
  }

  if (!enough) return report;
  const auto correlate = [&](index_t a, index_t b, double products) {
    const double s = deviation[std::size_t(a)] * deviation[std::size_t(b)];
    if (constant[std::size_t(a)] || constant[std::size_t(b)]) return;
    const double r = std::clamp(products / n / s, -1., 1.);
    note(report.correlation, detail::two_sided(std::atanh(r) * std::sqrt(n - 3)), a, b, r);
  };
  matrix<double> products(many, many);
  std::vector<double> beside(std::size_t(neighbours), 0), row(std::size_t(d), 0);
  for (index_t i = 0; i < rows; ++i) {
    for (index_t j = 0; j < d; ++j) row[std::size_t(j)] = (double(x(i, j)) - mean[std::size_t(j)]) / scale;
    for (index_t a = 0; a < many; ++a)
      for (index_t b = 0; b < a; ++b)
        products(a, b) += row[std::size_t(chosen[std::size_t(a)])] * row[std::size_t(chosen[std::size_t(b)])];
    for (index_t j = 0; j < neighbours; ++j) beside[std::size_t(j)] += row[std::size_t(j)] * row[std::size_t(j) + 1];
  }
  for (index_t a = 0; a < many; ++a)
    for (index_t b = 0; b < a; ++b)
      correlate(chosen[std::size_t(b)], chosen[std::size_t(a)], products(a, b));
  for (index_t j = 0; j < neighbours; ++j) correlate(j, j + 1, beside[std::size_t(j)]);
  return report;
}

}  // namespace kdm
