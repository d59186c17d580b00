/// Least squares from the triangle of a snapshot_qr: column scaling, ridge, a rank decision, a residual.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>

#include "kdm/core/finite.hpp"
#include "kdm/fit/snapshot_qr.hpp"
#include "kdm/fit/svd.hpp"

namespace kdm {

/// How well the data determine a fit. None of these is an error: the solution is finite and least in norm.
enum class fit_status {
  ok,
  rank_deficient,           ///< some columns depend on others: they share the coefficients
  fewer_rows_than_columns,  ///< the rows are met exactly, and say little about any other row
  iteration_limit,          ///< of a fit that is searched for: it was still improving when the search stopped
  inaccurate                ///< the data are met far worse than least squares in the same directions meets them
};

constexpr std::string_view name_of(fit_status s) {
  switch (s) {
    case fit_status::ok: return "ok";
    case fit_status::rank_deficient: return "rank deficient";
    case fit_status::fewer_rows_than_columns: return "fewer rows than columns";
    case fit_status::iteration_limit: return "iteration limit";
    case fit_status::inaccurate: return "inaccurate";
  }
  return "unknown";
}

/// What is added to |A K - B|^2. Both are weights of squared coefficients, so a fit is never worse for units.
struct least_squares_options {
  double ridge = 0;        ///< alpha: alpha |a_j|^2 K_jk^2, relative to the size of column j
  double input_noise = 0;  ///< s: s^2 rows K_jk^2, what independent errors of deviation s in A would cost on average
  /// The first column of A is the constant 1: its coefficients cost nothing, and the size of any other column is that
  /// of its distances from its mean.
  bool intercept = false;
};

struct least_squares_result {
  matrix<double> k;              ///< [a_cols, b_cols]
  double residual = 0;           ///< root mean square of A K - B over all rows and columns
  double relative_residual = 0;  ///< |A K - B| / |B|, 0 where B is zero
  index_t rank = 0;              ///< numerical rank of A with unit columns
  double condition = 1;          ///< sigma_1 / sigma_rank of A with unit columns
  fit_status status = fit_status::ok;
};

/// |A K - B|, the square root of the sum of squares over the rows that made the triangle.
///
/// Shapes.    k [a_cols, b_cols].
template <class = void>
double residual_norm(const snapshot_blocks& r, const_view<double> k) {
  require_size("residual_norm: rows of k", k.rows, r.r11.rows());
  require_size("residual_norm: columns of k", k.cols, r.r12.cols());
  const Eigen::MatrixXd difference = detail::to_eigen(r.r11) * detail::to_eigen(k) - detail::to_eigen(r.r12);
  return std::hypot(difference.norm(), detail::to_eigen(r.r22).norm());
}

/// |B|, the residual of k = 0.
template <class = void>
double data_norm(const snapshot_blocks& r) {
  return std::hypot(detail::to_eigen(r.r12).norm(), detail::to_eigen(r.r22).norm());
}

namespace detail {

/// The least x in norm that minimises |a x - b|, singular values up to `tolerance` sigma_1 taken as zero, and those from
/// the first on that errors in the columns of a can make.
struct truncated_solution {
  Eigen::MatrixXd x;
  index_t rank = 0;
  double condition = 1;
};

template <class = void>
truncated_solution solve_truncated(const Eigen::MatrixXd& a, const Eigen::MatrixXd& b, double tolerance,
                                   const rounding_errors& errors = {}) {
  // Rotating the columns of a' instead of those of the triangle a takes fewer sweeps: a = v s u'.
  const svd_factors f = jacobi_svd(a.transpose());
  truncated_solution solution;
  while (solution.rank < f.s.size() && f.s(solution.rank) > tolerance * f.s(0) &&
         (!errors.any() || f.s(solution.rank) > errors.along(f.u.col(solution.rank))))
    ++solution.rank;
  const index_t r = solution.rank;
  if (r > 0) solution.condition = f.s(0) / f.s(r - 1);
  Eigen::MatrixXd along = f.v.leftCols(r).transpose() * b;
  for (index_t k = 0; k < r; ++k) along.row(k) /= f.s(k);
  solution.x = f.u.leftCols(r) * along;
  return solution;
}

}  // namespace detail

/// Minimises |A K - B|^2 plus the penalties of the options over K, from the triangle of [A | B].
///
/// The columns of A are scaled to norm one, singular values up to sigma_1 max(rows, columns) eps count as zero, and so do
/// those that the rounding of the rows can make, unless there is a penalty; A'A is never formed. A zero column gets zero
/// coefficients.
/// Cost.      O(a_cols^3), independent of the number of rows.
/// Throws.    shape_error without rows, option_error for a negative option.
/// Source.    Golub, Van Loan 2013, "Matrix computations", sections 5.3, 5.5 and 6.1
/// Example.   docs/fitting.md
template <class = void>
least_squares_result least_squares(const snapshot_qr& data, const least_squares_options& options = {}) {
  if (data.rows() < 1) fail<shape_error>("least_squares: no rows, expected at least 1");
  for (const double value : {options.ridge, options.input_noise})
    if (!(value >= 0 && is_finite(value)))
      fail<option_error>("least_squares: ridge is ", options.ridge, " and input_noise ", options.input_noise,
                         ", expected finite numbers, 0 or more");
  const snapshot_blocks blocks = data.blocks();
  const Eigen::MatrixXd a = detail::to_eigen(blocks.r11), b = detail::to_eigen(blocks.r12);
  const index_t n = a.cols();

  Eigen::VectorXd norm = a.colwise().norm().transpose();
  for (index_t j = 0; j < n; ++j)
    if (norm(j) == 0) norm(j) = 1;
  const Eigen::MatrixXd scaled = a * norm.cwiseInverse().asDiagonal();
  const double tolerance = double(std::max(data.rows(), data.cols())) * std::numeric_limits<double>::epsilon();
  detail::truncated_solution fit =
      detail::solve_truncated(scaled, b, tolerance, data.rounding_of(0, n).divided_by(norm));

  least_squares_result result;
  result.rank = std::min(fit.rank, data.rows());
  result.condition = fit.condition;
  if (data.rows() < n) result.status = fit_status::fewer_rows_than_columns;
  else if (result.rank < n) result.status = fit_status::rank_deficient;

  if (options.ridge > 0 || options.input_noise > 0) {
    // One more row a column, [0 .. root of its penalty .. 0 | 0], in the scaled unknowns.
    const index_t first = options.intercept ? 1 : 0;
    snapshot_qr penalised(n, b.cols());
    penalised.append(detail::from_eigen(scaled), blocks.r12);
    matrix<double> row(1, n), zero(1, b.cols());
    for (index_t j = first; j < n; ++j) {
      // Below the row of the constant, r11 holds what is left of the columns without their means.
      const double size = a.col(j).tail(n - first).norm();
      row(0, j) = std::hypot(std::sqrt(options.ridge) * size, options.input_noise * std::sqrt(data.weight())) / norm(j);
      penalised.append(row, zero);
      row(0, j) = 0;
    }
    const snapshot_blocks r = penalised.blocks();
    fit = detail::solve_truncated(detail::to_eigen(r.r11), detail::to_eigen(r.r12), tolerance);
  }

  result.k = detail::from_eigen(norm.cwiseInverse().asDiagonal() * fit.x);
  const double left = residual_norm(blocks, result.k), whole = data_norm(blocks);
  const double terms = data.weight() * double(data.b_cols());
  result.residual = terms > 0 ? left / std::sqrt(terms) : 0;
  result.relative_residual = whole > 0 ? left / whole : 0;
  return result;
}

}  // namespace kdm
