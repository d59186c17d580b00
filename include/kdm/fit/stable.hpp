/// Least squares among matrices of spectral radius at most one.
#pragma once

#include <Eigen/Cholesky>
#include <Eigen/LU>
#include <algorithm>
#include <cmath>
#include <complex>
#include <cstddef>
#include <limits>
#include <utility>

#include "kdm/fit/least_squares.hpp"
#include "kdm/fit/pod.hpp"
#include "kdm/fit/procrustes.hpp"
#include "kdm/fit/spectrum.hpp"
#include "kdm/fit/stable_search.hpp"

namespace kdm::detail {

/// s such that k contracts in the norm |s x|: the Cholesky factor of P = s's with k'P k < P, P = sum_i (k')^i k^i.
///
/// For a k of spectral radius below one.
template <class = void>
Eigen::MatrixXd contracting_norm(const Eigen::MatrixXd& k) {
  return gramian(k, 1e12).p.llt().matrixU();
}

/// k pulled towards zero by at least `by`, until it is well inside the matrices of spectral radius below one.
template <class = void>
Eigen::MatrixXd pulled_in(const Eigen::MatrixXd& k, double by = 1e-3) {
  for (; by < 1; by *= 2)
    if (gramian(k * (1 - by), 1e10).bounded) return k * (1 - by);
  return Eigen::MatrixXd::Zero(k.rows(), k.cols());
}

/// k with the eigenvalues outside the disc moved to the circle; k where its eigenvectors do not span.
template <class = void>
Eigen::MatrixXd eigenvalues_moved_in(const Eigen::MatrixXd& k) {
  const spectrum_result s = spectrum(from_eigen(k));
  const Eigen::MatrixXcd v = to_eigen_complex(s.eigenvectors.view());
  Eigen::VectorXcd lambda(k.rows());
  for (index_t j = 0; j < k.rows(); ++j) {
    const std::complex<double> l = s.eigenvalues[std::size_t(j)];
    lambda(j) = l / std::max(1., std::abs(l));
  }
  // v lambda v^-1, as the solution of a transposed system.
  const Eigen::MatrixXcd left = v.transpose(), right = (v * lambda.asDiagonal()).transpose();
  const Eigen::MatrixXd moved = left.partialPivLu().solve(right).real().transpose();
  return moved.allFinite() ? moved : k;
}

/// Projected gradient steps over the contractions C of K = s^-1 C s, from a K in the disc.
///
/// Every stable matrix can be written so. s comes from K; over C the problem is convex, and steps lower it until they
/// stall; then s is taken from the new K, as long as that helps. s itself is not optimised, so what it ends at may be
/// far from a minimum where K is far from normal.
/// Source.    Gillis, Karow, Sharma 2020, "A note on approximating the nearest stable discrete-time descriptor systems
///            with fixed rank", Appl. Numer. Math. 148 (the parametrisation); Beck, Teboulle 2009, SIAM J. Imaging Sci.
///            2 (the accelerated steps)
template <class = void>
Eigen::MatrixXd contracted(const Eigen::MatrixXd& r11, const Eigen::MatrixXd& r12, Eigen::MatrixXd best) {
  const auto radius = [](const Eigen::MatrixXd& m) { return spectrum(from_eigen(m)).radius(); };
  const auto error = [&](const Eigen::MatrixXd& k) { return (r11 * k - r12).norm(); };
  const double tolerance = double(r11.cols()) * std::numeric_limits<double>::epsilon();
  for (int round = 0; round < 10; ++round) {
    const double before = error(best);
    const Eigen::MatrixXd s = contracting_norm(best * (1 - 1e-3));
    const auto s_solve = [&](const Eigen::MatrixXd& m) -> Eigen::MatrixXd {
      return s.triangularView<Eigen::Upper>().solve(m);
    };
    const auto back = [&](const Eigen::MatrixXd& c) -> Eigen::MatrixXd { return s_solve(c * s); };
    // s k s^-1 = (s'^-1 (s k)')'.
    Eigen::MatrixXd c = nearest_contraction(
        s.transpose().triangularView<Eigen::Lower>().solve((s * best).transpose()).transpose());
    const Eigen::MatrixXd a = r11 * s_solve(Eigen::MatrixXd::Identity(s.rows(), s.cols()));
    const double steep = std::pow(jacobi_svd(a).s(0) * jacobi_svd(s).s(0), 2);
    Eigen::MatrixXd ahead = c;
    double t = 1, lowest = error(back(c));
    Eigen::MatrixXd lowest_c = c;
    for (int step = 0; step < 50; ++step) {
      const Eigen::MatrixXd slope = a.transpose() * (a * ahead * s - r12) * s.transpose();
      const Eigen::MatrixXd next = nearest_contraction(ahead - slope / steep);
      const double next_t = (1 + std::sqrt(1 + 4 * t * t)) / 2;
      ahead = next + (t - 1) / next_t * (next - c);
      c = next, t = next_t;
      if (const double e = error(back(c)); e < lowest) lowest = e, lowest_c = c;
    }
    Eigen::MatrixXd k = back(lowest_c);
    // Rounding may leave the disc by a hair.
    for (double r = radius(k); r > 1; r = radius(k)) k /= r * (1 + tolerance);
    if (error(k) < before) best = std::move(k);
    if (!(error(best) < before * (1 - 1e-6))) break;
  }
  return best;
}

struct stable_result {
  Eigen::MatrixXd k;
  bool inside = false;     ///< the minimum without the constraint is stable, so it is the minimum
  bool converged = false;  ///< a local minimum, up to the tolerances of stable_search
};

/// A K of spectral radius at most one that makes |x K - y| small.
///
/// The minimum without the constraint, where that is stable: nothing is lost then. Otherwise three starts: the
/// projected steps of `contracted`, the unconstrained K pulled into the disc, and K with its eigenvalues moved to the
/// circle. From each a short descent inside the disc; the best goes on. What is guaranteed: a spectral radius of at
/// most 1 as computed, and a residual no larger than that of the pulled-in K. The minimum is a local one.
/// Cost.      1450 evaluations of stable_search at most, and up to 500 singular value decompositions.
template <class = void>
stable_result nearest_stable(const Eigen::MatrixXd& x, const Eigen::MatrixXd& y) {
  const double unit = unit_of(x.data(), x.size());  // squares of the data neither vanish nor overflow
  const Eigen::MatrixXd r11 = x / unit, r12 = y / unit;
  const auto error = [&](const Eigen::MatrixXd& k) { return (r11 * k - r12).norm(); };
  const double tolerance = double(r11.cols()) * std::numeric_limits<double>::epsilon();
  const Eigen::MatrixXd free = solve_truncated(r11, r12, tolerance).x;
  const double outer = spectrum(from_eigen(free)).radius();
  if (outer <= 1) return {free, true, true};

  stable_result best{contracted(r11, r12, free / (outer * (1 + tolerance)))};
  const stable_problem problem(r11, r12);
  stable_search ahead;
  for (const Eigen::MatrixXd& start : {best.k, Eigen::MatrixXd(0.9 / outer * free), eigenvalues_moved_in(free)}) {
    stable_search s = search_stable(problem, pulled_in(start), 150);
    if (ahead.k.size() == 0 || error(s.k) < error(ahead.k)) ahead = std::move(s);
  }
  if (!ahead.converged) ahead = search_stable(problem, pulled_in(ahead.k, 1e-6), 1000);
  // Rounding may leave the disc by a hair.
  for (double r = spectrum(from_eigen(ahead.k)).radius(); r > 1; r = spectrum(from_eigen(ahead.k)).radius())
    ahead.k /= r * (1 + tolerance);
  if (error(ahead.k) < error(best.k)) best.k = std::move(ahead.k);
  best.converged = ahead.converged;
  return best;
}

}  // namespace kdm::detail
