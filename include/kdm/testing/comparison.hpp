/// Test matrices, tolerances, and comparisons that end up in a report.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <type_traits>

#include "kdm/core/finite.hpp"
#include "kdm/core/matrix.hpp"
#include "kdm/math/random.hpp"
#include "kdm/testing/report.hpp"

namespace kdm::testing {

/// How far a result may be from the exact one, relative to the largest number of the exact result (or 1 when that is
/// smaller). conformance_options::tolerance multiplies all of them.
template <class T>
struct tolerance {
  static constexpr bool single = std::is_same_v<T, float>;
  static constexpr double elementwise = single ? 1e-6 : 2e-15;  ///< a few roundings
  static constexpr double sums = single ? 2e-5 : 4e-14;         ///< a few hundred terms, in any order
  static constexpr double training = single ? 5e-4 : 1e-11;     ///< thirty steps, each built on the one before
};

template <class T>
constexpr T not_a_number = std::numeric_limits<T>::quiet_NaN();

/// What exact results are computed in: plain loops in long double.
using exact = matrix<long double>;

struct sizes {
  index_t rows, cols;
};
inline constexpr sizes odd_sizes[] = {{597, 43}, {1, 1}, {1, 37}, {37, 1}, {5, 3}, {16, 64}, {0, 5}, {5, 0}, {0, 0}};

inline std::string words(sizes s) { return concat(s.rows, " x ", s.cols); }
inline std::string padded(index_t padding) { return padding == 0 ? "" : concat(", rows padded by ", padding); }

/// Standard normal numbers times `scale`. Matrices of different `number` are independent.
template <class T>
matrix<T> normal_matrix(index_t rows, index_t cols, std::uint32_t number, double scale = 1) {
  matrix<double> z(rows, cols);
  fill_normals(random_table{1, streams::user, number}, 0, z.view());
  matrix<T> m(rows, cols);
  for (index_t k = 0; k < m.size(); ++k) m.data()[k] = T(scale * z.data()[k]);
  return m;
}

/// f(i, j) for every element.
template <class F>
exact exact_of(sizes s, F f) {
  exact m(s.rows, s.cols);
  for (index_t i = 0; i < s.rows; ++i)
    for (index_t j = 0; j < s.cols; ++j) m(i, j) = f(i, j);
  return m;
}

/// One check: every element of `found` is near `expected`. The sentence names the element that is furthest off.
template <class T, class E>
bool expect_close(conformance_report& r, const std::string& what, const matrix<T>& found, const matrix<E>& expected,
                  double relative) {
  if (found.rows() != expected.rows() || found.cols() != expected.cols())
    return r.check(false, what, ": ", words({found.rows(), found.cols()}), " results, expected ",
                   words({expected.rows(), expected.cols()}));
  double worst = 0, scale = 1;
  index_t at = 0;
  for (index_t k = 0; k < found.size(); ++k) {
    const double e = double(expected.data()[k]);
    const double difference = std::abs(double(found.data()[k]) - e);
    if (!(difference <= worst)) {
      worst = !is_finite(difference) ? std::numeric_limits<double>::infinity() : difference;
      at = k;
    }
    scale = std::max(scale, std::abs(e));
  }
  const double allowed = r.options().tolerance * relative * scale;
  if (worst <= allowed) return r.check(true);
  const index_t cols = found.cols();
  return r.check(false, what, ": element (", at / cols, ", ", at % cols, ") is ", found.data()[at], ", expected ",
                 T(expected.data()[at]), ", give or take ", T(allowed));
}

/// One check: both are the same numbers. (NaN is NaN: that it was not expected is for expect_close to say.)
template <class T>
bool expect_equal(conformance_report& r, const std::string& what, const matrix<T>& found, const matrix<T>& expected) {
  if (found.rows() != expected.rows() || found.cols() != expected.cols())
    return r.check(false, what, ": ", words({found.rows(), found.cols()}), " results, expected ",
                   words({expected.rows(), expected.cols()}));
  const auto same = [](T a, T b) { return a == b || (a != a && b != b); };
  for (index_t k = 0; k < found.size(); ++k)
    if (!same(found.data()[k], expected.data()[k]))
      return r.check(false, what, ": element (", k / found.cols(), ", ", k % found.cols(), ") is ", found.data()[k],
                     ", expected exactly ", expected.data()[k]);
  return r.check(true);
}

}  // namespace kdm::testing
