/// Optimized DMD: the exponentials that fit a whole trajectory best, at any times.
#pragma once

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <numbers>
#include <utility>
#include <vector>

#include "kdm/core/finite.hpp"
#include "kdm/fit/assignment.hpp"
#include "kdm/fit/check.hpp"
#include "kdm/fit/dynamics.hpp"
#include "kdm/fit/exponential_search.hpp"
#include "kdm/fit/pairs.hpp"

namespace kdm::dmd {

struct optimized_options {
  rank_rule rank = rank_rule::tolerance();  ///< how many directions of the data count; as many exponents are sought
  std::vector<std::complex<double>> start;  ///< where to start, in conjugate pairs; empty: from the trapezoid rule
  double lowest_growth = -std::numeric_limits<double>::infinity();  ///< bounds of Re alpha
  double highest_growth = std::numeric_limits<double>::infinity();
  index_t max_iterations = 100;
  double tolerance = 1e-10;  ///< on the cosine between the residual and what a parameter changes
  data_rounding rounding = {};  ///< how exactly the snapshots are known
};

/// x(t) = sum_j exp(alpha_j (t - anchor_j)) modes_j.
///
/// The anchor of a mode is the first time of the data, or the last one for a mode that grows: the norm of its row, the
/// amplitude, is what it contributes at most.
/// Shapes.    q exponents, conjugate pairs side by side with Im > 0 first; modes [q, n]; encode [n, q].
struct optimized_dynamics {
  std::vector<std::complex<double>> exponents;  ///< alpha, largest growth rate first
  std::vector<double> anchors;
  matrix<std::complex<double>> modes;
  std::vector<double> amplitudes;
  std::vector<double> residuals;  ///< of the eigenfunctions from one time to the next, as in linear_dynamics
  matrix<double> encode;          ///< latents of states by least squares: phi, or 2 Re phi and -2 Im phi of a pair

  optimized_status status = optimized_status::converged;
  index_t iterations = 0;
  double relative_residual = 0;  ///< |x - fit| / |x|, all directions of the data counted
  rank_decision rank;             ///< of the directions of the data

  std::vector<double> growth_rates() const {
    std::vector<double> rates;
    for (const auto& alpha : exponents) rates.push_back(alpha.real());
    return rates;
  }
  std::vector<double> frequencies() const {
    std::vector<double> f;
    for (const auto& alpha : exponents) f.push_back(alpha.imag() / (2 * std::numbers::pi));
    return f;
  }

  /// States at any times: [times, n], real because exponents and modes come in conjugate pairs.
  matrix<double> evaluate(const std::vector<double>& times) const {
    matrix<double> x(index_t(times.size()), modes.cols());
    for (index_t i = 0; i < x.rows(); ++i)
      for (index_t j = 0; j < modes.rows(); ++j) {
        const std::complex<double> factor = std::exp(exponents[std::size_t(j)] *
                                                     (times[std::size_t(i)] - anchors[std::size_t(j)]));
        for (index_t k = 0; k < x.cols(); ++k) x(i, k) += (factor * modes(j, k)).real();
      }
    return x;
  }

  /// The same dynamics as a map of states over a step of time, to start from any state.
  ///
  /// Its eigenvalues are exp(alpha dt). Frequencies above 1 / (2 dt) alias there, and only there.
  template <class = void>
  linear_dynamics dynamics(double dt) const;
};

}  // namespace kdm::dmd

namespace kdm::detail {

/// A trajectory as the fit sees it: coordinates in the directions that count, and times on [0, 1].
struct exponential_problem {
  pod_basis space;
  Eigen::MatrixXd y;
  Eigen::VectorXd t;
  double first = 0, span = 1;
  double unit = 1;  ///< what the snapshots were divided by

