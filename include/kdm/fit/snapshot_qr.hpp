/// Streaming QR of snapshot pairs: everything a linear fit needs to know of any number of rows, in one small triangle.
#pragma once

#include <Eigen/QR>
#include <algorithm>
#include <cmath>
#include <type_traits>
#include <vector>

#include "kdm/core/finite.hpp"
#include "kdm/exec/executor.hpp"
#include "kdm/fit/convert.hpp"
#include "kdm/fit/rounding_errors.hpp"

namespace kdm {

/// The triangle R of [A | B] cut at the last column of A: R = [r11 r12; 0 r22].
///
/// Shapes.    r11 [a_cols, a_cols] and r22 [b_cols, b_cols] upper triangular, r12 [a_cols, b_cols].
struct snapshot_blocks {
  matrix<double> r11, r12, r22;
};

namespace detail {

template <class T>
void require_snapshot_shapes(index_t a_cols, index_t b_cols, const_view<T> a, const_view<T> b, const_view<T> weights) {
  require_size("snapshot_qr: columns of a", a.cols, a_cols);
  require_size("snapshot_qr: columns of b", b.cols, b_cols);
  require_size("snapshot_qr: rows of b", b.rows, a.rows);
  if (!weights) return;
  require_size("snapshot_qr: rows of the weights", weights.rows, a.rows);
  require_size("snapshot_qr: columns of the weights", weights.cols, 1);
}

/// Names the bad row by its number in the stream, whose row `first_row` comes first here.
template <class T>
void require_snapshot_values(const_view<T> a, const_view<T> b, const_view<T> weights, index_t first_row) {
  const auto require_finite = [first_row](const char* name, const_view<T> x) {
    if (const index_t at = first_not_finite(x); at >= 0)
      fail<numeric_error>("snapshot_qr: row ", first_row + at / x.cols, " of ", name, " has ",
                          x(at / x.cols, at % x.cols), " in column ", at % x.cols, ", expected a finite number");
  };
  require_finite("a", a);
  require_finite("b", b);
  for (index_t i = 0; i < weights.rows; ++i)
    if (!(weights(i, 0) >= T(0) && is_finite(weights(i, 0))))
      fail<numeric_error>("snapshot_qr: the weight of row ", first_row + i, " is ", weights(i, 0),
                          ", expected a finite number, 0 or more");
}

}  // namespace detail

/// The triangular factor of a tall matrix whose rows [a | b] arrive in any portions.
///
/// For every K, |A K - B|^2 = |r11 K - r12|^2 + |r22|^2: the triangle stands for the data in every least-squares
/// problem, and it does so without the products A'A, which would square the condition number. Rows wait in a buffer
/// and are folded in by the hundred, so the bits of R depend on the rows and their order, not on the portions.
///
/// With a forgetting factor w a row counts w^k times after k further rows: the triangle follows a system that changes.
/// What rows no longer excite fades to zero and is reported as a lower rank by whatever solves with R; nothing grows.
/// Shapes.    a [n, a_cols], b [n, b_cols] for any n; R [a_cols + b_cols, a_cols + b_cols].
/// Cost.      2 p^2 flops a row for p = a_cols + b_cols, a quarter more for folding; memory for 4 p^2 numbers, and
///            none more for any number of rows. Computes in double.
/// Throws.    shape_error; option_error unless 0 < forgetting <= 1; numeric_error naming the row that is not finite,
///            with nothing appended.
/// Source.    Demmel, Grigori, Hoemmen, Langou 2012, "Communication-optimal parallel and sequential QR and LU"
/// Example.   docs/fitting.md
class snapshot_qr {
 public:
  snapshot_qr(index_t a_cols, index_t b_cols, double forgetting = 1)
      : a_cols_(a_cols), b_cols_(b_cols), forgetting_(forgetting) {
    if (a_cols < 1 || b_cols < 0)
      fail<shape_error>("snapshot_qr: ", a_cols, " columns of a and ", b_cols, " of b, expected at least 1 and 0");
    if (!(forgetting > 0 && forgetting <= 1))
      fail<option_error>("snapshot_qr: forgetting is ", forgetting, ", expected more than 0 and at most 1");
    buffer_ = Eigen::MatrixXd::Zero(cols() + std::max<index_t>(256, 3 * cols()), cols());
  }

