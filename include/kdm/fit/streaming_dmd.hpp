/// Streaming DMD: wide snapshots that pass by once, in memory that does not grow.
#pragma once

#include <cmath>
#include <optional>
#include <utility>

#include "kdm/fit/dmd.hpp"
#include "kdm/fit/pod.hpp"

namespace kdm {

struct streaming_dmd_options {
  index_t max_rank = 20;    ///< directions kept when the basis is full
  double tolerance = 1e-10; ///< a snapshot this close to the basis, relative to its norm, adds no direction
  double dt = 1;
  data_rounding rounding = {};  ///< of snapshots of double; what is closer to the basis adds no direction either
};

/// DMD of pairs that are seen once, one after the other, within a basis that grows to what they span.
///
/// Every snapshot adds the direction it has outside the basis. At 2 max_rank directions the basis is cut back to the
/// max_rank of largest energy so far, and what lies outside is lost: `lost` says how much. Without such a cut the
/// result is that of dmd::projected on all pairs, with the rounding of floats known where they are appended. Coordinates
/// go into the triangle of a snapshot_qr, not into Gram matrices, which would square the condition number.
/// Shapes.    x, y [any, n].
/// Cost.      16 n max_rank flops a pair, O(max_rank^3) for a new direction, and n max_rank^2 for a cut; memory for
///            2 n max_rank numbers and four triangles of 4 max_rank columns.
/// Throws.    option_error; shape_error; numeric_error naming the row that is not finite, with nothing appended.
/// Source.    Hemati, Williams, Rowley 2014, "Dynamic mode decomposition for large and streaming datasets", Phys.
///            Fluids 26
/// Example.   docs/fitting.md
class streaming_dmd {
 public:
  explicit streaming_dmd(index_t states, const streaming_dmd_options& options = {})
      : states_(states), options_(options), basis_(states, 0) {
    if (states < 1) fail<shape_error>("streaming_dmd: ", states, " states, expected at least 1");
    if (options.max_rank < 1 || !(options.tolerance >= 0 && options.tolerance < 1))
      fail<option_error>("streaming_dmd: max_rank is ", options.max_rank, " and tolerance ", options.tolerance,
                         ", expected at least 1 and from 0 to less than 1");
    require_time_step("streaming_dmd", options.dt);
    require_rounding("streaming_dmd", options.rounding);
    errors_ = Eigen::VectorXd::Zero(states);
  }

  template <class = void>
  void append(const_view<double> x, const_view<double> y) {
    push(x, y, options_.rounding);
  }
  template <class = void>
  void append(const_view<float> x, const_view<float> y) {
    push(x, y, coarser(options_.rounding, data_rounding::of<float>()));
  }

  index_t pairs() const { return pairs_; }
  /// Directions in the basis now.
  index_t directions() const { return basis_.cols(); }
  /// The share of all squares of the snapshots that cuts of the basis have thrown away.
  double lost() const { return seen_ > 0 ? lost_ / seen_ : 0; }

  /// The operator of the pairs so far. Its relative_residual is that within the basis.
  ///
  /// Throws.    shape_error before the first pair, numeric_error when all snapshots were zero.
  template <class = void>
  linear_dynamics dynamics(const rank_rule& rank = rank_rule::tolerance()) const {
    if (pairs_ < 1) fail<shape_error>("streaming_dmd: no pairs, expected at least 1");
    if (!triangle_) fail<numeric_error>("streaming_dmd: all snapshots are zero");
    detail::dmd_data data = detail::reduced("streaming_dmd", *triangle_, {}, options_.dt);
    // The basis was chosen among all states and all pairs: errors had as many directions to show in.
    if (errors_.sum() > 0) data.x_errors = detail::rounding_errors{errors_, double(pairs_), double(states_)}.in(basis_);
    linear_dynamics d = detail::projected_dmd(data, {rank});
    d.encode = detail::from_eigen((basis_ * detail::to_eigen(d.encode)).eval());
    d.decode = detail::from_eigen((detail::to_eigen(d.decode) * basis_.transpose()).eval());
    const Eigen::MatrixXcd modes = detail::to_eigen_complex(d.modes.view());
    d.modes = detail::from_eigen((modes * basis_.transpose().cast<std::complex<double>>()).eval());
    if (d.status == fit_status::ok && lost_ == 0 && directions() < states_)
      d.status = pairs_ < states_ ? fit_status::fewer_rows_than_columns : fit_status::rank_deficient;
    return d;
  }

