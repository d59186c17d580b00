/// Amplitudes of modes over a whole trajectory, and which few modes suffice.
#pragma once

#include <algorithm>
#include <cmath>
#include <complex>
#include <utility>
#include <vector>

#include "kdm/core/finite.hpp"
#include "kdm/fit/dynamics.hpp"
#include "kdm/fit/pod.hpp"

namespace kdm::dmd {

/// x_t = sum_j amplitudes_j lambda_j^(t - anchor_j) modes_j, with modes of norm one.
///
/// The anchor is the last snapshot for eigenvalues outside the unit circle and 0 otherwise, so no power overflows and
/// an amplitude is what its mode contributes at most.
struct modal_amplitudes {
  std::vector<std::complex<double>> values;
  double relative_residual = 0;  ///< |x - sum| / |x|
};

/// One point of a sparsity path: fewer modes for a larger gamma.
struct sparsity_point {
  double gamma = 0;
  index_t kept = 0;            ///< amplitudes that are not zero
  modal_amplitudes amplitudes; ///< the best ones of the modes kept, without penalty
  bool converged = true;       ///< whether the alternating directions settled within the iterations
};

struct sparse_options {
  std::vector<double> gammas;     ///< penalties; empty: `levels` of them up to the one that keeps nothing
  index_t levels = 20;
  index_t max_iterations = 20000;
  double tolerance = 1e-8;        ///< relative changes at which the alternating directions have settled
};

struct sparse_dynamics {
  std::vector<std::complex<double>> eigenvalues;
  matrix<std::complex<double>> modes;  ///< rows of norm one
  modal_amplitudes optimal;            ///< all modes
  std::vector<sparsity_point> path;    ///< in the order of the gammas

  /// The sum over the modes for snapshots 0 .. count - 1: [count, n]. `length` is that of the trajectory fitted.
  matrix<double> reconstruct(const modal_amplitudes& a, index_t length, index_t count) const {
    matrix<double> x(count, modes.cols());
    for (index_t j = 0; j < modes.rows(); ++j) {
      const std::complex<double> lambda = eigenvalues[std::size_t(j)];
      const index_t anchor = std::abs(lambda) > 1 ? length - 1 : 0;
      for (index_t t = 0; t < count; ++t) {
        const std::complex<double> factor = a.values[std::size_t(j)] * std::pow(lambda, double(t - anchor));
        if (t == anchor || lambda != 0.0)
          for (index_t k = 0; k < x.cols(); ++k)
            x(t, k) += ((t == anchor ? a.values[std::size_t(j)] : factor) * modes(j, k)).real();
      }
    }
    return x;
  }
};

}  // namespace kdm::dmd

