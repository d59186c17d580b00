/// Dense algebra on the host that setting operators from fits needs: inverse, singular values, nearest orthogonal.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

#include "kdm/core/finite.hpp"
#include "kdm/core/matrix.hpp"

namespace kdm::detail::host {

inline matrix<double> identity_matrix(index_t n) {
  matrix<double> m(n, n);
  for (index_t k = 0; k < n; ++k) m(k, k) = 1;
  return m;
}

inline matrix<double> transposed(const matrix<double>& a) {
  matrix<double> m(a.cols(), a.rows());
  for (index_t i = 0; i < a.rows(); ++i)
    for (index_t j = 0; j < a.cols(); ++j) m(j, i) = a(i, j);
  return m;
}

inline matrix<double> times(const matrix<double>& a, const matrix<double>& b) {
  matrix<double> c(a.rows(), b.cols());
  for (index_t i = 0; i < a.rows(); ++i)
    for (index_t k = 0; k < a.cols(); ++k) {
      const double factor = a(i, k);
      const double* const from = b.data() + k * b.cols();
      double* const to = c.data() + i * c.cols();
      for (index_t j = 0; j < b.cols(); ++j) to[j] += factor * from[j];
    }
  return c;
}

/// p a + q b, element by element.
inline matrix<double> combined(double p, const matrix<double>& a, double q, const matrix<double>& b) {
  matrix<double> c(a.rows(), a.cols());
  for (index_t k = 0; k < c.size(); ++k) c.data()[k] = p * a.data()[k] + q * b.data()[k];
  return c;
}

/// The largest sum of magnitudes in a column.
inline double norm1(const matrix<double>& a) {
  double largest = 0;
  for (index_t j = 0; j < a.cols(); ++j) {
    double sum = 0;
    for (index_t i = 0; i < a.rows(); ++i) sum += std::abs(a(i, j));
    largest = sum <= largest ? largest : sum;  // in this form NaN is kept
  }
  return largest;
}

inline void require_finite_fit(const char* who, const matrix<double>& a) {
  for (index_t k = 0; k < a.size(); ++k)
    if (!is_finite(a.data()[k]))
      fail<numeric_error>(who, ": element (", k / a.cols(), ", ", k % a.cols(), ") of the fitted matrix is ",
                          a.data()[k], ", expected a finite number");
}

/// The inverse, by elimination with row exchanges; empty where a pivot is zero.
inline matrix<double> inverse(matrix<double> a) {
  const index_t n = a.rows();
  matrix<double> x = identity_matrix(n);
  const auto row = [n](matrix<double>& m, index_t i) { return m.data() + i * n; };
  for (index_t k = 0; k < n; ++k) {
    index_t pivot = k;
    for (index_t i = k + 1; i < n; ++i)
      if (std::abs(a(i, k)) > std::abs(a(pivot, k))) pivot = i;
    if (!(std::abs(a(pivot, k)) > 0)) return {};
    if (pivot != k) {
      std::swap_ranges(row(a, k), row(a, k) + n, row(a, pivot));
      std::swap_ranges(row(x, k), row(x, k) + n, row(x, pivot));
    }
    const double scale = 1 / a(k, k);
    for (index_t j = 0; j < n; ++j) a(k, j) *= scale, x(k, j) *= scale;
    for (index_t i = 0; i < n; ++i) {
      const double factor = a(i, k);
      if (i == k || factor == 0) continue;
      for (index_t j = 0; j < n; ++j) a(i, j) -= factor * a(k, j), x(i, j) -= factor * x(k, j);
    }
  }
  return x;
}

/// a = u' diag(s) v for a square a: row k of u and of v belong to s[k], which descend. u and v are orthogonal.
struct singular_values {
  matrix<double> u, v;
  std::vector<double> s;
};

/// Turns row k of m into a unit vector orthogonal to the orthonormal rows before it.
inline void complete_row(matrix<double>& m, index_t k) {
  const index_t n = m.cols();
  double square = 0;
  // Some axis keeps at least 1 / n of its square. Each row starts with another one.
  for (index_t axis = 0; axis < n && square * double(2 * n) < 1; ++axis) {
    for (index_t j = 0; j < n; ++j) m(k, j) = j == (k + axis) % n ? 1 : 0;
    for (int round = 0; round < 2; ++round)
      for (index_t i = 0; i < k; ++i) {
        double along = 0;
        for (index_t j = 0; j < n; ++j) along += m(i, j) * m(k, j);
        for (index_t j = 0; j < n; ++j) m(k, j) -= along * m(i, j);
      }
    square = 0;
    for (index_t j = 0; j < n; ++j) square += m(k, j) * m(k, j);
  }
  for (index_t j = 0; j < n; ++j) m(k, j) /= std::sqrt(square);
}

/// Singular value decomposition of a square matrix, by one-sided Jacobi rotations of its columns.
///
/// Source.    Hestenes 1958, "Inversion of matrices by biorthogonalization and related results"
inline singular_values decompose(const matrix<double>& a) {
  const index_t n = a.cols();
  double largest = 0;
  for (index_t k = 0; k < a.size(); ++k) largest = std::max(largest, std::abs(a.data()[k]));
  // Rows of x are columns of a, so that every loop runs over neighbours in memory.
  matrix<double> x = transposed(a), v = identity_matrix(n);
  if (largest > 0)
    for (index_t k = 0; k < x.size(); ++k) x.data()[k] /= largest;
  const auto along = [&](index_t i, index_t j) {
    const double* const p = x.data() + i * n;
    const double* const q = x.data() + j * n;
    double part[8] = {}, sum = 0;  // sums side by side, which compilers vectorise
    index_t k = 0;
    for (; k + 8 <= n; k += 8)
      for (index_t l = 0; l < 8; ++l) part[l] += p[k + l] * q[k + l];
    for (; k < n; ++k) sum += p[k] * q[k];
    return std::accumulate(part, part + 8, sum);
  };
  constexpr double epsilon = std::numeric_limits<double>::epsilon();
  const double tolerance = std::sqrt(double(n)) * epsilon;
  std::vector<double> square(static_cast<std::size_t>(n));
  bool rotated = true;
  for (int sweep = 0; rotated && sweep < 60; ++sweep) {
    rotated = false;
    for (index_t k = 0; k < n; ++k) square[std::size_t(k)] = along(k, k);
    // Columns that are rounding alone have no direction worth turning.
    const double negligible = epsilon * epsilon * *std::max_element(square.begin(), square.end());
    for (index_t i = 0; i < n; ++i)
      for (index_t j = i + 1; j < n; ++j) {
        double &ii = square[std::size_t(i)], &jj = square[std::size_t(j)];
        if (ii <= negligible || jj <= negligible) continue;
        const double ij = along(i, j);
        if (std::abs(ij) <= tolerance * std::sqrt(ii) * std::sqrt(jj)) continue;
        rotated = true;
        const double zeta = (jj - ii) / (2 * ij);
        const double t = std::copysign(1., zeta) / (std::abs(zeta) + std::hypot(1., zeta));
        const double c = 1 / std::hypot(1., t), s = c * t;
        for (matrix<double>* m : {&x, &v})
          for (index_t k = 0; k < n; ++k) {
            const double p = (*m)(i, k), q = (*m)(j, k);
            (*m)(i, k) = c * p - s * q;
            (*m)(j, k) = s * p + c * q;
          }
        ii = along(i, i);
        jj = along(j, j);
      }
  }

  std::vector<double> norm(static_cast<std::size_t>(n));
  std::vector<index_t> order(static_cast<std::size_t>(n));
  for (index_t k = 0; k < n; ++k) norm[std::size_t(k)] = std::sqrt(along(k, k));
  std::iota(order.begin(), order.end(), index_t(0));
  std::stable_sort(order.begin(), order.end(),
                   [&](index_t i, index_t j) { return norm[std::size_t(i)] > norm[std::size_t(j)]; });
  singular_values f{matrix<double>(n, n), matrix<double>(n, n), {}};
  for (index_t k = 0; k < n; ++k) {
    const index_t from = order[std::size_t(k)];
    const double size = norm[std::size_t(from)], least = double(n) * epsilon;
    f.s.push_back(size * largest);
    for (index_t j = 0; j < n; ++j) {
      f.v(k, j) = v(from, j);
      f.u(k, j) = size > 0 ? x(from, j) / size : 0;
    }
    // The direction of a column that is rounding alone may not be orthogonal to the others.
    if (!(size > least * norm[std::size_t(order[0])])) complete_row(f.u, k);
  }
  return f;
}

}  // namespace kdm::detail::host