  index_t a_cols() const { return a_cols_; }
  index_t b_cols() const { return b_cols_; }
  index_t cols() const { return a_cols_ + b_cols_; }

  double forgetting() const { return forgetting_; }

  /// Rows appended so far, and the sum of their weights (1 each where none were given) as far as they are remembered.
  index_t rows() const { return rows_; }
  double weight() const { return weight_; }

  /// Appends rows. Row i counts weights(i, 0) times, as far as sums of squares go. The rounding says how exactly a and
  /// b are known: what solves with the triangle cuts what that can make.
  ///
  /// Shapes.    weights null or [n, 1], none negative.
  template <class = void>
  void append(const_view<double> a, const_view<double> b, const_view<double> weights = {},
              const data_rounding& rounding = {}) {
    push(a, b, weights, rounding);
  }
  template <class = void>
  void append(const_view<float> a, const_view<float> b, const_view<float> weights = {},
              const data_rounding& rounding = data_rounding::of<float>()) {
    push(a, b, weights, rounding);
  }

  /// Counts errors of known mean squares in the columns of [A | B], beside those of the roundings given so far.
  template <class = void>
  void add_rounding(const std::vector<double>& squares) {
    require_size("snapshot_qr: number of squares", index_t(squares.size()), cols());
    rounding_.resize(squares.size());
    for (std::size_t j = 0; j < squares.size(); ++j) rounding_[j] += squares[j];
  }

  /// The expected squares of rounding errors in the columns `first` to `first + count` of [A | B]: weighted sums over
  /// rows. None where all rows are good to double precision.
  template <class = void>
  detail::rounding_errors rounding_of(index_t first, index_t count) const {
    detail::rounding_errors e;
    if (rounding_.empty()) return e;
    e.squares = Eigen::Map<const Eigen::VectorXd>(rounding_.data() + first, count);
    e.rows = weight_squares_ > 0 ? weight_ / weight_squares_ * weight_ : 0;
    e.columns = double(count);
    return e;
  }

  /// Takes over the rows of another factor, as if they were appended here, after those that are here.
  ///
  /// Throws.    shape_error; option_error when the other forgets at another rate.
  template <class = void>
  void merge(const snapshot_qr& other) {
    require_size("snapshot_qr: a_cols of the merged factor", other.a_cols_, a_cols_);
    require_size("snapshot_qr: b_cols of the merged factor", other.b_cols_, b_cols_);
    if (other.forgetting_ != forgetting_)
      fail<option_error>("snapshot_qr: forgetting of the merged factor is ", other.forgetting_, ", expected ",
                         forgetting_);
    const matrix<double> r = other.r();
    if (forgetting_ < 1) {
      // The rows of the other triangle are all of one age, so they cannot wait among rows that fade one by one.
      const double faded = std::pow(forgetting_, double(other.rows_));
      Eigen::MatrixXd both(2 * cols(), cols());
      both << std::sqrt(faded) * detail::to_eigen(this->r()), detail::to_eigen(r);
      fold(both);
      buffer_.topRows(cols()) = both.topRows(cols());
      pending_ = 0;
      weight_ *= faded;
      weight_squares_ *= faded * faded;
      for (double& square : rounding_) square *= faded;
    } else {
      for (index_t i = 0; i < r.rows(); ++i) {
        const index_t k = next_row();
        for (index_t j = 0; j < cols(); ++j) buffer_(k, j) = r(i, j);
      }
    }
    rows_ += other.rows_;
    weight_ += other.weight_;
    weight_squares_ += other.weight_squares_;
    if (!other.rounding_.empty()) add_rounding(other.rounding_);
    largest_ = std::max(largest_, other.largest_);
  }

