/// Eigenvalues inside the unit disc from free weights: lambda = exp(-exp(nu) +- i theta), and tanh(rho) for real ones.
#pragma once

#include <cmath>

#include "kdm/core/config.hpp"
#include "kdm/math/functions.hpp"

namespace kdm::detail {

/// Real and imaginary part of exp(-exp(nu) + i theta).
struct damped_real {
  template <class T>
  KDM_HD T operator()(T nu, T theta) const {
    return math::exp(-math::exp(nu)) * std::cos(theta);
  }
};
struct damped_imaginary {
  template <class T>
  KDM_HD T operator()(T nu, T theta) const {
    return math::exp(-math::exp(nu)) * std::sin(theta);
  }
};

/// dnu + the gradient of nu, and dtheta + that of theta, from those of the two parts a and b of lambda.
struct pull_nu {
  template <class T>
  KDM_HD T operator()(T dnu, T nu, T a, T b, T da, T db) const {
    return dnu - math::exp(nu) * (a * da + b * db);
  }
};
struct pull_theta {
  template <class T>
  KDM_HD T operator()(T dtheta, T a, T b, T da, T db) const {
    return dtheta + a * db - b * da;
  }
};

struct squashed {
  template <class T>
  KDM_HD T operator()(T rho) const {
    return math::tanh(rho);
  }
};
/// drho + the gradient of rho, from that of r = tanh(rho).
struct pull_rho {
  template <class T>
  KDM_HD T operator()(T drho, T r, T dr) const {
    return drho + (T(1) - r * r) * dr;
  }
};

/// The largest modulus that a fit sets: the disc is open, and nearer to its rim gradients vanish.
inline constexpr double largest_damped_modulus = 1 - 1e-6;

/// nu and theta of the number nearest to a + i b inside the disc.
struct damped_weights {
  double nu, theta;
};
inline damped_weights damped_from(double a, double b) {
  double modulus = std::hypot(a, b);
  if (modulus > largest_damped_modulus) modulus = largest_damped_modulus;
  if (modulus < 1e-30) modulus = 1e-30;
  return {std::log(-std::log(modulus)), std::atan2(b, a)};
}

/// rho of the number nearest to r in (-1, 1).
inline double squashed_from(double r) {
  if (r > largest_damped_modulus) r = largest_damped_modulus;
  if (r < -largest_damped_modulus) r = -largest_damped_modulus;
  return std::atanh(r);
}

}  // namespace kdm::detail
