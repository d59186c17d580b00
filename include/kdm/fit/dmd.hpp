/// Dynamic mode decomposition: the linear map from each snapshot to the next, fitted in four ways.
#pragma once

#include <algorithm>
#include <limits>
#include <utility>

#include "kdm/fit/dmd_basis.hpp"
#include "kdm/fit/dmd_square_root.hpp"

namespace kdm {

namespace detail {

/// Directions in which an operator is smaller than this share of its norm have no exact mode.
inline constexpr double exact_mode = 1e-10;

/// An eigenvalue counts as 0 up to this share of the largest; one in a Jordan block of p rows if its p-th power does.
inline constexpr double zero_eigenvalue = 1e-9;

/// Restricts an answer to the eigenvalues other than 0; returns how many it dropped.
///
/// z k depends on z through the column space of k alone, which becomes the basis e, and again for a defective zero: in
/// the end k e = e k_e with a regular k_e. Latents that took p steps are z e k_e^-p e' k^p. Rounding leaves errors of
/// one size in what k does to the data, diag(s) k e, whatever the coordinates: that is where zeros are told. A
/// direction that the data hardly show looks like a zero there as well, so what is left out is looked at by itself: unless
/// as many steps as were taken lead to 0, nothing is dropped.
template <class = void>
index_t drop_zero_eigenvalues(dmd_answer& a, const Eigen::VectorXd& s, double size_of_y, double tolerance) {
  const index_t whole = a.k.rows();
  Eigen::MatrixXd e = Eigen::MatrixXd::Identity(whole, whole), k = a.k;
  index_t steps = 0;
  for (; k.rows() > 0; ++steps) {
    const index_t r = k.rows();
    const Eigen::HouseholderQR<Eigen::MatrixXd> weighted(s.asDiagonal() * e);
    const Eigen::MatrixXd weight = weighted.matrixQR().topRows(r).triangularView<Eigen::Upper>();
    const svd_factors f = jacobi_svd(weight * k);
    const index_t kept =
        std::count_if(f.s.data(), f.s.data() + r, [&](double v) { return v > tolerance * size_of_y; });
    if (kept == r) break;
    Eigen::MatrixXd basis(r, kept);
    if (kept > 0) {
      const Eigen::HouseholderQR<Eigen::MatrixXd> qr(weight.triangularView<Eigen::Upper>().solve(f.u.leftCols(kept)));
      basis = qr.householderQ() * Eigen::MatrixXd::Identity(r, kept);
    }
    e = (e * basis).eval();
    k = (basis.transpose() * k * basis).eval();
  }
  const index_t left = k.rows();
  if (steps == 0) return 0;
  Eigen::MatrixXd others = Eigen::MatrixXd::Identity(whole, whole);
  if (left > 0) {
    const Eigen::HouseholderQR<Eigen::MatrixXd> qr(e);
    others = qr.householderQ() * others;
  }
  const Eigen::MatrixXd rest = others.rightCols(whole - left), alone = rest.transpose() * a.k * rest;
  const double radius = left > 0 ? spectrum(from_eigen(k)).radius() : a.k.norm();
  Eigen::MatrixXd power = alone / radius;
  for (index_t p = 1; p < steps; ++p) power = (power * alone / radius).eval();
  if (!(power.norm() <= zero_eigenvalue)) return 0;
  if (left == 0) return whole;
  Eigen::MatrixXd back = e.transpose();
  const Eigen::PartialPivLU<Eigen::MatrixXd> lu(k);
  for (index_t step = 0; step < steps; ++step) back = lu.solve(back * a.k).eval();
  a.q = (a.q * e).eval();
  a.k = k;
  a.states = (back * a.states).eval();
  a.next = (back * a.next).eval();
  return whole - left;
}

template <class = void>
linear_dynamics projected_dmd(const dmd_data& data, const dmd_options& o) {
  truncated_svd f = leading_directions(data.x, o.rank, data.rows, most_directions, data.x_errors);
  dmd_answer a = project("dmd::projected", std::move(f), data.y);
  const double least = data.least_residual(a.q);
  return finished(data, std::move(a), least);
}

template <class = void>
linear_dynamics exact_dmd(const dmd_data& data, const dmd_options& o) {
  truncated_svd f = leading_directions(data.x, o.rank, data.rows, most_directions, data.x_errors);
  const Eigen::VectorXd s = f.s;
  dmd_answer a = project("dmd::exact", std::move(f), data.y);
  const double least = data.least_residual(a.q);
  const double tolerance = double(std::max(data.rows, data.x.cols())) * std::numeric_limits<double>::epsilon();
  const index_t dropped = a.k.norm() > 0 ? drop_zero_eigenvalues(a, s, data.y.norm(), tolerance) : s.size();
  if (dropped == s.size()) fail<numeric_error>("dmd::exact: every eigenvalue is 0, expected one that has a mode");
  // k^-1 next, as the states and what lies beside them: a k that is nearly singular spoils no more than the latter.
  const Eigen::MatrixXd beside = a.next - a.k * a.states;
  const Eigen::PartialPivLU<Eigen::MatrixXd> lu(a.k);
  Eigen::MatrixXd decode = a.states;
  if (lu.rcond() > exact_mode) decode += lu.solve(beside);
  else decode += solve_truncated(a.k, beside, exact_mode).x;
  linear_dynamics d = finished(data, std::move(a), least, &decode);
  if (dropped > 0)
    add_note(d, concat("dropped ", dropped, dropped > 1 ? " zero eigenvalues" : " zero eigenvalue", ": 0 to ",
                       zero_eigenvalue, " of the largest"));
  return d;
}

template <class = void>
linear_dynamics total_least_squares_dmd(const dmd_data& data, const dmd_options& o) {
  const index_t n = data.x.cols();
  Eigen::MatrixXd both(data.x.rows(), 2 * n);
  both << data.x, data.y;
  truncated_svd f = leading_directions(both, o.rank, data.rows, n, data.x_errors.beside(data.y_errors));
  require_rank("dmd::total_least_squares", f.rank);
  // p'[X | Y] = diag(s) q': as many rows as directions, and the same least-squares problem as p p'[X | Y].
  const Eigen::MatrixXd x = f.s.asDiagonal() * f.q.topRows(n).transpose();
  const Eigen::MatrixXd y = f.s.asDiagonal() * f.q.bottomRows(n).transpose();
  dmd_answer a = project("dmd::total_least_squares",
                         leading_directions(x, rank_rule::tolerance(), x.rows(), most_directions, data.x_errors), y);
  a.dependent = a.rank.rank < f.rank.rank;
  a.rank = std::move(f.rank);
  const double least = data.least_residual(a.q);
  return finished(data, std::move(a), least);
}

template <class = void>
linear_dynamics forward_backward_dmd(const dmd_data& data, const dmd_options& o) {
  truncated_svd f = leading_directions(data.x, o.rank, data.rows, most_directions, data.x_errors);
  const Eigen::VectorXd s = f.s;
  const Eigen::MatrixXd p = f.p;
  dmd_answer a = project("dmd::forward_backward", std::move(f), data.y);
  const double forward = data.least_residual(a.q);

  // With z = p diag(s) and z(next) = p_y diag(s_y) q_y' the backward operator is q_y diag(s_y)^-1 c diag(s), c = p_y'p.
  // The singular values of c are cosines of angles between the columns of z and those of z(next): 1 without noise.
  const truncated_svd g = leading_directions(data.y * a.q, rank_rule::tolerance(), data.rows);
  const Eigen::MatrixXd cosines = g.p.transpose() * p;
  const double least = g.s.size() == s.size() ? jacobi_svd(cosines).s(s.size() - 1) : 0;
  std::string note;
  if (least > 1e-8) {
    const Eigen::MatrixXd inverse =
        s.cwiseInverse().asDiagonal() * cosines.partialPivLu().solve(g.s.asDiagonal() * g.q.transpose());
    const nearby_root root = square_root_near(inverse * a.k, a.k);
    if (root.converged) a.k = root.root;
    else note = "no square root lies near the forward operator: this is the forward operator";
  } else {
    note = "the backward operator is nearly singular: this is the forward operator";
  }
  a.dependent = !note.empty();
  linear_dynamics d = finished(data, std::move(a), forward);
  if (!note.empty()) add_note(d, note);
  return d;
}

}  // namespace detail

/// Fits of z(next) = z k to snapshot pairs. Every one takes pairs, or the triangle of [X | Y] that a snapshot_qr
/// gathered from any number of them; weights multiply squares.
///
/// Status.    rank_deficient: the snapshots span fewer directions than they could. fewer_rows_than_columns: every pair
///            is met exactly, so residuals are 0 whatever the data: look at mode_residuals, or cut the rank.
/// Throws.    as require_pairs; shape_error for a triangle without rows or with other columns of b than of a;
///            numeric_error when the rank rule leaves nothing, as for snapshots that are all 0.
namespace dmd {

/// The least-squares operator within the leading directions q of the snapshots: encode = q, decode = q'.
///
/// Cost.      10 m n^2 flops for m > 2 n pairs of n states, 4 n m^2 for n > m, and O(r^3): nothing of the size n x n is
///            formed for n > m, and X'X never.
/// Source.    Schmid 2010, "Dynamic mode decomposition of numerical and experimental data", J. Fluid Mech. 656;
///            residuals: Drmac, Mezic, Mohr 2018, "Data driven modal decompositions: analysis and enhancements", SIAM
///            J. Sci. Comput. 40
/// Example.   docs/fitting.md
template <class = void>
linear_dynamics projected(const snapshot_pairs& pairs, const dmd_options& options = {}) {
  return detail::projected_dmd(detail::reduced("dmd::projected", pairs, options), options);
}
template <class = void>
linear_dynamics projected(const snapshot_qr& data, const dmd_options& options = {}, double dt = 1) {
  return detail::projected_dmd(detail::reduced("dmd::projected", data, options, dt), options);
}

/// The same operator, with modes that are eigenvectors of the least-squares operator on all states.
///
/// x(next) = z p with p = q' X^+ Y, so decode = k^-1 p, and the modes are Tu's, with their 1 / lambda: they may lie
/// outside the span of X. Eigenvalues that are 0, to 1e-9 of the largest, have no such mode and are dropped, with a
/// note: what would be gone after a few steps is not predicted. Directions that the operator takes to nothing, to 1e-10
/// of its norm, keep their projected modes. Mode residuals are those of the projected modes.
/// Cost.      as projected.
/// Throws.    numeric_error when every eigenvalue is 0.
/// Source.    Tu, Rowley, Luchtenburg, Brunton, Kutz 2014, "On dynamic mode decomposition: theory and applications",
///            J. Comput. Dyn. 1
/// Example.   docs/fitting.md
template <class = void>
linear_dynamics exact(const snapshot_pairs& pairs, const dmd_options& options = {}) {
  return detail::exact_dmd(detail::reduced("dmd::exact", pairs, options), options);
}
template <class = void>
linear_dynamics exact(const snapshot_qr& data, const dmd_options& options = {}, double dt = 1) {
  return detail::exact_dmd(detail::reduced("dmd::exact", data, options, dt), options);
}

/// The operator for noise in x and y alike: both are first projected on the leading directions of [X | Y].
///
/// Least squares shrinks eigenvalues by noise in x; this does not, for noise of one size in all elements of x and y.
/// The rank rule judges the singular values of [X | Y], and keeps n at most: more is noise, whatever the rule. With no
/// more pairs than the rank the projection changes nothing, so cut the rank of wide data.
/// Cost.      four times projected.
/// Source.    Hemati, Rowley, Deem, Cattafesta 2017, "De-biasing the dynamic mode decomposition for applied Koopman
///            spectral analysis of noisy datasets", Theor. Comput. Fluid Dyn. 31
/// Example.   docs/fitting.md
template <class = void>
linear_dynamics total_least_squares(const snapshot_pairs& pairs, const dmd_options& options = {}) {
  return detail::total_least_squares_dmd(detail::reduced("dmd::total_least_squares", pairs, options), options);
}
template <class = void>
linear_dynamics total_least_squares(const snapshot_qr& data, const dmd_options& options = {}, double dt = 1) {
  return detail::total_least_squares_dmd(detail::reduced("dmd::total_least_squares", data, options, dt), options);
}

/// The operator whose square is forward over backward: what noise takes from the one it takes from the other.
///
/// k k = b^-1 f for the least-squares operators f forward and b backward, both in the directions q of x, and k the
/// square root next to f: real, with the signs of f's eigenvalues. When b is nearly singular, or no root lies near f,
/// the result is f, the status is rank_deficient and the note says why.
/// Cost.      projected, and some five eigendecompositions of k.
/// Source.    Dawson, Hemati, Williams, Rowley 2016, "Characterizing and correcting for the effect of sensor noise in
///            the dynamic mode decomposition", Exp. Fluids 57
/// Example.   docs/fitting.md
template <class = void>
linear_dynamics forward_backward(const snapshot_pairs& pairs, const dmd_options& options = {}) {
  return detail::forward_backward_dmd(detail::reduced("dmd::forward_backward", pairs, options), options);
}
template <class = void>
linear_dynamics forward_backward(const snapshot_qr& data, const dmd_options& options = {}, double dt = 1) {
  return detail::forward_backward_dmd(detail::reduced("dmd::forward_backward", data, options, dt), options);
}

}  // namespace dmd

}  // namespace kdm
