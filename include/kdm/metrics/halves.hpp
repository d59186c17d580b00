/// Distances between student and teacher that can be read: from noise that they do not share, beside the distance of the
/// teacher from itself at the same sizes, over many ways of cutting the pairs into halves.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "kdm/metrics/bootstrap.hpp"
#include "kdm/metrics/samples.hpp"
#include "kdm/metrics/wasserstein.hpp"

namespace kdm {

struct halves_options {
  index_t splits = 32;      ///< pseudo-random ways of cutting the pairs into two halves
  index_t limit = 25'000;   ///< rows of a half at most
  std::uint64_t seed = 0;   ///< of the splits
};

/// Rows of two halves, no row in both.
struct halves {
  std::vector<index_t> first, second;
};

/// Cut number `split` of n pairs: n / 2 rows for each half, or `limit`.
///
/// Throws.    shape_error for fewer than 4 pairs, option_error.
inline halves halves_of(index_t n, const halves_options& options, index_t split) {
  if (n < 4) fail<shape_error>("halves: found ", n, " pairs, expected at least 4, two for each half");
  if (options.limit < 2) fail<option_error>("halves: limit is ", options.limit, ", expected at least 2");
  const index_t size = std::min(n / 2, options.limit);
  const shuffle permutation(n, options.seed, 0xFFFFFFFEu - std::uint32_t(split));  // no epoch that a training reaches
  halves result;
  for (index_t i = 0; i < size; ++i) {
    result.first.push_back(permutation(i));
    result.second.push_back(permutation(size + i));
  }
  return result;
}

/// One distance, once a split: of the student's samples for the noise of the first half, and of the teacher's for the same,
/// from the teacher's samples of the second half. The two share noise with each other and not with the second half, so a
/// student that is as good as its teacher has the same distribution of distances.
struct split_distances {
  std::vector<double> student, teacher;

  /// What the student is further away than the teacher itself is, split by split.
  std::vector<double> excess() const {
    std::vector<double> difference(student);
    for (std::size_t k = 0; k < difference.size(); ++k) difference[k] -= teacher[k];
    return difference;
  }
};

/// Value, error and interval of a distance over the splits.
struct split_figure {
  double mean, median;
  double standard_error;  ///< deviation over the splits: that of one comparison
  interval range;