namespace kdm::detail {

/// The least-squares problem of the amplitudes in real unknowns: Re and Im for a pair, one for a real eigenvalue.
struct amplitude_problem {
  std::vector<std::pair<index_t, index_t>> units;  ///< first eigenvalue, and one or two unknowns
  snapshot_qr data;                                ///< [functions | x]
  double outside = 0;                              ///< what no combination of modes reaches
  double size = 0;                                 ///< |x|
};

/// Rows of norm one; a row of zeros stays.
template <class = void>
Eigen::MatrixXcd unit_modes(const_view<std::complex<double>> modes) {
  Eigen::MatrixXcd unit = to_eigen_complex(modes);
  for (index_t j = 0; j < unit.rows(); ++j)
    if (const double norm = unit.row(j).norm(); norm > 0) unit.row(j) /= norm;
  return unit;
}

template <class = void>
amplitude_problem amplitudes_of(const std::vector<std::complex<double>>& eigenvalues,
                                const Eigen::MatrixXcd& modes, const_view<double> x) {
  const index_t q = modes.rows();
  amplitude_problem p{{}, snapshot_qr(q, 1)};
  for (index_t j = 0; j < q; j += p.units.back().second)
    p.units.emplace_back(j, eigenvalues[std::size_t(j)].imag() == 0 ? 1 : 2);

  // In coordinates of what the modes span, every snapshot is at most q numbers.
  Eigen::MatrixXd parts(x.cols, q);
  for (const auto& unit : p.units) {
    parts.col(unit.first) = modes.row(unit.first).real().transpose();
    if (unit.second == 2) parts.col(unit.first + 1) = modes.row(unit.first).imag().transpose();
  }
  const Eigen::MatrixXd basis = orthonormalise(parts).q;
  const Eigen::MatrixXcd small = modes * basis.cast<std::complex<double>>();
  const Eigen::MatrixXd whole = to_eigen(x), y = whole * basis;
  p.size = whole.norm();
  p.outside = (whole - y * basis.transpose()).norm();

  matrix<double> functions(q, q), target(q, 1);
  for (index_t t = 0; t < x.rows; ++t) {
    for (const auto& unit : p.units) {
      const index_t j = unit.first;
      const std::complex<double> lambda = eigenvalues[std::size_t(j)];
      const index_t power = std::abs(lambda) > 1 ? t - (x.rows - 1) : t;
      const std::complex<double> factor = power == 0 ? 1. : lambda == 0.0 ? 0. : std::pow(lambda, double(power));
      for (index_t c = 0; c < q; ++c) {
        const std::complex<double> value = factor * small(j, c);
        functions(c, j) = unit.second == 2 ? 2 * value.real() : value.real();
        if (unit.second == 2) functions(c, j + 1) = -2 * value.imag();
      }
    }
    for (index_t c = 0; c < q; ++c) target(c, 0) = y(t, c);
    p.data.append(functions, target);
  }
  return p;
}

/// The best amplitudes of the units that are kept.
template <class = void>
dmd::modal_amplitudes best_amplitudes(const amplitude_problem& p, const std::vector<bool>& kept) {
  const index_t q = p.data.a_cols();
  dmd::modal_amplitudes a{std::vector<std::complex<double>>(std::size_t(q), 0.), 1};
  std::vector<index_t> columns;
  for (std::size_t g = 0; g < p.units.size(); ++g)
    for (index_t k = 0; kept[g] && k < p.units[g].second; ++k) columns.push_back(p.units[g].first + k);
  if (columns.empty()) return a;
  matrix<double> choose(q, index_t(columns.size())), one(1, 1);
  one(0, 0) = 1;
  for (std::size_t k = 0; k < columns.size(); ++k) choose(columns[k], index_t(k)) = 1;
  const snapshot_qr some = p.data.transformed(choose, one);
  const matrix<double> b = least_squares(some).k;
  std::vector<double> all(std::size_t(q), 0.);
  for (std::size_t k = 0; k < columns.size(); ++k) all[std::size_t(columns[k])] = b(index_t(k), 0);
  for (const auto& unit : p.units) {
    const std::size_t j = std::size_t(unit.first);
    a.values[j] = unit.second == 2 ? std::complex<double>(all[j], all[j + 1]) : all[j];
    if (unit.second == 2) a.values[j + 1] = std::conj(a.values[j]);
  }
  a.relative_residual = p.size > 0 ? std::hypot(residual_norm(some.blocks(), b), p.outside) / p.size : 0;
  return a;
}

/// The amplitudes that |T b - s|^2 + gamma sum_j |b_j| keeps; b starts from and ends as the solution.
///
/// Source.    Jovanovic, Schmid, Nichols 2014; Boyd, Parikh, Chu, Peleato, Eckstein 2011, "Distributed optimization and
///            statistical learning via the alternating direction method of multipliers"
template <class = void>
bool alternate_directions(const amplitude_problem& p, double gamma, const dmd::sparse_options& o,
                          Eigen::VectorXd& b) {
  const snapshot_blocks r = p.data.blocks();
  const index_t q = b.size();
  const Eigen::MatrixXd t = to_eigen(r.r11);
  const Eigen::VectorXd pull = t.transpose() * to_eigen(r.r12);
  const double rho = 2 * t.squaredNorm() / double(q);
  // (T'T + rho / 2) = R'R, without forming it.
  snapshot_qr stacked(q, 0);
  const matrix<double> none_below(q, 0);
  stacked.append(r.r11, none_below);
  stacked.append(from_eigen((std::sqrt(rho / 2) * Eigen::MatrixXd::Identity(q, q)).eval()), none_below);
  const Eigen::MatrixXd root = to_eigen(stacked.r());
  Eigen::VectorXd dual = Eigen::VectorXd::Zero(q);
  for (index_t k = 0; k < o.max_iterations; ++k) {
    Eigen::VectorXd free = pull + rho / 2 * (b - dual);
    root.transpose().triangularView<Eigen::Lower>().solveInPlace(free);
    root.triangularView<Eigen::Upper>().solveInPlace(free);
    Eigen::VectorXd next = free + dual;
    for (const auto& unit : p.units) {
      const double norm = next.segment(unit.first, unit.second).norm(), cut = gamma * double(unit.second) / rho;
      next.segment(unit.first, unit.second) *= norm > cut ? 1 - cut / norm : 0;
    }
    dual += free - next;
    const double apart = (free - next).norm(), moved = (next - b).norm();
    b = next;
    const double size = std::max({free.norm(), b.norm(), dual.norm()});  // b alone may be all zero
    if (std::max(apart, moved) <= o.tolerance * size) return true;
  }
  return false;
}

}  // namespace kdm::detail