 private:
  template <class T>
  void push(const_view<T> x, const_view<T> y, const data_rounding& rounding) {
    require_size("streaming_dmd: columns of x", x.cols, states_);
    require_size("streaming_dmd: columns of y", y.cols, states_);
    require_size("streaming_dmd: rows of y", y.rows, x.rows);
    detail::require_snapshot_values(x, y, const_view<T>(), pairs_);
    Eigen::VectorXd before(states_), after(states_);
    for (index_t i = 0; i < x.rows; ++i) {
      for (index_t j = 0; j < states_; ++j) before(j) = double(x(i, j)), after(j) = double(y(i, j));
      if (!rounding.is_double())
        for (index_t j = 0; j < states_; ++j) errors_(j) += rounding.mean_square(before(j));
      cover(before, rounding);
      cover(after, rounding);
      seen_ += before.squaredNorm() + after.squaredNorm();
      ++pairs_;
      if (!triangle_) continue;
      const Eigen::MatrixXd a = before.transpose() * basis_, b = after.transpose() * basis_;
      triangle_->append(detail::from_eigen(a), detail::from_eigen(b));
    }
  }

  /// Adds the direction that v has outside the basis.
  template <class = void>
  void cover(const Eigen::VectorXd& v, const data_rounding& rounding) {
    double least = options_.tolerance * v.norm();
    if (!rounding.is_double())  // the most that rounding can be
      least = std::max(least, std::sqrt(3 * v.unaryExpr([&](double x) { return rounding.mean_square(x); }).sum()));
    if (outside(v).norm() <= least) return;
    if (basis_.cols() - options_.max_rank >= options_.max_rank) cut();
    const Eigen::VectorXd direction = outside(v);
    const double size = direction.norm();
    if (!(size > least) || basis_.cols() == states_) return;
    const index_t r = basis_.cols();
    basis_.conservativeResize(Eigen::NoChange, r + 1);
    basis_.col(r) = direction / size;
    basis_.col(r) -= basis_.leftCols(r) * (basis_.leftCols(r).transpose() * basis_.col(r)).eval();
    basis_.col(r).normalize();
    if (!triangle_) triangle_.emplace(1, 1);
    else resize(Eigen::MatrixXd::Identity(r, r + 1));
  }

  template <class = void>
  Eigen::VectorXd outside(const Eigen::VectorXd& v) const {
    Eigen::VectorXd rest = v;
    for (int pass = 0; pass < 2; ++pass) rest -= basis_ * (basis_.transpose() * rest).eval();
    return rest;
  }

  /// Keeps the leading directions of all snapshots, x and y alike.
  template <class = void>
  void cut() {
    const index_t r = basis_.cols();
    const Eigen::MatrixXd whole = detail::to_eigen(triangle_->r());
    Eigen::MatrixXd both(2 * whole.rows(), r);
    both << whole.leftCols(r), whole.rightCols(r);
    const detail::truncated_svd f =
        detail::leading_directions(both, rank_rule::fixed(options_.max_rank), both.rows());
    lost_ += both.squaredNorm() - f.s.squaredNorm();
    basis_ = (basis_ * f.q).eval();
    resize(f.q);
  }

  template <class = void>
  void resize(const Eigen::MatrixXd& map) {
    const matrix<double> m = detail::from_eigen(map);
    triangle_ = triangle_->transformed(m, m);
  }

  index_t states_;
  streaming_dmd_options options_;
  Eigen::MatrixXd basis_;
  std::optional<snapshot_qr> triangle_;  // of the coordinates, as soon as there is a direction
  Eigen::VectorXd errors_;  // expected squares of the rounding of x, a state each
  index_t pairs_ = 0;
  double seen_ = 0, lost_ = 0;
};

}  // namespace kdm