  /// The factor of [A a | B b]: the same rows and weights in other coordinates.
  ///
  /// Shapes.    a [a_cols, any], b [b_cols, any].
  /// Cost.      one fold; the data are not needed.
  template <class = void>
  snapshot_qr transformed(const_view<double> a, const_view<double> b) const {
    require_size("snapshot_qr: rows of the map of a", a.rows, a_cols_);
    require_size("snapshot_qr: rows of the map of b", b.rows, b_cols_);
    snapshot_qr result(a.cols, b.cols, forgetting_);
    const Eigen::MatrixXd whole = detail::to_eigen(r());
    Eigen::MatrixXd mapped(whole.rows(), a.cols + b.cols);
    mapped.leftCols(a.cols).noalias() = whole.leftCols(a_cols_) * detail::to_eigen(a);
    mapped.rightCols(b.cols).noalias() = whole.rightCols(b_cols_) * detail::to_eigen(b);
    if (mapped.rows() >= mapped.cols()) fold(mapped);
    const index_t kept = std::min<index_t>(mapped.rows(), mapped.cols());
    result.buffer_.topRows(kept) = mapped.topRows(kept);
    if (kept < mapped.cols()) fold(result.buffer_);
    result.rows_ = rows_;
    result.weight_ = weight_;
    result.weight_squares_ = weight_squares_;
    if (!rounding_.empty()) {
      // Errors of different columns are taken as independent.
      result.rounding_.assign(std::size_t(result.cols()), 0);
      const auto move = [&](const_view<double> map, index_t from, index_t to) {
        for (index_t i = 0; i < map.rows; ++i)
          for (index_t j = 0; j < map.cols; ++j)
            result.rounding_[std::size_t(to + j)] += map(i, j) * map(i, j) * rounding_[std::size_t(from + i)];
      };
      move(a, 0, 0);
      move(b, a_cols_, a.cols);
    }
    return result;
  }

  /// The triangle, with no negative number on its diagonal: unique when [A | B] has full rank.
  ///
  /// Throws.    numeric_error when the entries are so large or so small that their squares overflow or vanish.
  template <class = void>
  matrix<double> r() const {
    Eigen::MatrixXd m = buffer_.topRows(cols() + pending_);
    fade(m);
    fold(m);
    if (largest_ > 0 && largest_ < 1e-140)
      fail<numeric_error>("snapshot_qr: the largest entry is ", largest_,
                          ", expected more than 1e-140: the squares of smaller ones vanish");
    if (!m.topRows(cols()).allFinite())
      fail<numeric_error>("snapshot_qr: the triangle is not finite, expected entries whose squares do not overflow");
    for (index_t i = 0; i < cols(); ++i)
      if (m(i, i) < 0) m.row(i) *= -1;
    return detail::from_eigen(m.topRows(cols()));
  }

  template <class = void>
  snapshot_blocks blocks() const {
    const matrix<double> whole = r();
    const const_view<double> top = whole.view().row_range(0, a_cols_), rest = whole.view().row_range(a_cols_, b_cols_);
    return {matrix<double>(top.col_range(0, a_cols_)), matrix<double>(top.col_range(a_cols_, b_cols_)),
            matrix<double>(rest.col_range(a_cols_, b_cols_))};
  }

 private:
  /// Makes the top square of `m` the triangle of all its rows.
  template <class = void>
  static void fold(Eigen::MatrixXd& m) {
    Eigen::Ref<Eigen::MatrixXd> in_place = m;
    const Eigen::HouseholderQR<Eigen::Ref<Eigen::MatrixXd>> qr(in_place);
    m.topRows(m.cols()).triangularView<Eigen::StrictlyLower>().setZero();
  }

  /// Scales the triangle and the waiting rows below it to what is remembered of them now.
  template <class = void>
  void fade(Eigen::MatrixXd& m) const {
    if (forgetting_ == 1 || pending_ == 0) return;
    const double step = std::sqrt(forgetting_);
    double scale = 1;
    for (index_t i = cols() + pending_ - 1; i >= cols(); --i, scale *= step) m.row(i) *= scale;
    m.topRows(cols()) *= scale;
  }

