// Two sets of eigenvalues compared by their best matching.
#pragma once

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <vector>

namespace kdm_test {

/// The column assigned to every row of a square cost table such that the sum of costs is least.
///
/// Kuhn 1955, "The Hungarian method for the assignment problem", in the shortest-path form with prices.
inline std::vector<std::size_t> optimal_assignment(const std::vector<std::vector<double>>& cost) {
  const std::size_t n = cost.size(), none = n;
  std::vector<double> row_price(n, 0), col_price(n + 1, 0);
  std::vector<std::size_t> row_of(n + 1, none);  // column n is where a new row starts
  for (std::size_t start = 0; start < n; ++start) {
    std::vector<double> distance(n + 1, std::numeric_limits<double>::infinity());
    std::vector<std::size_t> previous(n + 1, none);
    std::vector<bool> reached(n + 1, false);
    std::size_t column = none;
    row_of[none] = start;
    do {
      reached[column] = true;
      const std::size_t row = row_of[column];
      std::size_t nearest = none;
      double step = std::numeric_limits<double>::infinity();
      for (std::size_t j = 0; j < n; ++j) {
        if (reached[j]) continue;
        const double reduced = cost[row][j] - row_price[row] - col_price[j];
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
  std::vector<std::size_t> column_of(n);
  for (std::size_t j = 0; j < n; ++j) column_of[row_of[j]] = j;
  return column_of;
}

/// Largest distance between matched eigenvalues; infinite when the numbers differ.
inline double matching_error(const std::vector<std::complex<double>>& found,
                             const std::vector<std::complex<double>>& expected) {
  if (found.size() != expected.size()) return std::numeric_limits<double>::infinity();
  std::vector<std::vector<double>> cost(found.size(), std::vector<double>(found.size()));
  for (std::size_t i = 0; i < found.size(); ++i)
    for (std::size_t j = 0; j < found.size(); ++j) cost[i][j] = std::abs(found[i] - expected[j]);
  double worst = 0;
  const auto column = optimal_assignment(cost);
  for (std::size_t i = 0; i < found.size(); ++i) worst = std::max(worst, cost[i][column[i]]);
  return worst;
}

}  // namespace kdm_test
