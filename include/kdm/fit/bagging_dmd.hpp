/// Bagging, optimized DMD: how certain the exponents of a trajectory are.
#pragma once

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstdint>
#include <numbers>
#include <optional>
#include <utility>
#include <vector>

#include "kdm/exec/serial.hpp"
#include "kdm/fit/optimized_dmd.hpp"
#include "kdm/math/random.hpp"

namespace kdm::dmd {

struct bagging_options {
  optimized_options fit;
  index_t trials = 100;
  double share = 0.6;  ///< of the snapshots that a trial sees, drawn without repetition; below 1
  std::uint64_t seed = 0;
};

/// The fit of all snapshots, and from fits of some of them their mean and how uncertain the fit of all is.
///
/// The deviations estimate what independent data sets of the same times and noise would spread by: the spread over the
/// trials, divided by sqrt((1 - share) / share), by which fits of a share of one data set spread less or more.
/// Shapes.    q exponents in the order of `whole`; modes and their deviations [q, n].
struct bagging_dynamics {
  optimized_dynamics whole;
  std::vector<std::complex<double>> exponents;  ///< means
  std::vector<double> growth_deviations;        ///< of Re alpha of `whole`
  std::vector<double> frequency_deviations;     ///< of Im alpha / 2 pi of `whole`
  matrix<std::complex<double>> modes;           ///< means, anchored as those of `whole`
  matrix<double> mode_deviations;               ///< of the modes of `whole`, of |mode - true|, element by element
  index_t trials = 0;                           ///< that converged and count
  index_t failed = 0;                           ///< that did not, and are left out
};

/// Fits optimized DMD to many random parts of the snapshots.
///
/// Every trial starts from the exponents of the fit of all snapshots, and its exponents are matched to these such that
/// the sum of distances is least. The deviations tell which exponents the data determine; they take the noise of
/// different snapshots for independent and small enough for the fit to follow linearly. All trials share the directions
/// of the data that the rank keeps: what the noise does to modes outside of these is not in their deviations.
/// A trial is a function of the seed and its number, so the result has the same bits for any number of lanes.
/// Shapes.    x [times, n]; times strictly increasing.
/// Cost.      one optimized fit a trial, over the lanes of the executor.
/// Throws.    as optimized; option_error for less than 2 trials, a share outside (0, 1) or one that leaves no snapshot
///            out; shape_error when it leaves too few; numeric_error when fewer than 2 trials converge.
/// Source.    Sashidhar, Kutz 2022, "Bagging, optimized dynamic mode decomposition for robust, stable forecasting with
///            spatial and temporal uncertainty quantification", Phil. Trans. R. Soc. A 380; Politis, Romano, Wolf 1999,
///            "Subsampling" (the factor)
/// Example.   docs/fitting.md
template <executor E = serial>
bagging_dynamics bagging(state_rows x, const std::vector<double>& times, const bagging_options& options = {},
                         const E& e = {}) {
  if (options.trials < 2 || !(options.share > 0 && options.share < 1))
    fail<option_error>("dmd::bagging: ", options.trials, " trials of a share of ", options.share,
                       ", expected at least 2 and a share in (0, 1)");
  const detail::exponential_problem problem = detail::exponential_problem_of(x, times, options.fit);
  bagging_dynamics result;
  result.whole = detail::dynamics_of(problem, detail::solve(problem, options.fit.start, options.fit));
  const std::vector<std::complex<double>>& reference = result.whole.exponents;
  const index_t q = index_t(reference.size()), p = problem.y.cols(), n = x.cols;
  const index_t size = index_t(std::llround(options.share * double(x.rows)));
  if (size * p < q * p + q || size <= q)
    fail<shape_error>("dmd::bagging: ", size, " of ", x.rows, " snapshots do not determine ", q,
                      " exponents and their modes, expected a larger share");
  if (size == x.rows)
    fail<option_error>("dmd::bagging: a share of ", options.share, " of ", x.rows,
                       " snapshots is all of them, so every trial is the same, expected a smaller share");

  auto fits = vector_of<std::optional<optimized_dynamics>>("dmd::bagging: trials", options.trials);
  e.for_chunks(options.trials, 1, [&](index_t first, index_t last, int) {
    for (index_t k = first; k < last; ++k) {
      // The rows of the smallest random numbers, in order.
      const random_table table{options.seed, streams::user, std::uint32_t(k)};
      std::vector<std::pair<double, index_t>> drawn;
      for (index_t i = 0; i < x.rows; ++i) drawn.emplace_back(table.uniform<double>(i, 0), i);
      std::sort(drawn.begin(), drawn.end());
      std::vector<index_t> rows;
      for (index_t i = 0; i < size; ++i) rows.push_back(drawn[std::size_t(i)].second);
      std::sort(rows.begin(), rows.end());
      const detail::exponential_problem part = problem.part(rows);
      const detail::exponential_search search = detail::solve(part, reference, options.fit);
      if (search.status == optimized_status::converged || search.status == optimized_status::bound_active)
        fits[std::size_t(k)] = detail::dynamics_of(part, search);
    }
  });

  // Matched to the whole fit and moved to its anchors. A pair of the whole that a trial split counts as its mean pair.
  std::vector<std::vector<std::complex<double>>> alphas;
  std::vector<Eigen::MatrixXcd> modes;
  for (const auto& fit : fits) {
    if (!fit) continue;
    const std::vector<index_t> partner = optimal_matching(reference, fit->exponents);
    std::vector<std::complex<double>> alpha;
    Eigen::MatrixXcd mode(q, n);
    for (index_t j = 0; j < q; ++j) {
      const std::size_t from = std::size_t(partner[std::size_t(j)]);
      alpha.push_back(fit->exponents[from]);
      const double moved = result.whole.anchors[std::size_t(j)] - fit->anchors[from];
      const std::complex<double> factor = std::exp(alpha.back() * moved);
      for (index_t i = 0; i < n; ++i) mode(j, i) = factor * fit->modes(index_t(from), i);
    }
    for (index_t j = 0; j + 1 < q; ++j)
      if (reference[std::size_t(j)].imag() > 0) {
        auto &plus = alpha[std::size_t(j)], &minus = alpha[std::size_t(j) + 1];
        plus = 0.5 * (plus + std::conj(minus));
        minus = std::conj(plus);
        mode.row(j) = (0.5 * (mode.row(j) + mode.row(j + 1).conjugate())).eval();
        mode.row(j + 1) = mode.row(j).conjugate();
      }
    if (!mode.allFinite()) continue;  // a growth that overflows on the way from its own snapshots to all of them
    alphas.push_back(std::move(alpha));
    modes.push_back(std::move(mode));
  }
  result.trials = index_t(alphas.size());
  result.failed = options.trials - result.trials;
  if (result.trials < 2)
    fail<numeric_error>("dmd::bagging: ", result.trials, " of ", options.trials,
                        " trials converged, expected at least 2");

  // The parts overlap: fits of `size` of m snapshots, drawn without repetition, have the variance of one snapshot's
  // influence times 1 / size - 1 / m, where the fit of all has it times 1 / m.
  const double count = double(result.trials), narrow = std::sqrt(double(x.rows - size) / double(size));
  Eigen::MatrixXcd mean = Eigen::MatrixXcd::Zero(q, n);
  for (const auto& mode : modes) mean += mode / count;
  Eigen::MatrixXd spread = Eigen::MatrixXd::Zero(q, n);
  for (const auto& mode : modes) spread += ((mode - mean) / problem.unit).cwiseAbs2() / (count - 1);
  result.modes = detail::from_eigen(mean);
  result.mode_deviations = detail::from_eigen((problem.unit / narrow * spread.cwiseSqrt()).eval());
  for (std::size_t j = 0; j < std::size_t(q); ++j) {
    std::complex<double> centre = 0;
    for (const auto& alpha : alphas) centre += alpha[j] / count;
    double growth = 0, turn = 0;
    for (const auto& alpha : alphas) {
      growth += std::pow(alpha[j].real() - centre.real(), 2) / (count - 1);
      turn += std::pow(alpha[j].imag() - centre.imag(), 2) / (count - 1);
    }
    result.exponents.push_back(centre);
    result.growth_deviations.push_back(std::sqrt(growth) / narrow);
    result.frequency_deviations.push_back(std::sqrt(turn) / (2 * std::numbers::pi * narrow));
  }
  return result;
}

}  // namespace kdm::dmd
