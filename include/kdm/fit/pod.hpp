/// Orthonormal bases of what snapshots span: of their rows, by energy, and of given columns, in order.
#pragma once

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

#include "kdm/core/finite.hpp"
#include "kdm/fit/dmd_basis.hpp"

namespace kdm::detail {

/// x(i, j) without a copy.
using mapped_rows = Eigen::Map<const Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>, 0,
                               Eigen::OuterStride<>>;
template <class = void>
mapped_rows map_rows(const_view<double> x) {
  return {x.p, x.rows, x.cols, Eigen::OuterStride<>(x.ld)};
}

template <class = void>
void require_finite_snapshots(std::string_view method, std::string_view name, const_view<double> x) {
  if (const index_t at = first_not_finite(x); at >= 0)
    fail<numeric_error>(method, ": row ", at / x.cols, " of ", name, " has ", x(at / x.cols, at % x.cols),
                        " in column ", at % x.cols, ", expected a finite number");
}

/// A power of two by which to divide x so that squares neither vanish nor overflow; 1 where they do not anyway.
template <class = void>
double unit_of(const double* x, index_t size) {
  double largest = 0;
  for (index_t i = 0; i < size; ++i) largest = std::max(largest, std::abs(x[i]));
  return largest == 0 || (largest > 1e-100 && largest < 1e100) ? 1 : std::ldexp(1., std::ilogb(largest));
}

/// The proper orthogonal decomposition of rows: x is x basis basis' but for the singular values that were cut.
struct pod_basis {
  Eigen::MatrixXd basis;  ///< [columns of x, rank], orthonormal columns, largest energy first
  Eigen::VectorXd sigma;  ///< the singular values kept
  rank_decision decision;
};

template <class = void>
pod_basis pod(const_view<double> x, const rank_rule& rule, const rounding_errors& errors = {}) {
  truncated_svd f = leading_directions(to_eigen(x), rule, x.rows, most_directions, errors);
  return {std::move(f.q), std::move(f.s), std::move(f.rank)};
}

/// a = q r with orthonormal columns of q, column after column. A column that depends on those before it, up to
/// `tolerance` of its norm, has a zero column in q and a 1 on the diagonal of r.
struct ordered_basis {
  Eigen::MatrixXd q, r;
  index_t rank = 0;
};

/// Source.    Giraud, Langou, Rozloznik, van den Eshof 2005, "Rounding error analysis of the classical Gram-Schmidt
///            orthogonalization process" (why twice is enough)
template <class = void>
ordered_basis orthonormalise(const Eigen::MatrixXd& a, double tolerance = 1e-13) {
  ordered_basis f{Eigen::MatrixXd::Zero(a.rows(), a.cols()), Eigen::MatrixXd::Zero(a.cols(), a.cols())};
  for (index_t j = 0; j < a.cols(); ++j) {
    Eigen::VectorXd v = a.col(j);
    const double size = v.norm();
    for (int pass = 0; pass < 2; ++pass) {
      const Eigen::VectorXd along = f.q.leftCols(j).transpose() * v;
      v.noalias() -= f.q.leftCols(j) * along;
      f.r.col(j).head(j) += along;
    }
    const double left = v.norm();
    if (left > tolerance * size) {
      f.q.col(j) = v / left;
      f.r(j, j) = left;
      ++f.rank;
    } else {
      f.r(j, j) = 1;
    }
  }
  return f;
}

}  // namespace kdm::detail
