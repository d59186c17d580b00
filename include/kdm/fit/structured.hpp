/// Linear fits whose matrix has a known structure: physics-informed dynamic mode decomposition.
#pragma once

#include <cmath>
#include <complex>
#include <limits>
#include <numbers>
#include <string_view>
#include <utility>
#include <vector>

#include "kdm/fit/check.hpp"
#include "kdm/fit/dynamics.hpp"
#include "kdm/fit/pairs.hpp"
#include "kdm/fit/procrustes.hpp"
#include "kdm/fit/residuals.hpp"
#include "kdm/fit/snapshot_qr.hpp"
#include "kdm/fit/stable.hpp"

namespace kdm {

/// What is known of a matrix before any data are seen.
enum class matrix_structure {
  orthogonal,  ///< K'K = 1: conserves |x|^2; all eigenvalues on the circle
  symmetric,   ///< K' = K: real eigenvalues, orthogonal modes
  skew,        ///< K' = -K: imaginary eigenvalues
  circulant,   ///< K_ij depends on (j - i) mod n alone: the same law at every place of a periodic grid
  stable       ///< spectral radius at most 1: no simulation grows for ever
};

constexpr std::string_view name_of(matrix_structure s) {
  switch (s) {
    case matrix_structure::orthogonal: return "orthogonal";
    case matrix_structure::symmetric: return "symmetric";
    case matrix_structure::skew: return "skew";
    case matrix_structure::circulant: return "circulant";
    case matrix_structure::stable: return "stable";
  }
  return "unknown";
}

namespace detail {

/// The symmetric (sign 1) or skew (sign -1) K that minimises |r11 K - r12|, element by element in the singular basis.
template <class = void>
Eigen::MatrixXd procrustes_symmetric(const Eigen::MatrixXd& r11, const Eigen::MatrixXd& r12, double sign) {
  svd_factors f = jacobi_svd(r11.transpose());  // r11 = v s u'
  const index_t n = r11.cols(), rank = rank_of(f.s);
  complete_basis(f.u, rank);  // K reaches into directions the data do not show, and is zero between them
  f.s.tail(n - rank).setZero();
  const Eigen::MatrixXd image = f.v.transpose() * r12 * f.u;
  Eigen::MatrixXd m = Eigen::MatrixXd::Zero(n, n);
  for (index_t i = 0; i < n; ++i)
    for (index_t j = 0; j < n; ++j) {
      const double si = f.s(i), sj = f.s(j);
      if (si > 0 || sj > 0) m(i, j) = (si * image(i, j) + sign * sj * image(j, i)) / (si * si + sj * sj);
    }
  return f.u * m * f.u.transpose();
}

/// The circulant K: one complex factor a frequency, from the Fourier transforms of the columns.
template <class = void>
Eigen::MatrixXd procrustes_circulant(const Eigen::MatrixXd& r11, const Eigen::MatrixXd& r12) {
  const index_t n = r11.cols();
  std::vector<std::complex<double>> root, factor;
  for (index_t k = 0; k < n; ++k) root.push_back(std::polar(1., -2 * std::numbers::pi * double(k) / double(n)));
  const double floor = r11.norm() * double(n) * std::numeric_limits<double>::epsilon();
  for (index_t k = 0; k < n; ++k) {
    Eigen::VectorXcd wave(n);
    for (index_t j = 0; j < n; ++j) wave(j) = root[std::size_t(k * j % n)];
    const Eigen::VectorXcd x = r11 * wave, y = r12 * wave;
    factor.push_back(x.norm() > floor ? x.dot(y) / x.squaredNorm() : 0.);
  }
  Eigen::VectorXd first(n);
  for (index_t j = 0; j < n; ++j) {
    std::complex<double> sum = 0;
    for (index_t k = 0; k < n; ++k) sum += factor[std::size_t(k)] * std::conj(root[std::size_t(k * j % n)]);
    first(j) = sum.real() / double(n);
  }
  Eigen::MatrixXd m(n, n);
  for (index_t i = 0; i < n; ++i)
    for (index_t j = 0; j < n; ++j) m(i, j) = first((j - i + n) % n);
  return m;
}

}  // namespace detail

/// Minimises |X K - Y| over the matrices K of one structure, from the triangle of [X | Y].
///
/// All but `stable` are the exact minimum in closed form: a polar factor, a division element by element in the singular
/// basis of X, a division frequency by frequency. `stable` takes the unconstrained minimum where that has a spectral
/// radius of at most 1, and otherwise the best local minimum from three starts, which need not be the global one:
/// `note` says so, and the status is iteration_limit where the search has not converged. The guarantee of each structure
/// holds to rounding whatever the data; directions the data do not show are set to zero (to some rotation, for
/// orthogonal) and make the status rank_deficient.
/// Shapes.    X and Y [m, n]; encode and decode are the identity, k is [n, n], and A = k' has the same structure.
/// Cost.      O(n^3); stable, where the unconstrained minimum is not: up to 500 singular value decompositions and
///            200,000 products of n x n; a second or less at n = 30.
/// Throws.    shape_error, option_error; numeric_error when X is all zero.
/// Source.    Baddoo, Herrmann, McKeon, Kutz, Brunton 2023, "Physics-informed dynamic mode decomposition", Proc. R.
///            Soc. A 479; Higham 1988, "The symmetric Procrustes problem", BIT 28
template <class = void>
linear_dynamics structured_fit(const snapshot_qr& data, matrix_structure structure, double dt = 1) {
  require_time_step("structured_fit", dt);
  require_size("structured_fit: columns of y", data.b_cols(), data.a_cols());
  if (data.rows() < 1) fail<shape_error>("structured_fit: no pairs, expected at least 1");
  const snapshot_blocks blocks = data.blocks();
  const Eigen::MatrixXd r11 = detail::to_eigen(blocks.r11), r12 = detail::to_eigen(blocks.r12);
  const index_t n = r11.cols();
  const Eigen::VectorXd sigma = detail::jacobi_svd(r11.transpose()).s;
  if (!(sigma(0) > 0)) fail<numeric_error>("structured_fit: x is all zero, expected a state that is not");

  linear_dynamics d;
  d.dt = dt;
  d.rank = rank_rule::tolerance().decide({sigma.data(), sigma.data() + n}, data.rows(), n);
  d.condition = sigma(0) / sigma(d.rank.rank - 1);
  if (data.rows() < n) d.status = fit_status::fewer_rows_than_columns;
  else if (d.rank.rank < n) d.status = fit_status::rank_deficient;

  Eigen::MatrixXd k;
  switch (structure) {
    case matrix_structure::orthogonal: k = detail::nearest_orthogonal(r11.transpose() * r12).q; break;
    case matrix_structure::symmetric: k = detail::procrustes_symmetric(r11, r12, 1); break;
    case matrix_structure::skew: k = detail::procrustes_symmetric(r11, r12, -1); break;
    case matrix_structure::circulant: k = detail::procrustes_circulant(r11, r12); break;
    case matrix_structure::stable: {
      detail::stable_result found = detail::nearest_stable(r11, r12);
      if (!found.inside)
        d.note = concat("the unconstrained fit is unstable: ",
                        found.converged ? "this is a local minimum among the stable ones"
                                        : "the search among the stable ones has not converged");
      if (!found.converged && d.status == fit_status::ok) d.status = fit_status::iteration_limit;
      k = std::move(found.k);
      break;
    }
  }
  d.k = detail::from_eigen(k);
  d.encode = d.decode = detail::from_eigen(Eigen::MatrixXd::Identity(n, n));
  const double whole = data_norm(blocks);
  d.relative_residual = whole > 0 ? residual_norm(blocks, d.k) / whole : 0;
  find_spectrum(d);
  d.residuals = eigenpair_residuals(data, d.eigenvalues, d.eigenvectors.view());
  detail::check_residual(d);
  return d;
}

/// Shapes.    x and y [m, n], weights null or [m, 1].
template <class = void>
linear_dynamics structured_fit(const_view<double> x, const_view<double> y, matrix_structure structure,
                               double dt = 1, const_view<double> weights = {}) {
  snapshot_qr data(x.cols, y.cols);
  data.append(x, y, weights);
  return structured_fit(data, structure, dt);
}

}  // namespace kdm