  /// "0.44 +- 0.015 (0.41 to 0.47)".
  std::string text() const {
    return concat(brief(mean), " +- ", brief(standard_error, 2), " (", range.text(), ")");
  }
};

/// Estimator. The deviation over the splits is that of one comparison between independent sets, which for the mean over
///            the splits is too large; where student and teacher have nothing to do with each other for the same noise it
///            is too small, by up to the root of 2.
inline split_figure figure_of(std::vector<double> values, double level = 0.95) {
  if (values.size() < 2) fail<shape_error>("figure_of: found ", values.size(), " values, expected at least 2");
  split_figure f{0, 0, 0, central_interval(values, level)};
  const double n = double(values.size());
  for (const double x : values) f.mean += x / n;
  for (const double x : values) f.standard_error += (x - f.mean) * (x - f.mean) / (n - 1);
  f.standard_error = std::sqrt(f.standard_error);
  std::sort(values.begin(), values.end());
  f.median = quantile(values, 0.5);
  return f;
}

namespace detail {

inline void require_splits(const halves_options& o) {
  if (o.splits < 2 || o.splits > 1'000'000)
    fail<option_error>("halves: splits is ", o.splits, ", expected 2 to 1000000");
}

template <class T>
matrix<T> rows_of(const_view<T> x, const std::vector<index_t>& rows) {
  matrix<T> result(index_t(rows.size()), x.cols);
  for (index_t i = 0; i < result.rows(); ++i)
    for (index_t j = 0; j < x.cols; ++j) result(i, j) = x(rows[std::size_t(i)], j);
  return result;
}

}  // namespace detail

/// Any distance(a, b) between two sets of samples, over the splits. Row i of student and teacher belong to the same
/// noise.
///
/// Shapes.    student [n, d], teacher [n, d], n at least 4.
/// Cost.      two distances a split.
/// Throws.    shape_error, numeric_error for an element that is not finite, option_error.
template <sample_set A, sample_set B, class Distance>
split_distances distance_of_halves(const A& student, const B& teacher, const Distance& distance,
                                   const halves_options& options = {}) {
  const auto x = samples_of(student);
  const auto y = samples_of(teacher);
  require_samples("halves", "student", x, "teacher", y);
  require_size("halves: rows of student", x.rows, y.rows);
  detail::require_splits(options);
  split_distances result;
  for (index_t k = 0; k < options.splits; ++k) {
    const halves h = halves_of(y.rows, options, k);
    const auto far = detail::rows_of(y, h.second);
    result.student.push_back(distance(detail::rows_of(x, h.first), far));
    result.teacher.push_back(distance(detail::rows_of(y, h.first), far));
  }
  return result;
}

/// sliced_wasserstein over the splits: each direction sorts all samples once, and the halves are picked in that order.
///
/// Shapes.    student [n, d], teacher [n, d], n at least 4.
/// Cost.      per direction 2 n d flops, two sorts, and a pass over 3 n numbers a split; memory a byte a pair and split.
///            Same bits for any number of lanes.
/// Throws.    shape_error, numeric_error for an element that is not finite, option_error.
template <sample_set A, sample_set B, executor E = serial>
split_distances sliced_wasserstein_of_halves(const A& student, const B& teacher, const halves_options& options = {},
                                             const sliced_options& sliced = {}, const E& run = {}) {
  const auto x = samples_of(student);
  const auto y = samples_of(teacher);
  require_samples("halves", "student", x, "teacher", y);
  require_size("halves: rows of student", x.rows, y.rows);
  detail::require_splits(options);
  detail::require_sliced(sliced);
  const index_t n = y.rows, size = index_t(halves_of(n, options, 0).first.size());
  matrix<unsigned char> half(options.splits, n);  // 1 and 2; 0 is in neither
  for (index_t k = 0; k < options.splits; ++k) {
    const halves h = halves_of(n, options, k);
    for (const index_t i : h.first) half(k, i) = 1;
    for (const index_t i : h.second) half(k, i) = 2;
  }
  const matrix<double> directions = detail::random_directions(sliced.directions, y.cols, sliced.seed);
  matrix<double> cost(sliced.directions, 2 * options.splits);
  run.for_chunks(sliced.directions, 1, [&](index_t first, index_t last, int) {
    using projection = std::vector<std::pair<double, index_t>>;
    projection by_student, by_teacher;
    const std::size_t room = std::size_t(size) + 1;  // the place one beyond takes what is not picked
    std::vector<double> near(room), same(room), far(room);
    const auto project = [&](const auto& z, index_t d, projection& to) {
      to.clear();
      for (index_t i = 0; i < n; ++i) {
        double sum = 0;
        for (index_t j = 0; j < z.cols; ++j) sum += directions(d, j) * double(z(i, j));
        to.emplace_back(sum, i);
      }
      std::sort(to.begin(), to.end());
    };
    const auto pick = [&](const projection& from, index_t split, unsigned char which, std::vector<double>& to) {
      std::size_t place = 0;
      for (const auto& [value, row] : from) {
        to[place] = value;
        place += half(split, row) == which ? 1 : 0;
      }
    };
    const auto cost_of = [&](const std::vector<double>& a, const std::vector<double>& b) {
      return detail::quantile_cost({a.data(), std::size_t(size)}, {b.data(), std::size_t(size)}, sliced.p);
    };
    for (index_t d = first; d < last; ++d) {
      project(x, d, by_student);
      project(y, d, by_teacher);
      for (index_t k = 0; k < options.splits; ++k) {
        pick(by_student, k, 1, near);
        pick(by_teacher, k, 1, same);
        pick(by_teacher, k, 2, far);
        cost(d, 2 * k) = cost_of(near, far);
        cost(d, 2 * k + 1) = cost_of(same, far);
      }
    }
  });
  split_distances result;
  const auto distance = [&](index_t column) {
    double sum = 0;
    for (index_t d = 0; d < sliced.directions; ++d) sum += cost(d, column);
    return std::pow(sum / double(sliced.directions), 1 / sliced.p);
  };
  for (index_t k = 0; k < options.splits; ++k) {
    result.student.push_back(distance(2 * k));
    result.teacher.push_back(distance(2 * k + 1));
  }
  return result;
}

}  // namespace kdm
