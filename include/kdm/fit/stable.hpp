/// Least squares among matrices of spectral radius at most one.
#pragma once

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <utility>

#include "kdm/fit/least_squares.hpp"
#include "kdm/fit/procrustes.hpp"
#include "kdm/fit/spectrum.hpp"

namespace kdm::detail {

/// s such that k contracts in the norm |s x|: the Cholesky factor of P = s's with k'P k < P.
///
/// P = sum_i (k')^i k^i by repeated squaring. For a k of spectral radius below one.
template <class = void>
Eigen::MatrixXd contracting_norm(Eigen::MatrixXd k) {
  Eigen::MatrixXd p = Eigen::MatrixXd::Identity(k.rows(), k.cols());
  for (int doubling = 0; doubling < 60; ++doubling) {
    const Eigen::MatrixXd more = k.transpose() * p * k;
    p += more;
    if (!(more.norm() > 1e-16 * p.norm()) || !(p.norm() < 1e12)) break;
    k = (k * k).eval();
  }
  return p.llt().matrixU();
}

/// A K of spectral radius at most one that makes |r11 K - r12| small.
///
/// The minimum without the constraint, where that is stable: nothing is lost then. Otherwise K = s^-1 C s with
/// |C| <= 1, as which every stable matrix can be written. s comes from the unconstrained K pulled into the disc; over C the
/// problem is convex, and projected gradient steps lower it until they stall; then s is taken from the new K, as long
/// as that helps. What is guaranteed: a spectral radius of at most 1 as computed, and a residual no larger than that of
/// the pulled-in start. The minimum is a local one.
/// Source.    Gillis, Karow, Sharma 2020, "A note on approximating the nearest stable discrete-time descriptor systems
///            with fixed rank", Appl. Numer. Math. 148 (the parametrisation); Beck, Teboulle 2009, SIAM J. Imaging Sci.
///            2 (the accelerated steps)
template <class = void>
Eigen::MatrixXd nearest_stable(const Eigen::MatrixXd& r11, const Eigen::MatrixXd& r12) {
  const auto radius = [](const Eigen::MatrixXd& m) { return spectrum(from_eigen(m)).radius(); };
  const auto error = [&](const Eigen::MatrixXd& k) { return (r11 * k - r12).norm(); };
  const double tolerance = double(r11.cols()) * std::numeric_limits<double>::epsilon();
  Eigen::MatrixXd best = solve_truncated(r11, r12, tolerance).x;
  const double outer = radius(best);
  if (outer <= 1) return best;
  best /= outer * (1 + tolerance);

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

}  // namespace kdm::detail
