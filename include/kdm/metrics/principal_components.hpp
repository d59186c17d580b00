/// The directions in which a set of samples spreads most.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <tuple>
#include <utility>
#include <vector>

#include "kdm/core/matrix.hpp"
#include "kdm/math/random.hpp"
#include "kdm/metrics/moments.hpp"
#include "kdm/metrics/samples.hpp"

namespace kdm {

/// Coordinates of the plane (or line) in which a set spreads most: (x - mean) directions'.
struct principal_components {
  matrix<double> mean;         ///< [1, d]
  matrix<double> directions;   ///< [count, d], orthonormal rows, the largest spread first
  std::vector<double> shares;  ///< of the variance of the set, one a direction

  /// Shapes.    x [n, d]; result [n, count].
  /// Throws.    shape_error, numeric_error for an element that is not finite.
  template <sample_set X>
  matrix<double> coordinates(const X& x) const {
    const auto points = samples_of(x);
    require_samples("principal_components", "x", points, "the set", const_view<double>(mean.view()));
    matrix<double> result(points.rows, directions.rows());
    for (index_t i = 0; i < points.rows; ++i)
      for (index_t k = 0; k < directions.rows(); ++k)
        for (index_t j = 0; j < points.cols; ++j)
          result(i, k) += (double(points(i, j)) - mean(0, j)) * directions(k, j);
    return result;
  }
};

struct principal_options {
  index_t count = 2;
  index_t limit = 5'000;   ///< rows that the directions are fitted to; more are cut to a pseudo-random subset
  index_t iterations = 20; ///< of the block of directions; none beyond the first matters up to 12 columns
  std::uint64_t seed = 0;  ///< of the subset and of the first block
};

namespace detail {

/// Rows made orthonormal, one after the other and twice; a row that depends on those before becomes zero.
inline void orthonormalise_rows(matrix<double>& q) {
  const auto dot = [&](index_t a, index_t b) {
    return std::inner_product(q.view().row_pointer(a), q.view().row_pointer(a) + q.cols(), q.view().row_pointer(b), 0.0);
  };
  for (index_t k = 0; k < q.rows(); ++k) {
    const double before = std::sqrt(dot(k, k));
    for (int pass = 0; pass < 2; ++pass)
      for (index_t l = 0; l < k; ++l) {
        const double along = dot(k, l);
        for (index_t j = 0; j < q.cols(); ++j) q(k, j) -= along * q(l, j);
      }
    const double norm = std::sqrt(dot(k, k)), factor = norm > 1e-12 * before ? 1 / norm : 0;
    for (index_t j = 0; j < q.cols(); ++j) q(k, j) *= factor;
  }
}

/// a = v' diag(a) v for symmetric a: leaves the eigenvalues on the diagonal of a and returns v, one eigenvector a row.
///
/// Source.    Jacobi 1846, by cyclic rotations
inline matrix<double> symmetric_eigenvectors(matrix<double>& a) {
  const index_t n = a.rows();
  matrix<double> v(n, n);
  for (index_t i = 0; i < n; ++i) v(i, i) = 1;
  for (int sweep = 0; sweep < 50; ++sweep)
    for (index_t p = 0; p < n; ++p)
      for (index_t q = p + 1; q < n; ++q) {
        if (std::abs(a(p, q)) <= 1e-16 * std::sqrt(std::abs(a(p, p) * a(q, q)))) continue;
        const double zeta = (a(q, q) - a(p, p)) / (2 * a(p, q));
        const double t = std::copysign(1., zeta) / (std::abs(zeta) + std::hypot(1., zeta));
        const double c = 1 / std::hypot(1., t), s = c * t;
        const auto turn = [c, s](double& x, double& y) { std::tie(x, y) = std::pair(c * x - s * y, s * x + c * y); };
        for (index_t k = 0; k < n; ++k) turn(a(k, p), a(k, q));
        for (index_t k = 0; k < n; ++k) turn(a(p, k), a(q, k));
        for (index_t k = 0; k < n; ++k) turn(v(p, k), v(q, k));
      }
  return v;
}

}  // namespace detail

/// The principal components of a set of samples, by iterating a block of `count` + 10 directions. The largest element of a
/// direction is positive.
///
/// Shapes.    x [n, d], n at least 2; `count` is cut to d.
/// Cost.      4 n d (count + 10) flops an iteration, with n cut to the limit.
/// Throws.    shape_error, option_error, numeric_error for an element that is not finite or when all samples are the same.
/// Source.    Halko, Martinsson, Tropp 2011, "Finding structure with randomness", algorithm 4.4
template <sample_set X>
principal_components principal_components_of(const X& x, const principal_options& options = {}) {
  const auto all = samples_of(x);
  require_samples("principal_components", "x", all);
  if (options.count < 1) fail<option_error>("principal_components: count is ", options.count, ", expected at least 1");
  principal_components result;
  result.mean = mean(x);
  const std::vector<index_t> rows = row_subset(all.rows, options.limit, options.seed);
  const index_t n = index_t(rows.size()), d = all.cols, block = std::min(d, options.count + 10);
  matrix<double> centred(n, d);
  double variance = 0;
  for (index_t i = 0; i < n; ++i)
    for (index_t j = 0; j < d; ++j) {
      centred(i, j) = double(all(rows[std::size_t(i)], j)) - result.mean(0, j);
      variance += centred(i, j) * centred(i, j);
    }
  if (!(variance > 0)) fail<numeric_error>("principal_components: all samples are the same, expected different ones");

  matrix<double> q(block, d), projected(n, block);
  fill_normals(random_table{options.seed, streams::projections, 1}, 0, q.view());
  const auto project = [&] {
    detail::orthonormalise_rows(q);
    for (index_t i = 0; i < n; ++i)
      for (index_t k = 0; k < block; ++k)
        projected(i, k) = std::inner_product(centred.view().row_pointer(i), centred.view().row_pointer(i) + d,
                                             q.view().row_pointer(k), 0.0);
  };
  project();
  for (index_t step = 0; step < options.iterations && block < d; ++step) {
    q = matrix<double>(block, d);
    for (index_t i = 0; i < n; ++i)
      for (index_t k = 0; k < block; ++k)
        for (index_t j = 0; j < d; ++j) q(k, j) += projected(i, k) * centred(i, j);
    project();
  }
  matrix<double> small(block, block);
  for (index_t i = 0; i < n; ++i)
    for (index_t k = 0; k < block; ++k)
      for (index_t l = 0; l < block; ++l) small(k, l) += projected(i, k) * projected(i, l);
  const matrix<double> v = detail::symmetric_eigenvectors(small);
  std::vector<index_t> order(static_cast<std::size_t>(block));
  std::iota(order.begin(), order.end(), index_t(0));
  std::stable_sort(order.begin(), order.end(), [&](index_t a, index_t b) { return small(a, a) > small(b, b); });
  result.directions = matrix<double>(std::min(options.count, d), d);
  for (index_t k = 0; k < result.directions.rows(); ++k) {
    const index_t from = order[std::size_t(k)];
    result.shares.push_back(std::max(0.0, small(from, from) / variance));
    double largest = 0;
    for (index_t j = 0; j < d; ++j) {
      for (index_t l = 0; l < block; ++l) result.directions(k, j) += v(from, l) * q(l, j);
      if (std::abs(result.directions(k, j)) > std::abs(largest)) largest = result.directions(k, j);
    }
    for (index_t j = 0; j < d && largest < 0; ++j) result.directions(k, j) *= -1;
  }
  return result;
}

}  // namespace kdm
