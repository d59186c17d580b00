/// The cheapest one-to-one matching of two sets, such as the eigenvalues of two fits.
#pragma once

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstddef>
#include <limits>
#include <vector>

#include "kdm/core/finite.hpp"
#include "kdm/core/matrix.hpp"

namespace kdm {

/// The column assigned to every row of a square cost table such that the sum of costs is least.
///
/// Shapes.    cost [n, n]; the result holds each of 0 .. n - 1 once.
/// Cost.      O(n^3).
/// Throws.    shape_error unless cost is square, numeric_error for a cost that is not finite.
/// Source.    Kuhn 1955, "The Hungarian method for the assignment problem", in the shortest-path form with prices
inline std::vector<index_t> optimal_assignment(const_view<double> cost) {
  require_size("optimal_assignment: columns of the costs", cost.cols, cost.rows);
  if (first_not_finite(cost) >= 0) fail<numeric_error>("optimal_assignment: a cost is not finite");
  const std::size_t n = std::size_t(cost.rows), none = n;
  constexpr double infinity = std::numeric_limits<double>::infinity();
  std::vector<double> row_price(n, 0), col_price(n + 1, 0);
  std::vector<std::size_t> row_of(n + 1, none);  // column n is where a new row starts
  for (std::size_t start = 0; start < n; ++start) {
    std::vector<double> distance(n + 1, infinity);
    std::vector<std::size_t> previous(n + 1, none);
    std::vector<bool> reached(n + 1, false);
    std::size_t column = none;
    row_of[none] = start;
    do {
      reached[column] = true;
      const std::size_t row = row_of[column];
      std::size_t nearest = none;
      double step = infinity;
      for (std::size_t j = 0; j < n; ++j) {
        if (reached[j]) continue;
        const double reduced = cost(index_t(row), index_t(j)) - row_price[row] - col_price[j];
        if (reduced < distance[j]) distance[j] = reduced, previous[j] = column;
        if (distance[j] < step) step = distance[j], nearest = j;
      }
      for (std::size_t j = 0; j <= n; ++j) {
        if (reached[j]) row_price[row_of[j]] += step, col_price[j] -= step;
        else distance[j] -= step;
      }
      column = nearest;
    } while (row_of[column] != none);
    for (; column != none; column = previous[column]) row_of[column] = row_of[previous[column]];
  }
  std::vector<index_t> column_of(n);
  for (std::size_t j = 0; j < n; ++j) column_of[row_of[j]] = index_t(j);
  return column_of;
}

/// For every number of `a` the position of its partner in `b`, such that the sum of distances is least.
///
/// Shapes.    as many numbers in a as in b.
inline std::vector<index_t> optimal_matching(const std::vector<std::complex<double>>& a,
                                             const std::vector<std::complex<double>>& b) {
  require_size("optimal_matching: size of b", index_t(b.size()), index_t(a.size()));
  matrix<double> cost(index_t(a.size()), index_t(b.size()));
  for (index_t i = 0; i < cost.rows(); ++i)
    for (index_t j = 0; j < cost.cols(); ++j) cost(i, j) = std::abs(a[std::size_t(i)] - b[std::size_t(j)]);
  return optimal_assignment(cost);
}

/// Largest distance between matched numbers; infinite when there are more of one kind.
inline double matching_distance(const std::vector<std::complex<double>>& a,
                                const std::vector<std::complex<double>>& b) {
  if (a.size() != b.size()) return std::numeric_limits<double>::infinity();
  const std::vector<index_t> partner = optimal_matching(a, b);
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(a[i] - b[std::size_t(partner[i])]));
  return worst;
}

}  // namespace kdm