namespace kdm::dmd {

/// The amplitudes with which the modes of d fit a whole trajectory best, and a path of fits with fewer modes.
///
/// For every gamma minimises |x - sum|^2 + gamma sum_j |amplitude_j|, conjugate pairs as one, and refits the modes that
/// stay. Neither the modes nor the powers of the eigenvalues are squared: one streaming QR of their products.
/// Shapes.    trajectory [times, n] in steps of d.dt, for the q modes of d.
/// Cost.      4 q^3 flops a snapshot and 4 times n q a snapshot; O(q^2) an iteration.
/// Throws.    shape_error; option_error for a negative option; numeric_error for a trajectory that is not finite.
/// Source.    Jovanovic, Schmid, Nichols 2014, "Sparsity-promoting dynamic mode decomposition", Phys. Fluids 26
/// Example.   docs/fitting.md
template <class = void>
sparse_dynamics sparse(const linear_dynamics& d, state_rows trajectory,
                       const sparse_options& options = {}) {
  require_size("dmd::sparse: columns of the trajectory", trajectory.cols, d.states());
  require_size("dmd::sparse: modes", d.modes.rows(), d.latent());
  if (trajectory.rows < 1) fail<shape_error>("dmd::sparse: no snapshots, expected at least 1");
  detail::require_finite_snapshots("dmd::sparse", "the trajectory", trajectory);
  if (options.levels < 1 || options.max_iterations < 1 || !(options.tolerance > 0))
    fail<option_error>("dmd::sparse: levels is ", options.levels, ", max_iterations ", options.max_iterations,
                       " and tolerance ", options.tolerance, ", expected 1, 1 and more than 0 at least");
  for (const double gamma : options.gammas)
    if (!(gamma >= 0 && is_finite(gamma)))
      fail<option_error>("dmd::sparse: gamma is ", gamma, ", expected a finite number, 0 or more");
  sparse_dynamics result;
  result.eigenvalues = d.eigenvalues;
  const Eigen::MatrixXcd unit = detail::unit_modes(d.modes.view());
  result.modes = detail::from_eigen(unit);
  const detail::amplitude_problem p = detail::amplitudes_of(d.eigenvalues, unit, trajectory);
  result.optimal = detail::best_amplitudes(p, std::vector<bool>(p.units.size(), true));

  std::vector<double> gammas = options.gammas;
  if (gammas.empty()) {
    const snapshot_blocks r = p.data.blocks();
    const Eigen::VectorXd pull = 2 * detail::to_eigen(r.r11).transpose() * detail::to_eigen(r.r12);
    double most = 0;  // beyond this penalty nothing stays
    for (const auto& u : p.units) most = std::max(most, pull.segment(u.first, u.second).norm() / double(u.second));
    for (index_t k = 1; k <= options.levels; ++k)
      gammas.push_back(most * std::pow(10., 6 * (double(k) / double(options.levels) - 1)));
  }
  Eigen::VectorXd b = Eigen::VectorXd::Zero(unit.rows());
  for (const double gamma : gammas) {
    sparsity_point point;
    point.gamma = gamma;
    point.converged = detail::alternate_directions(p, gamma, options, b);
    std::vector<bool> kept;
    for (const auto& u : p.units) {
      kept.push_back(b.segment(u.first, u.second).norm() > 0);
      if (kept.back()) point.kept += u.second;
    }
    point.amplitudes = detail::best_amplitudes(p, kept);
    result.path.push_back(std::move(point));
  }
  return result;
}

}  // namespace kdm::dmd
