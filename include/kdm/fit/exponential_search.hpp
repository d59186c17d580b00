/// The exponents of a sum of exponentials that fits given data best: a variable projection.
#pragma once

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <string_view>
#include <utility>
#include <vector>

#include "kdm/core/finite.hpp"
#include "kdm/fit/exponential_terms.hpp"
#include "kdm/fit/least_squares.hpp"
#include "kdm/fit/pod.hpp"
#include "kdm/fit/spectrum.hpp"

namespace kdm::dmd {

/// How the search for exponents ended.
enum class optimized_status {
  converged,       ///< no direction improves the fit, up to the tolerance
  bound_active,    ///< the same, with a growth rate at its bound
  runaway,         ///< an exponent has gone so far that its term lives on one snapshot: the data do not tell it
  stalled,         ///< no step improves the fit, although the gradient says one should
  iteration_limit  ///< still improving
};

constexpr std::string_view name_of(optimized_status s) {
  switch (s) {
    case optimized_status::converged: return "converged";
    case optimized_status::bound_active: return "bound active";
    case optimized_status::runaway: return "runaway exponent";
    case optimized_status::stalled: return "stalled";
    case optimized_status::iteration_limit: return "iteration limit";
  }
  return "unknown";
}

}  // namespace kdm::dmd

namespace kdm::detail {

/// A variable projection: for given exponents the best coefficients, and what is left of the data.
struct projected_fit {
  std::vector<exponential_term> terms;
  std::vector<term_functions> functions;
  Eigen::MatrixXd q, coefficients, residual;
  double norm = 0;
};

template <class = void>
projected_fit project_onto(std::vector<exponential_term> terms, const Eigen::VectorXd& t,
                           const Eigen::MatrixXd& y) {
  projected_fit fit;
  index_t count = 0;
  for (const exponential_term& term : terms) count += term.size();
  Eigen::MatrixXd phi(t.size(), count);
  for (index_t at = 0; const exponential_term& term : terms) {
    fit.functions.push_back(functions_of(term, t));
    phi.middleCols(at, term.size()) = fit.functions.back().value;
    at += term.size();
  }
  ordered_basis basis = orthonormalise(phi);
  const Eigen::MatrixXd along = basis.q.transpose() * y;
  fit.coefficients = basis.r.triangularView<Eigen::Upper>().solve(along);
  fit.residual = y - basis.q * along;
  fit.residual -= basis.q * (basis.q.transpose() * fit.residual);
  fit.norm = fit.residual.norm();
  fit.q = std::move(basis.q);
  fit.terms = std::move(terms);
  return fit;
}

/// The triangle of [J | residual], J by the parameters of all terms: what the residual changes when they do.
///
/// Source.    Kaufman 1975, "A variable projection method for solving separable nonlinear least squares problems", BIT
///            15: of the derivative the part that stays orthogonal to the functions; the gradient is exact.
template <class = void>
Eigen::MatrixXd variable_projection_triangle(const projected_fit& fit) {
  const index_t parameters = fit.q.cols(), m = fit.q.rows(), p = fit.residual.cols();
  matrix<double> rows(m * p, parameters), rest(m * p, 1);
  index_t column = 0, first = 0;
  for (std::size_t k = 0; k < fit.terms.size(); ++k) {
    for (const Eigen::MatrixXd& slope : fit.functions[k].slope) {
      Eigen::MatrixXd change = -slope * fit.coefficients.middleRows(first, fit.terms[k].size());
      for (int pass = 0; pass < 2; ++pass) change -= fit.q * (fit.q.transpose() * change).eval();
      for (index_t j = 0; j < p; ++j)
        for (index_t i = 0; i < m; ++i) rows(j * m + i, column) = change(i, j);
      ++column;
    }
    first += fit.terms[k].size();
  }
  for (index_t j = 0; j < p; ++j)
    for (index_t i = 0; i < m; ++i) rest(j * m + i, 0) = fit.residual(i, j);
  snapshot_qr triangle(parameters, 1);
  triangle.append(rows, rest);
  return to_eigen(triangle.r());
}

struct exponential_search {
  projected_fit fit;
  dmd::optimized_status status = dmd::optimized_status::iteration_limit;
  index_t iterations = 0;
};

/// Levenberg-Marquardt over the exponents, by singular values of the scaled Jacobian, inside the bounds.
///
/// Shapes.    t [m] in [0, 1], y [m, p]; start, low and high in units of the same time.
template <class = void>
exponential_search search_exponents(const Eigen::VectorXd& t, const Eigen::MatrixXd& y,
                                    const std::vector<std::complex<double>>& start, double low, double high,
                                    index_t max_iterations, double tolerance) {
  using status = dmd::optimized_status;
  exponential_search search{project_onto(terms_of(start, low, high), t, y)};
  const double rounding = 10 * std::numeric_limits<double>::epsilon() * y.norm();
  double damping = 1e-3;
  for (; search.iterations < max_iterations; ++search.iterations) {
    projected_fit& fit = search.fit;
    const Eigen::MatrixXd triangle = variable_projection_triangle(fit);
    const index_t count = triangle.cols() - 1;
    Eigen::MatrixXd jacobian = triangle.topLeftCorner(count, count);
    const Eigen::VectorXd rest = triangle.col(count).head(count);
    const Eigen::VectorXd descent = -(jacobian.transpose() * rest);

    // A parameter at its bound stays there while it would leave. Splitting a pair at the bound would raise one root.
    // One that could change by its whole size without a trace in the fit is lost: its gradient of zero says nothing.
    bool bound_active = false, lost = false;
    for (index_t k = 0; const exponential_term& term : fit.terms) {
      const double least = 2 * term.a - term.growth();
      const bool at_high = term.growth() >= high - 1e-12 * (1 + std::abs(high));
      const bool at_low = least <= low + 1e-12 * (1 + std::abs(low));
      const bool hold = (at_high && descent(k) > 0) || (at_low && descent(k) < 0);
      const bool hold_pair = term.pair && term.d >= 0 && (at_high || at_low) && descent(k + 1) > 0;
      if (hold) jacobian.col(k).setZero();
      if (hold_pair) jacobian.col(k + 1).setZero();
      bound_active = bound_active || hold || hold_pair;
      lost = lost || (!hold && jacobian.col(k).norm() * (1 + std::abs(term.a)) <= rounding);
      k += term.size();
    }
    const status done = lost && fit.norm > rounding ? status::runaway
                        : bound_active              ? status::bound_active
                                                    : status::converged;

    Eigen::VectorXd scale = jacobian.colwise().norm().transpose();
    double steepest = 0;
    for (index_t k = 0; k < count; ++k) {
      if (scale(k) > 0) steepest = std::max(steepest, std::abs(jacobian.col(k).dot(rest)) / scale(k));
      else scale(k) = 1;
    }
    if (fit.norm <= rounding || steepest <= tolerance * fit.norm) {
      search.status = done;
      return search;
    }
    const svd_factors f = jacobi_svd(jacobian * scale.cwiseInverse().asDiagonal());
    const Eigen::VectorXd along = f.u.transpose() * rest;

    for (bool accepted = false; !accepted;) {
      Eigen::VectorXd step = Eigen::VectorXd::Zero(count);
      double gain = 0;
      for (index_t k = 0; k < count; ++k) {
        const double whole = f.s(k) * f.s(k) + damping;
        step -= f.s(k) * along(k) / whole * f.v.col(k);
        gain += along(k) * along(k) * (1 - std::pow(damping / whole, 2));
      }
      if (!(std::sqrt(gain) > rounding) || gain <= 1e-15 * fit.norm * fit.norm) {
        search.status = done;
        return search;
      }
      step = step.cwiseQuotient(scale);
      std::vector<exponential_term> terms = fit.terms;
      for (index_t k = 0; exponential_term& term : terms) {
        term.a += step(k);
        if (term.pair) term.d += step(k + 1);
        k += term.size();
      }
      if (step.allFinite()) {
        projected_fit trial = project_onto(terms_of(exponents_of(terms), low, high), t, y);
        if (trial.norm < fit.norm) {
          fit = std::move(trial);
          damping = std::max(damping / 10, 1e-20);
          accepted = true;
          continue;
        }
      }
      damping *= 8;
      if (damping > 1e12) {
        search.status = status::stalled;
        return search;
      }
    }
  }
  return search;
}

/// Exponents from (y_(i+1) - y_i) / h_i = (y_(i+1) + y_i) / 2 A, in the units of t.
template <class = void>
std::vector<std::complex<double>> trapezoid_exponents(const Eigen::VectorXd& t, const Eigen::MatrixXd& y) {
  const index_t m = t.size() - 1, p = y.cols();
  matrix<double> middle(m, p), slope(m, p);
  for (index_t i = 0; i < m; ++i)
    for (index_t j = 0; j < p; ++j) {
      middle(i, j) = (y(i + 1, j) + y(i, j)) / 2;
      slope(i, j) = (y(i + 1, j) - y(i, j)) / (t(i + 1) - t(i));
    }
  snapshot_qr pairs(p, p);
  pairs.append(middle, slope);
  return spectrum(least_squares(pairs).k).eigenvalues;
}

/// The exponents for which the trapezoid rule of step h would have found `found`: exact on even times.
template <class = void>
std::vector<std::complex<double>> without_trapezoid_error(std::vector<std::complex<double>> found, double h) {
  for (auto& alpha : found) {
    const std::complex<double> lambda = (1. + alpha * h / 2.) / (1. - alpha * h / 2.);
    const bool has_logarithm = is_finite(std::abs(lambda)) && lambda != 0. &&
                               (lambda.imag() != 0 || lambda.real() > 0);
    if (has_logarithm) alpha = std::log(lambda) / h;
  }
  return found;
}

}  // namespace kdm::detail
