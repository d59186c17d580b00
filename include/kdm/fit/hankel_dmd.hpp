/// DMD of delayed snapshots: Hankel DMD and higher-order DMD.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <limits>
#include <ranges>
#include <utility>
#include <vector>

#include "kdm/fit/dmd.hpp"
#include "kdm/fit/sparse_dmd.hpp"

namespace kdm {

struct hankel_dmd_options {
  index_t delays = 2;  ///< snapshots side by side in one window
  rank_rule rank = rank_rule::tolerance();
  double dt = 1;
  data_rounding rounding = {};  ///< of snapshots of double; that of snapshots of float is known
};

namespace detail {

/// The newest snapshot of what windows of `n` numbers a snapshot predict.
template <class = void>
void decode_newest(linear_dynamics& d, index_t n) {
  const index_t first = d.decode.cols() - n;
  d.decode = matrix<double>(std::as_const(d.decode).view().col_range(first, n));
  d.modes = matrix<std::complex<double>>(std::as_const(d.modes).view().col_range(first, n));
}

/// The fewest singular values such that the root of the sum of squares of the others is at most `tolerance` of that of
/// all; none that is rounding.
template <class = void>
index_t rank_within(const rank_decision& d, double tolerance) {
  double all = 0, tail = 0;
  for (const double s : d.singular_values) all += s * s;
  index_t r = index_t(d.singular_values.size());
  for (; r > 1; --r) {
    tail += d.singular_values[std::size_t(r - 1)] * d.singular_values[std::size_t(r - 1)];
    if (std::sqrt(tail) > tolerance * std::sqrt(all)) break;
  }
  return std::max<index_t>(1, std::min(r, d.numerical_rank));
}

}  // namespace detail

/// Projected DMD of windows [x_t, ..., x_(t+delays-1)]: a state that is seen in part becomes one that is seen in full.
///
/// The features are windows, the states the newest snapshots in them: step(window, k) is the snapshot k steps after the
/// last one of the window. `delay_rows` makes windows. Windows never cross from one trajectory to the next.
/// Shapes.    trajectories: a range of [times_i, n] of any lengths above `delays`; features n delays, states n.
/// Cost.      that of dmd::projected on sum(times_i - delays) pairs of n delays numbers.
/// Throws.    as pairs_from_trajectories and dmd::projected.
/// Source.    Arbabi, Mezic 2017, "Ergodic theory, dynamic mode decomposition, and computation of spectral properties
///            of the Koopman operator", SIAM J. Appl. Dyn. Syst. 16
/// Example.   docs/fitting.md
template <std::ranges::random_access_range R>
  requires viewable<const std::ranges::range_value_t<R>>
linear_dynamics hankel_dmd(const R& trajectories, const hankel_dmd_options& options = {}) {
  trajectory_options windows;
  windows.dt = options.dt;
  windows.delays = options.delays;
  snapshot_pairs pairs = kdm::pairs_from_trajectories(trajectories, windows);
  pairs.rounding = coarser(pairs.rounding, options.rounding);
  linear_dynamics d = dmd::projected(pairs, {options.rank});
  detail::decode_newest(d, pairs.states() / options.delays);
  return d;
}
template <class = void>
linear_dynamics hankel_dmd(const_view<double> trajectory, const hankel_dmd_options& options = {}) {
  return hankel_dmd(std::array{trajectory}, options);
}
template <class = void>
linear_dynamics hankel_dmd(const_view<float> trajectory, const hankel_dmd_options& options = {}) {
  return hankel_dmd(std::array{trajectory}, options);
}

struct hodmd_options {
  index_t delays = 10;
  double svd_tolerance = 1e-8;   ///< relative error that cutting singular values may make, of snapshots and of windows
  double mode_tolerance = 1e-6;  ///< modes below this share of the largest amplitude are left out
  double dt = 1;
  data_rounding rounding = {};  ///< of snapshots of double; that of snapshots of float is known
};

/// What higher-order DMD found: x_t = sum_j amplitudes(trajectory, j) exp(omega_j t dt) modes_j.
///
/// Shapes.    q modes kept, trajectories k: modes [q, n] of norm one, amplitudes [k, q]. An amplitude belongs to the
///            first snapshot of its trajectory, or to the last one where the mode grows.
struct higher_order_dynamics {
  linear_dynamics dynamics;  ///< of windows, all modes: features n delays, states n
  std::vector<std::complex<double>> eigenvalues;
  matrix<std::complex<double>> modes, amplitudes;
  index_t spatial_rank = 0;       ///< directions of the snapshots kept
  double relative_residual = 0;   ///< |x - sum| / |x| over all trajectories

