/// Kernel EDMD: a dictionary as rich as a kernel's function space, without listing it.
#pragma once

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "kdm/fit/dictionaries/kernels.hpp"
#include "kdm/fit/edmd.hpp"

namespace kdm {

struct kernel_edmd_options {
  rank_rule rank = rank_rule::tolerance();  ///< of the singular values of the feature map: roots of those of k(x, x)
  double ridge = 0;                         ///< relative to the largest of their squares
  double dt = 1;
  data_rounding rounding = {};              ///< how exactly x and y are known
};

namespace detail {

/// The largest singular value that the rounding of x can make in the feature map of a kernel: all errors together.
template <kernel_function K>
double kernel_rounding(const K& kernel, const_view<double> x, const data_rounding& rounding) {
  const matrix<double> near = near_states(x, rounding, 0);
  double sum = 0;
  for (index_t i = 0; i < x.rows; ++i) {
    const double *a = x.row_pointer(i), *b = near.view().row_pointer(i);
    sum += std::max(0., double(kernel(a, a, x.cols)) - 2 * double(kernel(b, a, x.cols)) + double(kernel(b, b, x.cols)));
  }
  return std::sqrt(3 * sum) / drawn_error;
}

}  // namespace detail

/// EDMD on the principal functions of k(x_i, x_j): the dictionary k(., x_1), ..., k(., x_m) without its rounding.
///
/// Squares of singular values come from a symmetric eigenproblem and are good to m eps of the largest: what is below
/// is dropped whatever the rule, for it would make eigenvalues out of nothing; so is what rounding of x can make. With a rank near m the fit goes through
/// every pair, and its own residuals say little: ask model.residuals(x, y) with pairs held back.
/// Shapes.    x and y [m, n]; the model has m features, the dictionary kernel_dictionary<K>.
/// Cost.      2 m^2 kernels, memory for 3 m^2 numbers, O(m^3) once.
/// Throws.    shape_error, option_error; numeric_error for data that are not finite and for a kernel that is not
///            symmetric or not positive semidefinite on x.
/// Source.    Williams, Rowley, Kevrekidis 2015, "A kernel-based method for data-driven Koopman spectral analysis",
///            J. Comput. Dyn. 2
template <kernel_function K>
edmd_model<kernel_dictionary<K>> kernel_edmd(K kernel, const_view<double> x, const_view<double> y,
                                             const kernel_edmd_options& options = {}) {
  detail::require_fit_options("kernel_edmd", options.ridge, options.dt);
  require_size("kernel_edmd: rows of y", y.rows, x.rows);
  require_size("kernel_edmd: columns of y", y.cols, x.cols);
  if (x.empty()) fail<shape_error>("kernel_edmd: x is ", x.rows, " x ", x.cols, ", expected at least one pair");
  detail::require_finite("kernel_edmd", "x", x);
  detail::require_finite("kernel_edmd", "y", y);
  const index_t m = x.rows;
  require_rounding("kernel_edmd", options.rounding);
  const double least = options.rounding.is_double() ? 0 : detail::kernel_rounding(kernel, x, options.rounding);
  kernel_dictionary<K> d(std::move(kernel), x);
  const Eigen::MatrixXd at_x = detail::to_eigen(kdm::evaluate(d, x)), at_y = detail::to_eigen(kdm::evaluate(d, y));
  const double eps = double(m) * std::numeric_limits<double>::epsilon(), largest = at_x.cwiseAbs().maxCoeff();
  if (!((at_x - at_x.transpose()).cwiseAbs().maxCoeff() <= 1e-10 * largest))
    fail<numeric_error>("kernel_edmd: k(x_i, x_j) is not k(x_j, x_i), expected a symmetric kernel");

  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver((at_x + at_x.transpose()) / 2);
  if (!detail::succeeded(solver)) fail<numeric_error>("kernel_edmd: the eigenvalue iteration did not converge");
  const double first = solver.eigenvalues()(m - 1), last = solver.eigenvalues()(0);
  if (!(first > 0))
    fail<numeric_error>("kernel_edmd: the largest eigenvalue of k(x, x) is ", first, ", expected more than 0");
  if (last < -std::max(1e-10, eps) * first)
    fail<numeric_error>("kernel_edmd: k(x, x) has the eigenvalue ", last, ", expected a positive semidefinite kernel");
  std::vector<double> sigma;
  for (index_t j = 0; j < m; ++j) {
    const double square = solver.eigenvalues()(m - 1 - j);
    sigma.push_back(square > eps * first ? std::sqrt(square) : 0);
  }
  linear_dynamics s;
  s.rank = options.rank.decide(sigma, m, m, m, std::vector<double>(std::size_t(m), least));
  const index_t r = s.rank.rank;
  if (r < 1) fail<numeric_error>("kernel_edmd: the rank rule keeps no function, expected a rule that keeps one");
  s.condition = sigma.front() / sigma[std::size_t(r - 1)];
  if (s.rank.numerical_rank < m) s.status = fit_status::rank_deficient;
  s.dt = options.dt;

  const Eigen::VectorXd values = Eigen::Map<const Eigen::VectorXd>(sigma.data(), r);
  const Eigen::MatrixXd basis = solver.eigenvectors().rowwise().reverse().leftCols(r);
  // Latents of mean square one over x: k(., X) w, with at_x w = basis sqrt(m).
  const double scale = std::sqrt(double(m));
  const Eigen::MatrixXd w = scale * basis * values.cwiseAbs2().cwiseInverse().asDiagonal();
  const Eigen::MatrixXd z_x = at_x * w, z_y = at_y * w;
  Eigen::MatrixXd k = basis.transpose() * z_y / scale;
  for (index_t i = 0; i < r; ++i) {
    const double square = values(i) * values(i);
    k.row(i) *= square / (square + options.ridge * values(0) * values(0));
  }
  s.encode = detail::from_eigen(w);
  s.k = detail::from_eigen(k);
  s.decode = detail::from_eigen(basis.transpose() * detail::to_eigen(x) / scale);
  const double whole = z_y.norm();
  s.relative_residual = whole > 0 ? (z_x * k - z_y).norm() / whole : 0;
  find_spectrum(s);
  detail::check_residual(s);
  edmd_model<kernel_dictionary<K>> model{std::move(d), std::move(s)};
  model.dynamics.residuals = model.residuals(x, y);
  return model;
}

}  // namespace kdm