  /// The same for some of the rows.
  exponential_problem part(const std::vector<index_t>& rows) const {
    const index_t count = index_t(rows.size());
    exponential_problem p{space, Eigen::MatrixXd(count, y.cols()), Eigen::VectorXd(count)};
    p.unit = unit;
    p.span = span * (t(rows.back()) - t(rows.front()));
    p.first = first + span * t(rows.front());
    for (index_t i = 0; i < p.t.size(); ++i) {
      const index_t from = rows[std::size_t(i)];
      p.y.row(i) = y.row(from);
      p.t(i) = (t(from) - t(rows.front())) / (t(rows.back()) - t(rows.front()));
    }
    return p;
  }
};

template <class = void>
exponential_problem exponential_problem_of(const_view<double> x, const std::vector<double>& times,
                                           const dmd::optimized_options& options) {
  require_size("dmd::optimized: number of times", index_t(times.size()), x.rows);
  if (x.rows < 2 || x.cols < 1)
    fail<shape_error>("dmd::optimized: ", x.rows, " snapshots of ", x.cols, " numbers, expected at least 2 of 1");
  require_finite_snapshots("dmd::optimized", "x", x);
  for (std::size_t i = 0; i < times.size(); ++i)
    if (!is_finite(times[i]) || (i > 0 && !(times[i] > times[i - 1])))
      fail<option_error>("dmd::optimized: time ", i, " is ", times[i],
                         ", expected finite times, each later than the one before");
  if (!(options.lowest_growth <= options.highest_growth))
    fail<option_error>("dmd::optimized: growth rates between ", options.lowest_growth, " and ",
                       options.highest_growth, ", expected an interval");
  if (options.max_iterations < 0 || !is_not_negative(options.tolerance))
    fail<option_error>("dmd::optimized: max_iterations is ", options.max_iterations, " and tolerance ",
                       options.tolerance, ", expected 0 or more");
  exponential_problem p;
  matrix<double> scaled(x);
  p.unit = unit_of(scaled.data(), scaled.size());
  for (index_t k = 0; k < scaled.size(); ++k) scaled.data()[k] /= p.unit;
  const auto once = [&](index_t) { return std::pair<double, double>(1, p.unit); };
  p.space = pod(scaled, options.rank, errors_of_rows(x, options.rounding, once));
  if (p.space.decision.rank < 1) fail<numeric_error>("dmd::optimized: all snapshots are zero");
  const index_t n = p.space.decision.rank, q = options.start.empty() ? n : index_t(options.start.size());
  if (x.rows * n < q * n + q || x.rows <= q)
    fail<shape_error>("dmd::optimized: ", x.rows, " snapshots of rank ", n, " do not determine ", q,
                      " exponents and their modes, expected more snapshots or a lower rank");
  p.y = map_rows(scaled) * p.space.basis;
  p.first = times.front();
  p.span = times.back() - times.front();
  p.t.resize(x.rows);
  for (index_t i = 0; i < x.rows; ++i) p.t(i) = (times[std::size_t(i)] - p.first) / p.span;
  return p;
}

/// Starts from `start`, or from the better one of two trapezoid rules.
template <class = void>
exponential_search solve(const exponential_problem& p, std::vector<std::complex<double>> start,
                         const dmd::optimized_options& options) {
  const double low = options.lowest_growth * p.span, high = options.highest_growth * p.span;
  for (auto& alpha : start) alpha *= p.span;
  if (start.empty()) {
    start = trapezoid_exponents(p.t, p.y);
    const auto corrected = without_trapezoid_error(start, 1 / double(p.t.size() - 1));
    if (project_onto(terms_of(corrected, low, high), p.t, p.y).norm <
        project_onto(terms_of(start, low, high), p.t, p.y).norm)
      start = corrected;
  }
  return search_exponents(p.t, p.y, start, low, high, options.max_iterations, options.tolerance);
}

/// Real rows that span what the modes span: of a pair the real and the imaginary part.
template <class = void>
Eigen::MatrixXd real_modes(const std::vector<std::complex<double>>& exponents, const Eigen::MatrixXcd& modes) {
  Eigen::MatrixXd rows(modes.rows(), modes.cols());
  for (index_t j = 0; j < modes.rows(); ++j) {
    if (exponents[std::size_t(j)].imag() < 0) rows.row(j) = modes.row(j - 1).imag();
    else rows.row(j) = modes.row(j).real();
  }
  return rows;
}

template <class = void>
dmd::optimized_dynamics dynamics_of(const exponential_problem& p, const exponential_search& search) {
  // Terms by growth rate: a pair stays together.
  struct entry {
    std::complex<double> exponent;
    double anchor;
    Eigen::RowVectorXcd mode;
  };
  std::vector<std::vector<entry>> units;
  for (index_t first = 0; const exponential_term& term : search.fit.terms) {
    const auto exponents = exponents_of({term});
    const Eigen::MatrixXcd modes = modes_of(term, search.fit.coefficients.middleRows(first, term.size()));
    const bool conjugate = term.pair && term.d < 0;
    for (index_t k = 0; k < term.size(); ++k) {
      if (k == 0 || !conjugate) units.emplace_back();
      units.back().push_back({exponents[std::size_t(k)], term.anchor(), modes.row(k)});
    }
    first += term.size();
  }
  std::stable_sort(units.begin(), units.end(), [](const auto& a, const auto& b) {
    return a.front().exponent.real() > b.front().exponent.real();
  });

  dmd::optimized_dynamics d;
  Eigen::MatrixXcd modes(search.fit.q.cols(), p.y.cols());
  for (const auto& unit : units)
    for (const entry& e : unit) {
      modes.row(index_t(d.exponents.size())) = e.mode;
      d.exponents.push_back(e.exponent / p.span);
      d.anchors.push_back(p.first + e.anchor * p.span);
      d.amplitudes.push_back(p.unit * e.mode.norm());
    }
  const index_t q = modes.rows();
  d.modes = from_eigen((p.unit * modes * p.space.basis.transpose().cast<std::complex<double>>()).eval());

  const Eigen::MatrixXd real = real_modes(d.exponents, modes);
  snapshot_qr rows(q, p.y.cols());
  rows.append(from_eigen(real.transpose().eval()), from_eigen(Eigen::MatrixXd::Identity(p.y.cols(), p.y.cols())));
  const Eigen::MatrixXd inverse = to_eigen(least_squares(rows).k).transpose();
  d.encode = from_eigen((p.space.basis * inverse / p.unit).eval());

  const Eigen::MatrixXd z = p.y * inverse;
  for (index_t j = 0; j < q; ++j) {
    const std::complex<double> alpha = d.exponents[std::size_t(j)] * p.span;
    const auto phi = [&](index_t i) -> std::complex<double> {
      if (alpha.imag() == 0) return z(i, j);
      if (alpha.imag() > 0) return {z(i, j), -z(i, j + 1)};
      return {z(i, j - 1), z(i, j)};
    };
    double off = 0, size = 0;
    for (index_t i = 0; i + 1 < p.t.size(); ++i) {
      off += std::norm(phi(i + 1) - std::exp(alpha * (p.t(i + 1) - p.t(i))) * phi(i));
      size += std::norm(phi(i));
    }
    const double residual = std::sqrt(off / size);  // NaN where a growth beyond all numbers meets a zero
    d.residuals.push_back(is_finite(residual) ? residual : std::numeric_limits<double>::infinity());
  }

  double dropped = 0, whole = 0;
  const auto& sigma = p.space.decision.singular_values;
  for (std::size_t k = 0; k < sigma.size(); ++k) {
    whole += sigma[k] * sigma[k];
    if (index_t(k) >= p.space.decision.rank) dropped += sigma[k] * sigma[k];
  }
  d.relative_residual = std::hypot(search.fit.norm, std::sqrt(dropped)) / std::sqrt(whole);
  d.status = search.status;
  d.iterations = search.iterations;
  d.rank = p.space.decision;
  for (double& s : d.rank.singular_values) s *= p.unit;
  d.rank.cut *= p.unit;
  return d;
}

}  // namespace kdm::detail

