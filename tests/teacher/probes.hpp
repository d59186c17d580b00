// What the teacher tests share: a denoiser asked about one point, and long-double quadrature.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "kdm/core/matrix.hpp"

namespace kdm_test {

/// D(x) of one point.
template <class F>
std::vector<double> denoised(const F& field, const std::vector<double>& x, double alpha, double sigma) {
  using T = typename F::value_type;
  kdm::matrix<T> in(1, kdm::index_t(x.size())), out(1, kdm::index_t(x.size()));
  for (std::size_t j = 0; j < x.size(); ++j) in(0, kdm::index_t(j)) = T(x[j]);
  field.denoise(in.view(), T(alpha), T(sigma), out.view());
  return {out.data(), out.data() + out.size()};
}

struct posterior {
  long double log_mass;
  long double mean;
};

/// Simpson's rule for a number u, uniform on [low, high] or standard-normal-weighted by `log_prior`, given
/// alpha u + sigma eps = x. The range is cut to where the integrand is above exp(-45) of its largest value.
template <class LogPrior>
posterior quadrature(long double low, long double high, long double x, long double alpha, long double sigma,
                     LogPrior log_prior) {
  // Relative to its value at `low`: far away the square itself would lose the digits that matter.
  const long double first_z = (x - alpha * low) / sigma;
  const auto log_density = [&](long double u) {
    const long double step = -alpha * (u - low) / sigma;
    return -step * (2 * first_z + step) / 2 + log_prior(u);
  };
  // All test densities are log-concave: golden-section search for the peak, bisection for the cut.
  long double a = low, b = high;
  for (int k = 0; k < 400; ++k) {
    const long double c = a + (b - a) / 3, d = b - (b - a) / 3;
    if (log_density(c) < log_density(d)) a = c;
    else b = d;
  }
  const long double peak = log_density(low) > log_density(a)    ? low
                           : log_density(high) > log_density(a) ? high
                                                                : a;
  const long double top = log_density(peak);
  const auto cut = [&](long double end) {
    if (log_density(end) > top - 45) return end;
    long double inside = peak, outside = end;
    for (int k = 0; k < 200; ++k) {
      const long double middle = (inside + outside) / 2;
      (log_density(middle) > top - 45 ? inside : outside) = middle;
    }
    return outside;
  };
  a = cut(low);
  b = cut(high);
  const int n = 8000;
  const long double h = (b - a) / n;
  long double mass = 0, first = 0;
  for (int k = 0; k <= n; ++k) {
    const long double u = a + k * h;
    const long double w = (k == 0 || k == n ? 1 : k % 2 == 1 ? 4 : 2) * std::exp(log_density(u) - top);
    mass += w;
    first += w * (u - a);
  }
  const long double shift = top - first_z * first_z / 2;
  if (h == 0) return {shift, a};
  return {shift + std::log(mass * h / 3 / (high - low)), a + first / mass};
}

inline posterior uniform_quadrature(double low, double high, double x, double alpha, double sigma) {
  return quadrature(low, high, x, alpha, sigma, [](long double) { return 0.0L; });
}

}  // namespace kdm_test