  /// The buffer row for one more row of data: the triangle stands in the first cols() rows, waiting rows below it.
  template <class = void>
  index_t next_row() {
    if (cols() + pending_ == buffer_.rows()) {
      fade(buffer_);
      fold(buffer_);
      pending_ = 0;
    }
    return cols() + pending_++;
  }

  template <class T>
  void push(const_view<T> a, const_view<T> b, const_view<T> weights, const data_rounding& rounding) {
    detail::require_snapshot_shapes(a_cols_, b_cols_, a, b, weights);
    detail::require_snapshot_values(a, b, weights, rows_);
    require_rounding("snapshot_qr", rounding);
    const bool rounded = !rounding.is_double();
    if (rounded) rounding_.resize(std::size_t(cols()));
    for (index_t i = 0; i < a.rows; ++i) {
      const double w = weights ? double(weights(i, 0)) : 1, scale = std::sqrt(w);
      const index_t k = next_row();
      if (forgetting_ < 1)
        for (double& square : rounding_) square *= forgetting_;
      const auto put = [&](index_t j, double value) {
        buffer_(k, j) = scale * value;
        largest_ = std::max(largest_, std::abs(value));
        if (rounded) rounding_[std::size_t(j)] += w * rounding.mean_square(value);
      };
      for (index_t j = 0; j < a_cols_; ++j) put(j, double(a(i, j)));
      for (index_t j = 0; j < b_cols_; ++j) put(a_cols_ + j, double(b(i, j)));
      weight_ = forgetting_ * weight_ + w;
      weight_squares_ = forgetting_ * forgetting_ * weight_squares_ + w * w;
    }
    rows_ += a.rows;
  }

  index_t a_cols_, b_cols_;
  double forgetting_;
  index_t rows_ = 0;
  index_t pending_ = 0;
  double weight_ = 0, weight_squares_ = 0;
  std::vector<double> rounding_;  // expected squares of errors, a column each; empty: none but double's
  double largest_ = 0;  // of all entries appended
  Eigen::MatrixXd buffer_;
};

/// The factor of many rows at once, by all lanes of an executor.
///
/// The rows are cut into at most 64 parts, by their number alone, and the parts are merged in order: the bits do not
/// depend on the lanes. They differ from those of `append`, by rounding.
/// Shapes.    a [n, a_cols], b [n, b_cols], weights null or [n, 1].
/// Cost.      as append, over the lanes; memory for one factor a part.
/// Throws.    as append, naming the first bad row of the first bad part.
/// Source.    Demmel, Grigori, Hoemmen, Langou 2012, "Communication-optimal parallel and sequential QR and LU"
template <class T, executor E>
snapshot_qr snapshot_qr_of(const E& e, const_view<T> a, std::type_identity_t<const_view<T>> b,
                           std::type_identity_t<const_view<T>> weights = {}) {
  const snapshot_qr empty(a.cols, b.cols);
  detail::require_snapshot_shapes(a.cols, b.cols, a, b, weights);
  const index_t grain = std::max({index_t(1024), 8 * empty.cols(), (a.rows + 63) / 64});
  std::vector<snapshot_qr> parts(std::size_t((a.rows + grain - 1) / grain), empty);
  e.for_chunks(a.rows, grain, [&](index_t first, index_t last, int) {
    const index_t n = last - first;
    const const_view<T> some_a = a.row_range(first, n), some_b = b.row_range(first, n),
                        some_weights = weights ? weights.row_range(first, n) : weights;
    detail::require_snapshot_values(some_a, some_b, some_weights, first);
    parts[std::size_t(first / grain)].append(some_a, some_b, some_weights);
  });
  snapshot_qr whole = empty;
  for (const snapshot_qr& part : parts) whole.merge(part);
  return whole;
}
template <class T, executor E>
snapshot_qr snapshot_qr_of(const E& e, const matrix<T>& a, const matrix<T>& b, const matrix<T>& weights = {}) {
  return kdm::snapshot_qr_of(e, a.view(), b.view(), weights.view());
}

}  // namespace kdm
