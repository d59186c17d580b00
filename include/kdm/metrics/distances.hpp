/// Sums of a function of the distance over all pairs of samples: the work behind energy distance and MMD.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "kdm/core/matrix.hpp"
#include "kdm/exec/executor.hpp"
#include "kdm/metrics/samples.hpp"

namespace kdm::detail {

/// Rows of x as doubles, transposed: column i is sample rows[i]. Loops over samples then run along memory.
template <class T>
matrix<double> transposed_rows(const_view<T> x, const std::vector<index_t>& rows) {
  matrix<double> result(x.cols, index_t(rows.size()));
  for (index_t i = 0; i < result.cols(); ++i)
    for (index_t k = 0; k < x.cols; ++k) result(k, i) = double(x(rows[std::size_t(i)], k));
  return result;
}

enum class pair_range { all, above_diagonal };

/// The sum of f(|a_i - b_j|^2) over all pairs, or over those with i < j.
///
/// Shapes.    a [d, n], b [d, m]: samples are columns.
/// Cost.      n m (3 d flops + one f), half of it above the diagonal. The order of the sums depends on the sizes alone.
template <class F, executor E>
double sum_over_pairs(const matrix<double>& a, const matrix<double>& b, pair_range which, const F& f, const E& run) {
  constexpr index_t grain = 16, block = 256, ways = 8;
  std::vector<double> partial(std::size_t(chunk_count(a.cols(), grain)));
  run.for_chunks(a.cols(), grain, [&](index_t first, index_t last, int) {
    double squared[block];
    double sums[ways] = {};  // several sums at a time let the compiler vectorise without reordering anything
    for (index_t start = 0; start < b.cols(); start += block)
      for (index_t i = first; i < last; ++i) {
        const index_t from = which == pair_range::all ? start : std::max(start, i + 1);
        const index_t count = std::min(start + block, b.cols()) - from;
        if (count <= 0) continue;
        std::fill_n(squared, count, 0.0);
        for (index_t k = 0; k < a.rows(); ++k) {
          const double centre = a(k, i);
          const double* row = b.view().row_pointer(k) + from;
          for (index_t j = 0; j < count; ++j) squared[j] += (centre - row[j]) * (centre - row[j]);
        }
        for (index_t j = 0; j < count; ++j) squared[j] = f(squared[j]);
        const index_t whole = count - count % ways;
        for (index_t j = 0; j < whole; j += ways)
          for (index_t way = 0; way < ways; ++way) sums[way] += squared[j + way];
        for (index_t j = whole; j < count; ++j) sums[j - whole] += squared[j];
      }
    double& total = partial[std::size_t(first / grain)];
    for (const double sum : sums) total += sum;
  });
  double total = 0;
  for (const double sum : partial) total += sum;
  return total;
}

/// The sum of f(|a_i - b_i|^2).
///
/// Shapes.    a [d, n], b [d, n]: samples are columns.
template <class F>
double sum_over_partners(const matrix<double>& a, const matrix<double>& b, const F& f) {
  double sum = 0;
  for (index_t i = 0; i < a.cols(); ++i) {
    double squared = 0;
    for (index_t k = 0; k < a.rows(); ++k) squared += (a(k, i) - b(k, i)) * (a(k, i) - b(k, i));
    sum += f(squared);
  }
  return sum;
}

}  // namespace kdm::detail
