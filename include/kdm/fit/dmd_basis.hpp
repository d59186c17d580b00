/// What the methods of DMD share: data made small, a basis of its leading directions, and a finished result.
#pragma once

#include <Eigen/QR>
#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <utility>

#include "kdm/fit/check.hpp"
#include "kdm/fit/dynamics.hpp"
#include "kdm/fit/pairs.hpp"

namespace kdm {

struct dmd_options {
  rank_rule rank = rank_rule::tolerance();
  /// Divides every pair by |x|: a fit of directions, in which the small late snapshots of a decay count in full. It is
  /// the scaling of Drmac, Mezic, Mohr 2018, SIAM J. Sci. Comput. 40, there to make the factorisation robust.
  bool unit_snapshots = false;
};

namespace detail {

/// x = p diag(s) q', the `rank` leading terms.
struct truncated_svd {
  Eigen::MatrixXd p, q;
  Eigen::VectorXd s;
  rank_decision rank;
};

/// No limit but the size of the data.
inline constexpr index_t most_directions = std::numeric_limits<index_t>::max();

/// The leading singular vectors of a matrix of any shape: QR along the longer side, Jacobi rotations of the triangle.
///
/// rows is the number of rows that x stands for: a triangle stands for many. Directions that errors in the columns of x
/// can make are left out.
/// Cost.      4 a b^2 flops for a >= b, the larger and the smaller size, and O(b^3): 1.7 s for b = 400.
template <class = void>
truncated_svd leading_directions(const Eigen::MatrixXd& x, const rank_rule& rule, index_t rows,
                                 index_t most = most_directions,
                                 const rounding_errors& errors = {}) {
  const bool wide = x.cols() > x.rows();
  const Eigen::HouseholderQR<Eigen::MatrixXd> qr(wide ? Eigen::MatrixXd(x.transpose()) : x);
  const index_t longer = qr.rows(), shorter = qr.cols();
  const Eigen::MatrixXd r = qr.matrixQR().topRows(shorter).triangularView<Eigen::Upper>();
  const svd_factors f = jacobi_svd(r.transpose());  // takes fewer rotations than r
  const index_t values = std::min(shorter, rows);
  const auto along_the_longer = [&](index_t count) {
    Eigen::MatrixXd outer = Eigen::MatrixXd::Zero(longer, count);
    outer.topRows(shorter) = f.v.leftCols(count);
    outer.applyOnTheLeft(qr.householderQ());
    return outer;
  };
  truncated_svd result;
  std::vector<double> rounding;
  if (errors.any()) rounding = errors.along_columns(wide ? along_the_longer(values) : f.u.leftCols(values).eval());
  result.rank = rule.decide({f.s.data(), f.s.data() + values}, rows, x.cols(), most, rounding);
  const index_t rank = result.rank.rank;
  result.p.resize(x.rows(), rank);
  result.q.resize(x.cols(), rank);
  if (rank == 0) return result;
  result.s = f.s.head(rank);
  (wide ? result.q : result.p) = along_the_longer(rank);
  (wide ? result.p : result.q) = f.u.leftCols(rank);
  return result;
}

/// Pairs as a method of DMD works on them: any rows with the same sums of squares and products.
struct dmd_data {
  Eigen::MatrixXd x, y;
  index_t rows = 0;  ///< pairs they stand for
  double unit = 1;   ///< what they were divided by
  double dt = 1;
  rounding_errors x_errors = {}, y_errors = {};  ///< that the pairs are known to have
  rounding_errors found = {};   ///< of x, by the last bits or decimals that the numbers use
  std::string found_name = {};

