/// What the rounding of data can make of singular values and of combinations of columns.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "kdm/fit/convert.hpp"
#include "kdm/fit/rounding.hpp"

namespace kdm::detail {

/// Expected squares of the rounding errors in the columns of a matrix, summed over its rows.
struct rounding_errors {
  Eigen::VectorXd squares;        ///< a column each; empty: no errors but double's
  double rows = 0, columns = 0;   ///< of the matrix of errors, as many as count

  bool any() const { return squares.size() > 0; }

  /// The most that errors alone are likely to show along a combination of the columns that was chosen to show much.
  ///
  /// Independent errors of deviation s have the largest singular value s (sqrt(rows) + sqrt(columns)). Twice that, for
  /// errors that are not quite independent; and no more than all errors together at their largest, sqrt(3) times their
  /// root mean square.
  template <class Derived>
  double along(const Eigen::MatrixBase<Derived>& combination) const {
    if (!any()) return 0;
    const double size = std::sqrt(combination.cwiseAbs2().dot(squares));
    const double wide = rows > 0 ? std::sqrt(columns / rows) : 0;
    return std::min(2 * (1 + wide) * size, std::sqrt(3 * squares.sum()) * combination.norm());
  }
  /// The same for every column of a matrix.
  template <class = void>
  std::vector<double> along_columns(const Eigen::MatrixXd& combinations) const {
    std::vector<double> result;
    for (index_t k = 0; any() && k < combinations.cols(); ++k) result.push_back(along(combinations.col(k)));
    return result;
  }

  /// The errors of the columns divided by sizes.
  template <class = void>
  rounding_errors divided_by(const Eigen::VectorXd& sizes) const {
    rounding_errors e = *this;
    if (any()) e.squares = squares.array() / sizes.array().square();
    return e;
  }
  /// The errors in other coordinates: the columns of the data times `basis`. They came from as many columns as before.
  template <class = void>
  rounding_errors in(const Eigen::MatrixXd& basis) const {
    rounding_errors e = *this;
    if (any()) e.squares = basis.cwiseAbs2().transpose() * squares;
    return e;
  }
  /// Of the columns of both, side by side.
  template <class = void>
  rounding_errors beside(const rounding_errors& other) const {
    if (!any() || !other.any()) return any() ? *this : other;
    rounding_errors e{Eigen::VectorXd(squares.size() + other.squares.size()), std::max(rows, other.rows),
                      columns + other.columns};
    e.squares << squares, other.squares;
    return e;
  }
};

/// The errors of rows of rounded numbers; weight_of(i) is how often row i counts, and what it is divided by.
template <class Weight>
rounding_errors errors_of_rows(const_view<double> x, const data_rounding& rounding, Weight weight_of) {
  rounding_errors e;
  if (rounding.is_double()) return e;
  e.squares = Eigen::VectorXd::Zero(x.cols);
  e.columns = double(x.cols);
  double sum = 0, squares = 0;
  for (index_t i = 0; i < x.rows; ++i) {
    const auto [weight, size] = weight_of(i);
    sum += weight, squares += weight * weight;
    for (index_t j = 0; j < x.cols; ++j) e.squares(j) += weight * rounding.mean_square(x(i, j), size);
  }
  e.rows = squares > 0 ? sum / squares * sum : 0;
  return e;
}

}  // namespace kdm::detail