  std::vector<std::complex<double>> exponents() const {
    std::vector<std::complex<double>> omega;
    for (const auto& lambda : eigenvalues) omega.push_back(std::log(lambda) / dynamics.dt);
    return omega;
  }
};

/// Higher-order DMD: reduces the snapshots, fits windows of what is left, and keeps the modes that matter.
///
/// Shapes.    trajectories: a range of [times_i, n] of any lengths above `delays`, of double.
/// Cost.      singular values of the snapshots and of the windows, at most n delays wide after the reduction.
/// Throws.    as hankel_dmd; option_error for a tolerance outside [0, 1); numeric_error when all snapshots are zero.
/// Source.    Le Clainche, Vega 2017, "Higher order dynamic mode decomposition", SIAM J. Appl. Dyn. Syst. 16
/// Example.   docs/fitting.md
template <std::ranges::random_access_range R>
  requires viewable<const std::ranges::range_value_t<R>>
higher_order_dynamics hodmd(const R& trajectories, const hodmd_options& options = {}) {
  for (const double tolerance : {options.svd_tolerance, options.mode_tolerance})
    if (!(tolerance >= 0 && tolerance < 1))
      fail<option_error>("hodmd: svd_tolerance is ", options.svd_tolerance, " and mode_tolerance ",
                         options.mode_tolerance, ", expected from 0 to less than 1");
  trajectory_options windows;
  windows.dt = options.dt;
  windows.delays = options.delays;
  // Also checks every trajectory, before anything is computed.
  const snapshot_pairs whole = kdm::pairs_from_trajectories(trajectories, windows);
  const index_t n = whole.states() / options.delays;

  index_t rows = 0;
  std::vector<matrix<double>> full;
  for (const auto& trajectory : trajectories) {
    full.emplace_back(detail::constant_view(trajectory));
    rows += full.back().rows();
  }
  Eigen::MatrixXd all(rows, n);
  for (index_t at = 0; const auto& x : full) {
    all.middleRows(at, x.rows()) = detail::map_rows(x);
    at += x.rows();
  }
  const double size = detail::unit_of(all.data(), all.size());
  all /= size;
  for (auto& x : full)
    for (index_t k = 0; k < x.size(); ++k) x.data()[k] /= size;
  const data_rounding rounding = coarser(whole.rounding, options.rounding);
  const auto once = [](index_t) { return std::pair<double, double>(1, 1); };
  const detail::rounding_errors errors =
      detail::errors_of_rows(detail::from_eigen(all), {rounding.relative, rounding.absolute / size}, once);
  const detail::truncated_svd f =
      detail::leading_directions(all, rank_rule::tolerance(), rows, detail::most_directions, errors);
  detail::require_rank("hodmd", f.rank);
  higher_order_dynamics result;
  result.spatial_rank = detail::rank_within(f.rank, options.svd_tolerance);
  const index_t s = result.spatial_rank;
  const Eigen::MatrixXd basis = f.q.leftCols(s);

  std::vector<matrix<double>> small;
  for (const auto& x : full) small.push_back(detail::from_eigen((detail::map_rows(x) * basis).eval()));
  const snapshot_pairs pairs = pairs_from_trajectories(small, windows);
  detail::dmd_data data = detail::reduced("hodmd", pairs, {});
  if (errors.any()) {
    // A column of windows has the errors of its direction, one for each window.
    const double share = double(pairs.count()) / double(rows);
    data.x_errors = errors.in(basis);
    data.x_errors.squares = (share / data.unit / data.unit * data.x_errors.squares).replicate(options.delays, 1).eval();
    data.x_errors.rows = double(pairs.count());
    data.x_errors.columns = double(s * options.delays);
  }
  const detail::truncated_svd g = detail::leading_directions(data.x, rank_rule::tolerance(), pairs.count(),
                                                             detail::most_directions, data.x_errors);
  linear_dynamics& d = result.dynamics;
  d = detail::projected_dmd(data, {rank_rule::fixed(detail::rank_within(g.rank, options.svd_tolerance))});
  detail::decode_newest(d, s);
  const Eigen::MatrixXd encode = detail::to_eigen(d.encode);
  Eigen::MatrixXd lifted(n * options.delays, encode.cols());
  for (index_t k = 0; k < options.delays; ++k) lifted.middleRows(k * n, n) = basis * encode.middleRows(k * s, s);
  d.encode = detail::from_eigen(lifted);
  d.decode = detail::from_eigen((detail::to_eigen(d.decode) * basis.transpose()).eval());
  const Eigen::MatrixXcd modes =
      detail::to_eigen_complex(d.modes.view()) * basis.transpose().cast<std::complex<double>>();
  d.modes = detail::from_eigen(modes);

  // The best amplitudes of all modes say which to keep; those that stay are fitted once more.
  std::vector<bool> kept(std::size_t(modes.rows()), true);
  for (const bool last : {false, true}) {
    Eigen::MatrixXcd unit(0, n);
    result.eigenvalues.clear();
    for (index_t j = 0; j < modes.rows(); ++j) {
      if (!kept[std::size_t(j)]) continue;
      unit.conservativeResize(unit.rows() + 1, Eigen::NoChange);
      unit.row(unit.rows() - 1) = modes.row(j) / std::max(modes.row(j).norm(), std::numeric_limits<double>::min());
      result.eigenvalues.push_back(d.eigenvalues[std::size_t(j)]);
    }
    result.modes = detail::from_eigen(unit);
    result.amplitudes = matrix<std::complex<double>>(index_t(full.size()), unit.rows());
    double off = 0;
    for (index_t i = 0; i < index_t(full.size()); ++i) {
      const auto p = detail::amplitudes_of(result.eigenvalues, unit, full[std::size_t(i)]);
      const dmd::modal_amplitudes a = detail::best_amplitudes(p, std::vector<bool>(p.units.size(), true));
      off += std::pow(a.relative_residual * p.size, 2);
      for (index_t j = 0; j < unit.rows(); ++j) result.amplitudes(i, j) = size * a.values[std::size_t(j)];
    }
    result.relative_residual = std::sqrt(off) / all.norm();
    if (last) break;
    std::vector<double> most(kept.size(), 0);
    for (index_t i = 0; i < result.amplitudes.rows(); ++i)
      for (index_t j = 0; j < unit.rows(); ++j)
        most[std::size_t(j)] = std::max(most[std::size_t(j)], std::abs(result.amplitudes(i, j)));
    const double largest = *std::max_element(most.begin(), most.end());
    for (std::size_t j = 0; j < kept.size(); ++j) kept[j] = most[j] > 0 && most[j] >= options.mode_tolerance * largest;
  }
  return result;
}
template <class = void>
higher_order_dynamics hodmd(const_view<double> trajectory, const hodmd_options& options = {}) {
  return hodmd(std::array{trajectory}, options);
}

}  // namespace kdm
