// Two sets of eigenvalues compared by their best matching.
#pragma once

#include <cmath>
#include <complex>
#include <cstddef>
#include <limits>
#include <vector>

#include "kdm/fit/assignment.hpp"

namespace kdm_test {

/// kdm::optimal_assignment for a table written as a list of rows.
inline std::vector<std::size_t> optimal_assignment(const std::vector<std::vector<double>>& cost) {
  const kdm::index_t n = kdm::index_t(cost.size());
  kdm::matrix<double> table(n, n);
  for (kdm::index_t i = 0; i < n; ++i)
    for (kdm::index_t j = 0; j < n; ++j) table(i, j) = cost[std::size_t(i)][std::size_t(j)];
  std::vector<std::size_t> columns;
  for (const kdm::index_t j : kdm::optimal_assignment(table)) columns.push_back(std::size_t(j));
  return columns;
}

/// Largest distance between matched eigenvalues; infinite when the numbers differ or one is not finite.
inline double matching_error(const std::vector<std::complex<double>>& found,
                             const std::vector<std::complex<double>>& expected) {
  for (const auto& z : found)
    if (!std::isfinite(z.real()) || !std::isfinite(z.imag())) return std::numeric_limits<double>::infinity();
  return kdm::matching_distance(found, expected);
}

}  // namespace kdm_test