  /// The relative residual of least squares within the span of the columns of q.
  template <class = void>
  double least_residual(const Eigen::MatrixXd& q) const {
    const Eigen::MatrixXd before = x * q;
    const Eigen::HouseholderQR<Eigen::MatrixXd> qr(before);
    const Eigen::MatrixXd k = qr.solve(y * q);
    const double size = y.norm(), error = (before * k * q.transpose() - y).norm();
    return size > 0 ? error / size : error;
  }
};

/// Of many pairs, the triangle of [X | Y]; of few, the pairs themselves.
///
/// Everything is divided by one power of two, so that squares neither overflow nor vanish.
template <class = void>
dmd_data reduced(const char* who, const snapshot_pairs& p, const dmd_options& o) {
  require_pairs(who, p);
  const index_t m = p.count(), n = p.states();
  double largest = 0;
  for (const matrix<double>* part : {&p.x, &p.y})
    for (index_t i = 0; i < part->size(); ++i) largest = std::max(largest, std::abs(part->data()[i]));
  const double unit = largest > 0 && !o.unit_snapshots ? std::ldexp(1., std::ilogb(largest)) : 1;

  const auto size_of = [&](index_t i) {
    if (!o.unit_snapshots) return unit;
    double norm = 0;
    for (index_t j = 0; j < n; ++j) norm = std::hypot(norm, p.x(i, j));
    return norm > 0 ? norm : largest;
  };
  const auto scaled = [&](index_t first, index_t count) {
    std::pair<matrix<double>, matrix<double>> rows(matrix<double>(count, n), matrix<double>(count, n));
    for (index_t i = 0; i < count; ++i) {
      const double size = size_of(first + i);
      const double root = p.weights.size() > 0 ? std::sqrt(p.weights(first + i, 0)) : 1;
      for (index_t j = 0; j < n; ++j) {
        rows.first(i, j) = p.x(first + i, j) / size * root;
        rows.second(i, j) = p.y(first + i, j) / size * root;
      }
    }
    return rows;
  };
  dmd_data data{{}, {}, m, unit, p.dt};
  const auto weight_of = [&](index_t i) {
    return std::pair<double, double>(p.weights.size() > 0 ? p.weights(i, 0) : 1, size_of(i));
  };
  data.x_errors = errors_of_rows(p.x, p.rounding, weight_of);
  data.y_errors = errors_of_rows(p.y, p.rounding, weight_of);
  if (p.rounding.may_be_coarser())
    if (const auto found = find_rounding(std::array{p.x.view(), p.y.view()})) {
      data.found = errors_of_rows(p.x, *found, weight_of);
      data.found_name = name_of(*found);
    }
  if (m > 2 * n) {
    constexpr index_t portion = 1024;
    snapshot_qr qr(n, n);
    for (index_t first = 0; first < m; first += portion) {
      const auto rows = scaled(first, std::min(portion, m - first));
      qr.append(rows.first, rows.second);
    }
    const Eigen::MatrixXd r = to_eigen(qr.r());
    data.x = r.leftCols(n);
    data.y = r.rightCols(n);
  } else {
    const auto rows = scaled(0, m);
    data.x = to_eigen(rows.first);
    data.y = to_eigen(rows.second);
  }
  return data;
}

template <class = void>
dmd_data reduced(const char* who, const snapshot_qr& qr, const dmd_options& o, double dt) {
  require_size(concat(who, ": columns of b"), qr.b_cols(), qr.a_cols());
  require_time_step(who, dt);
  if (qr.rows() < 1) fail<shape_error>(who, ": no rows, expected at least 1");
  if (o.unit_snapshots) fail<option_error>(who, ": unit_snapshots is set, expected it when the rows are appended");
  const Eigen::MatrixXd r = to_eigen(qr.r());
  return {r.leftCols(qr.a_cols()), r.rightCols(qr.b_cols()), qr.rows(), 1, dt, qr.rounding_of(0, qr.a_cols()),
          qr.rounding_of(qr.a_cols(), qr.b_cols())};
}

/// z = x q, z(next) = z k, x = z states, x(next) = z next: a method's answer before its spectrum is found.
struct dmd_answer {
  Eigen::MatrixXd q, k, states, next;
  rank_decision rank;
  double condition = 1;
  bool dependent = false;  ///< something other than the rank rule took directions away
};

template <class = void>
void require_rank(const char* who, const rank_decision& d) {
  if (d.rank < 1)
    fail<numeric_error>(who, ": the rank rule keeps no singular value of the data, the largest is ",
                        d.singular_values.empty() ? 0 : d.singular_values.front(), ", expected to keep at least 1");
}

/// The least-squares operator in the leading directions f of x. `next` [r, n] predicts y from x q best.
template <class = void>
dmd_answer project(const char* who, truncated_svd f, const Eigen::MatrixXd& y) {
  require_rank(who, f.rank);
  dmd_answer a;
  a.next = f.s.cwiseInverse().asDiagonal() * (f.p.transpose() * y);
  a.k = a.next * f.q;
  a.condition = f.s(0) / f.s(f.s.size() - 1);
  a.q = std::move(f.q);
  a.states = a.q.transpose();
  a.rank = std::move(f.rank);
  return a;
}

/// Spectrum, residuals, status and warnings, with the answer's own states as decode or another; `least` is the relative
/// residual of least squares in the same directions.
///
/// Residual j is |(Y - lambda X) q v| / |X q v| over the pairs. Mode residual j is |A w - lambda w| / |w| for the mode
/// w of the answer's own states and A the least-squares operator on all states, its part inside the span of the modes
/// replaced by k: in exact arithmetic, by how much one step carries the mode out of that span.
template <class = void>
linear_dynamics finished(const dmd_data& data, dmd_answer a, double least,
                         const Eigen::MatrixXd* other_decode = nullptr) {
  const Eigen::MatrixXd& decode = other_decode ? *other_decode : a.states;
  linear_dynamics d;
  d.encode = from_eigen(a.q);
  d.k = from_eigen(a.k);
  d.decode = from_eigen(decode);
  d.dt = data.dt;
  find_spectrum(d);

  using complex_matrix = Eigen::MatrixXcd;
  const index_t r = a.k.rows(), n = data.x.cols();
  const complex_matrix v = to_eigen_complex(d.eigenvectors.view());
  const Eigen::MatrixXd before = data.x * a.q, after = data.y * a.q;
  const complex_matrix phi = before * v, phi_next = after * v;
  const Eigen::MatrixXd step = a.next + (a.k - a.next * a.q) * a.states;
  const Eigen::PartialPivLU<complex_matrix> lu(v);
  const complex_matrix w = lu.solve(a.states.cast<std::complex<double>>());
  const complex_matrix w_next = lu.solve(step.cast<std::complex<double>>());
  for (index_t j = 0; j < r; ++j) {
    const std::complex<double> lambda = d.eigenvalues[std::size_t(j)];
    const double size = phi.col(j).norm();
    d.residuals.push_back(size > 0 ? (phi_next.col(j) - lambda * phi.col(j)).norm() / size
                                   : std::numeric_limits<double>::infinity());
    const double mode_size = w.row(j).norm();
    d.mode_residuals.push_back(mode_size > 0 ? (w_next.row(j) - lambda * w.row(j)).norm() / mode_size
                                             : std::numeric_limits<double>::infinity());
  }
  const double size = data.y.norm(), error = (before * (a.k * decode) - data.y).norm();
  d.relative_residual = size > 0 ? error / size : error;

  const index_t rows = data.rows, numerical = a.rank.numerical_rank;
  if (a.dependent || numerical < std::min(rows, n)) d.status = fit_status::rank_deficient;
  else if (rows < n && a.rank.rank == rows) d.status = fit_status::fewer_rows_than_columns;
  d.condition = a.condition;
  d.rank = std::move(a.rank);
  for (double& s : d.rank.singular_values) s *= data.unit;
  d.rank.cut *= data.unit;
  check_residual(d, least);
  const Eigen::VectorXd sizes = phi.colwise().norm().transpose();
  const complex_matrix coefficients = a.q * v;
  check_growth(d, coefficients, sizes, data.x_errors, "as it is known");
  check_growth(d, coefficients, sizes, data.found, concat("which are ", data.found_name));
  index_t within = 0;
  for (index_t k = 0; k < r && data.found.any(); ++k) within += before.col(k).norm() <= data.found.along(a.q.col(k));
  if (within > 0)
    add_note(d, concat("the data are ", data.found_name, ": ", within, " of the ", r,
                       " directions kept lie within that rounding"));
  return d;
}

}  // namespace detail

}  // namespace kdm
