/// Paths from noise to data: noise levels, time grids, and how a denoiser becomes a velocity.
#pragma once

#include <cmath>
#include <concepts>
#include <vector>

#include "kdm/core/error.hpp"
#include "kdm/core/finite.hpp"
#include "kdm/core/view.hpp"
#include "kdm/teacher/field.hpp"

namespace kdm {

/// The scales of data and noise at one time: x_t = alpha x_0 + sigma eps.
template <class T>
struct noise_level {
  T alpha;
  T sigma;
};

/// prior_scale(): the standard deviation of the noise the path starts from.
template <class P>
concept has_prior_scale = requires(const P& p) {
  { p.prior_scale() } -> std::convertible_to<double>;
};

/// times(n): the n + 1 times of n steps, falling from the noise to 0.
template <class P>
concept has_times = requires(const P& p, index_t n) {
  { p.times(n) } -> std::same_as<std::vector<double>>;
};

/// level(t): the noise level at time t.
template <class P, class T>
concept has_level = requires(const P& p, T t) {
  { p.level(t) } -> std::same_as<noise_level<T>>;
};

/// velocity(x, denoised, t): one coordinate of dx/dt where the denoiser answers `denoised`.
template <class P, class T>
concept has_path_velocity = requires(const P& p, T x) {
  { p.velocity(x, x, x) } -> std::same_as<T>;
};

/// A family of noised distributions between the prior and the data.
///
/// The last of its steps ends at t = 0, where the velocity of an exact field is singular. It is always one Euler
/// step, whatever the solver: for x_t = alpha x_0 + t eps that step is the denoiser's output itself.
template <class P, class T>
concept path = has_prior_scale<P> && has_times<P> && has_level<P, T> && has_path_velocity<P, T>;

namespace detail {

/// n + 1 times: equally spaced in t^(1/rho) from `start` to `end`, then 0.
inline std::vector<double> power_grid(const char* what, double start, double end, double rho, index_t n) {
  if (n < 1) fail<option_error>(what, ": steps is ", n, ", expected at least 1");
  if (!is_positive(end) || !is_finite(start) || !(end < start))
    fail<option_error>(what, ": the times run from ", start, " to ", end, ", expected start > end > 0");
  if (!is_positive(rho)) fail<option_error>(what, ": rho is ", rho, ", expected more than 0");
  // All at once: sizes beyond the memory end here, not after it has been filled.
  std::vector<double> t;
  if (n >= index_t(t.max_size())) fail_to_allocate();
  t.reserve(std::size_t(n) + 1);
  t.push_back(start);
  const double a = std::pow(start, 1 / rho), b = std::pow(end, 1 / rho);
  for (index_t k = 1; k + 1 < n; ++k) t.push_back(std::pow(a + double(k) / double(n - 1) * (b - a), rho));
  if (n > 1) t.push_back(end);
  t.push_back(0);
  return t;
}

}  // namespace detail

/// Linear flow matching: x_t = (1 - t) x_0 + t eps, t from 1 to 0; dx/dt = eps - x_0 = (x - D) / t.
///
/// Source.    Lipman et al. 2023, "Flow matching for generative modeling" (with time reversed: 0 is data here).
struct flow_path {
  double end = 0.002;  ///< the last time before 0
  double rho = 1;      ///< 1: equal steps, the most accurate on the checkerboard; more: finer towards the data

  double prior_scale() const { return 1; }
  std::vector<double> times(index_t steps) const { return detail::power_grid("flow_path", 1, end, rho, steps); }
  template <class T>
  noise_level<T> level(T t) const {
    return {1 - t, t};
  }
  template <class T>
  T velocity(T x, T denoised, T t) const {
    return (x - denoised) / t;
  }
};

/// Variance exploding: x_sigma = x_0 + sigma eps, time = sigma; dx/dsigma = (x - D) / sigma.
///
/// Source.    Karras et al. 2022, "Elucidating the design space of diffusion-based generative models", eqs. 3 to 5.
struct edm_path {
  double sigma_max = 80;
  double sigma_min = 0.002;
  double rho = 7;

  double prior_scale() const { return sigma_max; }
  std::vector<double> times(index_t steps) const {
    return detail::power_grid("edm_path", sigma_max, sigma_min, rho, steps);
  }
  template <class T>
  noise_level<T> level(T t) const {
    return {T(1), t};
  }
  template <class T>
  T velocity(T x, T denoised, T t) const {
    return (x - denoised) / t;
  }
};

static_assert(path<flow_path, float> && path<edm_path, double>);

/// A field on a path as what a solver integrates: v(x, t, out). Refers to both, copies neither.
///
/// A denoiser goes through the path's formula; a field that is a velocity only is called directly.
template <class P, field F>
  requires path<P, typename F::value_type>
class path_velocity {
 public:
  using value_type = typename F::value_type;

  path_velocity(const P& p, const F& f) : path_(p), field_(f) {}

  /// out_i = dx/dt at x_i, t > 0; x and out [n, d] do not overlap.
  void operator()(const_view<value_type> x, value_type t, view<value_type> out) const {
    if constexpr (denoiser<F>) {
      const auto level = path_.level(t);
      field_.denoise(x, level.alpha, level.sigma, out);
      for (index_t i = 0; i < x.rows; ++i)
        for (index_t j = 0; j < x.cols; ++j) out(i, j) = path_.velocity(x(i, j), out(i, j), t);
    } else {
      field_.velocity(x, t, out);
    }
  }

 private:
  const P& path_;
  const F& field_;
};

/// The velocity of `f` on `p`. Both must outlive it.
template <class P, field F>
  requires path<P, typename F::value_type>
path_velocity<P, F> velocity_of(const P& p, const F& f) {
  return {p, f};
}

}  // namespace kdm
