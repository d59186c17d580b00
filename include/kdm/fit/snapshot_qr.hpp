/// Streaming QR of snapshot pairs: everything a linear fit needs to know of any number of rows, in one small triangle.
#pragma once

#include <Eigen/QR>
#include <algorithm>
#include <cmath>

#include "kdm/core/finite.hpp"
#include "kdm/fit/convert.hpp"

namespace kdm {

/// The triangle R of [A | B] cut at the last column of A: R = [r11 r12; 0 r22].
///
/// Shapes.    r11 [a_cols, a_cols] and r22 [b_cols, b_cols] upper triangular, r12 [a_cols, b_cols].
struct snapshot_blocks {
  matrix<double> r11, r12, r22;
};

/// The triangular factor of a tall matrix whose rows [a | b] arrive in any portions.
///
/// For every K, |A K - B|^2 = |r11 K - r12|^2 + |r22|^2: the triangle stands for the data in every least-squares
/// problem, and it does so without the products A'A, which would square the condition number. Rows wait in a buffer
/// and are folded in by the hundred, so the bits of R depend on the rows and their order, not on the portions.
/// Shapes.    a [n, a_cols], b [n, b_cols] for any n; R [a_cols + b_cols, a_cols + b_cols].
/// Cost.      2 p^2 flops a row for p = a_cols + b_cols, a quarter more for folding; memory for 4 p^2 numbers, and
///            none more for any number of rows. Computes in double.
/// Throws.    shape_error; numeric_error naming the row that is not finite, with nothing appended.
/// Source.    Demmel, Grigori, Hoemmen, Langou 2012, "Communication-optimal parallel and sequential QR and LU"
/// Example.   docs/fitting.md
class snapshot_qr {
 public:
  snapshot_qr(index_t a_cols, index_t b_cols) : a_cols_(a_cols), b_cols_(b_cols) {
    if (a_cols < 1 || b_cols < 0)
      fail<shape_error>("snapshot_qr: ", a_cols, " columns of a and ", b_cols, " of b, expected at least 1 and 0");
    buffer_ = Eigen::MatrixXd::Zero(cols() + std::max<index_t>(256, 3 * cols()), cols());
  }

  index_t a_cols() const { return a_cols_; }
  index_t b_cols() const { return b_cols_; }
  index_t cols() const { return a_cols_ + b_cols_; }

  /// Rows appended so far, and the sum of their weights (1 each where none were given).
  index_t rows() const { return rows_; }
  double weight() const { return weight_; }

  /// Appends rows. Row i counts weights(i, 0) times, as far as sums of squares go.
  ///
  /// Shapes.    weights null or [n, 1], none negative.
  void append(const_view<double> a, const_view<double> b, const_view<double> weights = {}) { push(a, b, weights); }
  void append(const_view<float> a, const_view<float> b, const_view<float> weights = {}) { push(a, b, weights); }

  /// Takes over the rows of another factor, as if they were appended here.
  void merge(const snapshot_qr& other) {
    require_size("snapshot_qr: a_cols of the merged factor", other.a_cols_, a_cols_);
    require_size("snapshot_qr: b_cols of the merged factor", other.b_cols_, b_cols_);
    const matrix<double> r = other.r();
    for (index_t i = 0; i < r.rows(); ++i) {
      const index_t k = next_row();
      for (index_t j = 0; j < cols(); ++j) buffer_(k, j) = r(i, j);
    }
    rows_ += other.rows_;
    weight_ += other.weight_;
  }

  /// The triangle, with no negative number on its diagonal: unique when [A | B] has full rank.
  ///
  /// Throws.    numeric_error when the entries are so large that their squares overflow.
  matrix<double> r() const {
    Eigen::MatrixXd m = buffer_.topRows(cols() + pending_);
    fold(m);
    if (!m.topRows(cols()).allFinite())
      fail<numeric_error>("snapshot_qr: the triangle is not finite, expected entries whose squares do not overflow");
    for (index_t i = 0; i < cols(); ++i)
      if (m(i, i) < 0) m.row(i) *= -1;
    return detail::from_eigen(m.topRows(cols()));
  }

  snapshot_blocks blocks() const {
    const matrix<double> whole = r();
    const const_view<double> top = whole.view().row_range(0, a_cols_), rest = whole.view().row_range(a_cols_, b_cols_);
    return {matrix<double>(top.col_range(0, a_cols_)), matrix<double>(top.col_range(a_cols_, b_cols_)),
            matrix<double>(rest.col_range(a_cols_, b_cols_))};
  }

 private:
  /// Makes the top square of `m` the triangle of all its rows.
  static void fold(Eigen::MatrixXd& m) {
    Eigen::Ref<Eigen::MatrixXd> in_place = m;
    const Eigen::HouseholderQR<Eigen::Ref<Eigen::MatrixXd>> qr(in_place);
    m.topRows(m.cols()).triangularView<Eigen::StrictlyLower>().setZero();
  }

  /// The buffer row for one more row of data: the triangle stands in the first cols() rows, waiting rows below it.
  index_t next_row() {
    if (cols() + pending_ == buffer_.rows()) {
      fold(buffer_);
      pending_ = 0;
    }
    return cols() + pending_++;
  }

  template <class T>
  void push(const_view<T> a, const_view<T> b, const_view<T> weights) {
    require_size("snapshot_qr: columns of a", a.cols, a_cols_);
    require_size("snapshot_qr: columns of b", b.cols, b_cols_);
    require_size("snapshot_qr: rows of b", b.rows, a.rows);
    require_finite("a", a);
    require_finite("b", b);
    if (weights) {
      require_size("snapshot_qr: rows of the weights", weights.rows, a.rows);
      require_size("snapshot_qr: columns of the weights", weights.cols, 1);
      for (index_t i = 0; i < weights.rows; ++i)
        if (!(weights(i, 0) >= T(0) && std::isfinite(weights(i, 0))))
          fail<numeric_error>("snapshot_qr: the weight of row ", rows_ + i, " is ", weights(i, 0),
                              ", expected a finite number, 0 or more");
    }
    for (index_t i = 0; i < a.rows; ++i) {
      const double w = weights ? double(weights(i, 0)) : 1, scale = std::sqrt(w);
      const index_t k = next_row();
      for (index_t j = 0; j < a_cols_; ++j) buffer_(k, j) = scale * double(a(i, j));
      for (index_t j = 0; j < b_cols_; ++j) buffer_(k, a_cols_ + j) = scale * double(b(i, j));
      weight_ += w;
    }
    rows_ += a.rows;
  }

  template <class T>
  void require_finite(const char* name, const_view<T> x) const {
    if (const index_t at = first_not_finite(x); at >= 0)
      fail<numeric_error>("snapshot_qr: row ", rows_ + at / x.cols, " of ", name, " has ", x(at / x.cols, at % x.cols),
                          " in column ", at % x.cols, ", expected a finite number");
  }

  index_t a_cols_, b_cols_;
  index_t rows_ = 0;
  index_t pending_ = 0;
  double weight_ = 0;
  Eigen::MatrixXd buffer_;
};

}  // namespace kdm
