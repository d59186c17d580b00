/// The posterior of one uniform number under Gaussian noise: the building block of box mixtures.
#pragma once

#include <algorithm>
#include <cmath>

#include "kdm/core/config.hpp"

namespace kdm::detail {

/// One edge of an interval, seen from a noisy number x: its distance in units of sigma, and the Gaussian there.
struct seen_edge {
  double z = 0;     ///< (x - alpha edge) / sigma
  double bell = 0;  ///< exp(-z^2 / 2)
  double tail = 0;  ///< erfc(|z| / sqrt(2))

  explicit seen_edge(double distance, bool wide) : z(distance) {
    const double r = std::abs(z);
    if (!wide || r > 38.5) return;  // both are below the smallest number from there on
    bell = std::exp(-0.5 * r * r);
    tail = std::erfc(r * 0.70710678118654752440);
  }
  seen_edge() = default;
};

/// What is left of a uniform number u on [low, high] once alpha u + sigma eps = x is known.
struct interval_posterior {
  double log_mass = 0;  ///< log of the mean over u of exp(-(x - alpha u)^2 / (2 sigma^2))
  double mean = 0;      ///< E[u | x], inside [low, high]
};

/// Widths (in units of sigma) from here on use error functions, smaller ones a series.
inline constexpr double wide_interval = 0.1;

/// With s = (x - alpha u) / sigma the posterior is a normal number s cut to [a, b], a being the edge of the interval
/// that is nearer to x (negative when x is inside), and u lies a fraction (s - a) / (b - a) away from that edge.
///
/// Wide intervals near x: differences of erfc, whose cancellation costs at most 5 of 16 digits.
/// Narrow intervals, and those more than 18 sigma away: with y the fraction, the density is
/// exp(-rho y - kappa y^2) on [0, 1], rho = w a, kappa = w^2 / 2, w = b - a; the quadratic part is small there and
/// is expanded, which leaves incomplete gamma moments. Eight terms leave less than 1e-13.
/// Accuracy.  the mean to 1e-11 of the interval's length, the mass to 1e-11.
inline interval_posterior seen_interval(const seen_edge& low_edge, const seen_edge& high_edge, double low, double high,
                                        double width) {
  const bool above = low_edge.z + high_edge.z >= 0;
  const double a = above ? high_edge.z : -low_edge.z;
  double fraction, log_mass;
  if (width >= wide_interval && a <= 18) {
    constexpr double root_half_pi = 1.25331413731550025121;
    const seen_edge& near = above ? high_edge : low_edge;
    const seen_edge& far = above ? low_edge : high_edge;
    const double mass = root_half_pi * (a >= 0 ? near.tail - far.tail : 2 - near.tail - far.tail);
    fraction = ((near.bell - far.bell) / mass - a) / width;
    log_mass = std::log(mass / width);
  } else {
    constexpr int terms = 8;
    const double rho = width * a;
    double moment[2 * terms];  // of y (or of rho y when rho >= 1) under exp(-rho y)
    double quadratic;          // kappa in the same unit
    if (rho >= 1) {
      double edge = rho < 700 ? std::exp(-rho) : 0;
      quadratic = 0.5 / a / a;
      moment[0] = 1 - edge;
      for (int n = 1; n < 2 * terms; ++n) {
        edge *= edge > 0 ? rho : 0;
        moment[n] = n * moment[n - 1] - edge;
      }
    } else {
      // Backwards: each step divides the error of the first guess by n.
      constexpr int first = 20;
      const double edge = std::exp(-rho);
      quadratic = 0.5 * width * width;
      double m = edge / (first + 1);
      for (int n = first; n > 0; --n) {
        if (n < 2 * terms) moment[n] = m;
        m = (rho * m + edge) * (1.0 / n);
      }
      moment[0] = m;
    }
    double factor = 1, mass = 0, first_moment = 0;
    for (int k = 0; k < terms; ++k) {
      mass += factor * moment[2 * k];
      first_moment += factor * moment[2 * k + 1];
      factor *= -quadratic / (k + 1);
    }
    const double unit = rho >= 1 ? rho : 1;
    fraction = first_moment / mass / unit;
    log_mass = std::log(mass / unit) - 0.5 * a * a;
  }
  fraction = std::clamp(fraction, 0.0, 1.0);
  const double length = high - low;
  return {log_mass, above ? high - length * fraction : low + length * fraction};
}

}  // namespace kdm::detail