namespace kdm::dmd {

template <class>
linear_dynamics optimized_dynamics::dynamics(double dt) const {
  require_time_step("optimized_dynamics", dt);
  const index_t q = modes.rows();
  linear_dynamics d;
  d.encode = encode;
  d.decode = detail::from_eigen(detail::real_modes(exponents, detail::to_eigen_complex(modes.view())));
  d.k = matrix<double>(q, q);
  std::vector<std::complex<double>> lambda;
  for (index_t j = 0; j < q; ++j) {
    lambda.push_back(std::exp(exponents[std::size_t(j)] * dt));
    if (!is_finite(std::abs(lambda.back())))
      fail<numeric_error>("optimized_dynamics: the growth rate ", exponents[std::size_t(j)].real(),
                          " overflows over a step of ", dt, ", expected less; highest_growth bounds it");
    d.k(j, j) = lambda.back().real();
    if (lambda.back().imag() == 0 && exponents[std::size_t(j)].imag() == 0) continue;
    const index_t partner = exponents[std::size_t(j)].imag() > 0 ? j + 1 : j - 1;
    d.k(j, partner) = -lambda.back().imag();
  }
  d.dt = dt;
  find_spectrum(d);
  for (const index_t j : optimal_matching(d.eigenvalues, lambda)) d.residuals.push_back(residuals[std::size_t(j)]);
  d.rank = rank;
  if (rank.rank > 0) d.condition = rank.singular_values.front() / rank.singular_values[std::size_t(rank.rank - 1)];
  d.relative_residual = relative_residual;
  if (q > rank.rank) d.status = fit_status::rank_deficient;
  detail::check_residual(d);
  return d;
}

/// Fits x(t) = sum_j exp(alpha_j t) modes_j to all snapshots at once, which need not be evenly spaced.
///
/// Minimises |x - fit| over exponents and modes together: noise in the snapshots biases the exponents far less than it
/// does those of a map from one snapshot to the next. The modes are eliminated (variable projection); the search over
/// the exponents runs in real parameters, so that real data give conjugate pairs exactly, and within the bounds.
/// It finds a local minimum: `start` matters where the trapezoid rule on neighbouring snapshots is far off.
/// Shapes.    x [times, n], a snapshot a row; times strictly increasing.
/// Cost.      the singular values of x once; then about 4 m r^3 flops an iteration, for m times and rank r.
/// Throws.    shape_error, also for more exponents than the data determine; option_error, also for times that do not
///            increase; numeric_error for data that are zero or not finite. How the search ended is a status.
/// Source.    Askham, Kutz 2018, "Variable projection methods for an optimized dynamic mode decomposition", SIAM J.
///            Appl. Dyn. Syst. 17; Golub, LeVeque 1979, "Extensions and uses of the variable projection algorithm"
template <class = void>
optimized_dynamics optimized(state_rows x, const std::vector<double>& times,
                             const optimized_options& options = {}) {
  const detail::exponential_problem problem = detail::exponential_problem_of(x, times, options);
  return detail::dynamics_of(problem, detail::solve(problem, options.start, options));
}

}  // namespace kdm::dmd
