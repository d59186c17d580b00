/// Randomized DMD: the leading directions of wide and long data from a few passes over them.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>
#include <utility>

#include "kdm/fit/dmd.hpp"
#include "kdm/fit/pod.hpp"
#include "kdm/math/random.hpp"

namespace kdm {

struct randomized_dmd_options {
  index_t rank = 10;              ///< directions sought; the numerical rank of the sketch may be less
  index_t oversampling = 10;      ///< directions more in the sketch
  index_t power_iterations = 1;   ///< 2 for singular values that hardly decay
  index_t probes = 5;             ///< of the error estimate
  std::uint64_t seed = 0;
};

/// The dynamics and how much of the data the sketch missed.
struct randomized_dynamics {
  linear_dynamics dynamics;
  double error_bound = 0;  ///< |X - X Q Q'| in the 2-norm is below this, but for a chance of 10^-probes
  double relative_error_bound = 0;  ///< over the largest singular value of the sketch
};

namespace detail {

/// Orthonormal columns with the span of a.
template <class = void>
Eigen::MatrixXd orthonormal(const Eigen::MatrixXd& a) {
  const Eigen::HouseholderQR<Eigen::MatrixXd> qr(a);
  return qr.householderQ() * Eigen::MatrixXd::Identity(a.rows(), std::min(a.rows(), a.cols()));
}

}  // namespace detail

/// Projected DMD in the span of a random sketch of the states.
///
/// Q spans X' S for a random S, after power iterations that are orthonormalised after every product; then DMD runs on
/// the small pairs X Q and Y Q. No decomposition of the data is ever made. The error bound costs no further pass: the
/// random rows that probe it go along with the first product and nowhere else. The relative_residual of the dynamics
/// counts what lies outside Q too, by a difference of squares: it resolves 1e-8 and no less.
/// Shapes.    x, y [m, n] without weights.
/// Cost.      2 power_iterations + 3 passes over x or y of 2 m n (rank + oversampling) flops each.
/// Throws.    shape_error; option_error for sizes below 1 (power_iterations and oversampling: below 0) or weights;
///            numeric_error for data that are zero or not finite.
/// Source.    Erichson, Mathelin, Kutz, Brunton 2019, "Randomized dynamic mode decomposition", SIAM J. Appl. Dyn. Syst.
///            18; the bound: Halko, Martinsson, Tropp 2011, "Finding structure with randomness", SIAM Review 53, (4.3)
/// Example.   docs/fitting.md
template <class = void>
randomized_dynamics randomized_dmd(const snapshot_pairs& pairs, const randomized_dmd_options& options = {}) {
  const auto& o = options;
  require_pairs("randomized_dmd", pairs);
  if (o.rank < 1 || o.oversampling < 0 || o.power_iterations < 0 || o.probes < 1)
    fail<option_error>("randomized_dmd: rank is ", o.rank, ", oversampling ", o.oversampling, ", power_iterations ",
                       o.power_iterations, " and probes ", o.probes, ", expected at least 1, 0, 0 and 1");
  if (pairs.weights.size() > 0) fail<option_error>("randomized_dmd: the pairs have weights, expected none");
  const index_t m = pairs.count(), n = pairs.states(), wanted = checked_sum("randomized_dmd: rank and oversampling", o.rank, o.oversampling),
                size = std::min({wanted, m, n});
  const auto x = detail::map_rows(pairs.x), y = detail::map_rows(pairs.y);

  matrix<double> random(m, checked_sum("randomized_dmd: columns of the sketch and the probes", size, o.probes));
  fill_normals(random_table{o.seed, streams::projections}, 0, random.view());
  const Eigen::MatrixXd sketch = x.transpose() * detail::map_rows(random);
  Eigen::MatrixXd probes = sketch.rightCols(o.probes);
  Eigen::MatrixXd q = detail::orthonormal(sketch.leftCols(size));
  for (index_t k = 0; k < o.power_iterations; ++k) {
    const Eigen::MatrixXd along = detail::orthonormal(x * q);
    q = detail::orthonormal(x.transpose() * along);
  }
  snapshot_pairs small;
  small.x = detail::from_eigen((x * q).eval());
  small.y = detail::from_eigen((y * q).eval());
  small.dt = pairs.dt;

  randomized_dynamics result;
  linear_dynamics& d = result.dynamics;
  const dmd_options directions{rank_rule::fixed(o.rank)};
  detail::dmd_data data = detail::reduced("randomized_dmd", small, directions);
  const auto once = [&](index_t) { return std::pair<double, double>(1, data.unit); };
  data.x_errors = detail::errors_of_rows(pairs.x, pairs.rounding, once).in(q);
  d = detail::projected_dmd(data, directions);
  const double inside = detail::to_eigen(small.y).norm(), whole = y.norm();
  const double outside = std::sqrt(std::max(0., whole * whole - inside * inside));
  const double error = std::hypot(d.relative_residual * inside, outside);
  d.relative_residual = whole > 0 ? error / whole : 0;
  if (m < n && d.rank.rank == m && d.status == fit_status::ok) d.status = fit_status::fewer_rows_than_columns;
  d.encode = detail::from_eigen((q * detail::to_eigen(d.encode)).eval());
  d.decode = detail::from_eigen((detail::to_eigen(d.decode) * q.transpose()).eval());
  const Eigen::MatrixXcd modes = detail::to_eigen_complex(d.modes.view());
  d.modes = detail::from_eigen((modes * q.transpose().cast<std::complex<double>>()).eval());

  for (int pass = 0; pass < 2; ++pass) probes -= q * (q.transpose() * probes).eval();
  result.error_bound = 10 * std::sqrt(2 / std::numbers::pi) * probes.colwise().norm().maxCoeff();
  result.relative_error_bound = result.error_bound / d.rank.singular_values.front();
  return result;
}

}  // namespace kdm
