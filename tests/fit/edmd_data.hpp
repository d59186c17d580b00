// Snapshot pairs of maps with known Koopman eigenvalues.
#pragma once

#include <cmath>
#include <complex>
#include <random>
#include <vector>

#include "kdm/core/matrix.hpp"

namespace kdm_test {

using kdm::const_view;
using kdm::index_t;
using kdm::matrix;
using complex = std::complex<double>;

inline constexpr double pi = 3.14159265358979323846;

/// n points in [-half, half]^d.
inline matrix<double> points(index_t n, index_t d, unsigned seed = 1, double half = 1) {
  std::mt19937 engine(seed);
  matrix<double> x(n, d);
  for (index_t i = 0; i < x.size(); ++i) x.data()[i] = half * (2 * (double(engine()) + 0.5) / 4294967296. - 1);
  return x;
}

/// map(in, out) applied to every row.
template <class Map>
matrix<double> image(const matrix<double>& x, Map map, index_t cols = 0) {
  matrix<double> y(x.rows(), cols > 0 ? cols : x.cols());
  for (index_t i = 0; i < x.rows(); ++i) map(x.data() + i * x.cols(), y.data() + i * y.cols());
  return y;
}

/// x+ = A x, A = [[0.9 -0.2] [0 0.6]].
inline void triangular_map(const double* x, double* y) {
  y[0] = 0.9 * x[0] - 0.2 * x[1];
  y[1] = 0.6 * x[1];
}
/// Its eigenvalues on all monomials up to a degree.
inline std::vector<complex> triangular_eigenvalues(int degree) {
  std::vector<complex> lambda;
  for (int i = 0; i <= degree; ++i)
    for (int j = 0; i + j <= degree; ++j) lambda.push_back(std::pow(0.9, i) * std::pow(0.6, j));
  return lambda;
}

/// The exact flow of dx1 = mu x1, dx2 = la (x2 - x1^2) over a time.
struct slow_manifold {
  double mu = -0.05, la = -1, time = 0.1;
  double bend() const { return la / (la - 2 * mu); }
  void operator()(const double* x, double* y) const {
    const double on = bend() * x[0] * x[0];
    y[0] = x[0] * std::exp(mu * time);
    y[1] = (x[1] - on) * std::exp(la * time) + on * std::exp(2 * mu * time);
  }
  /// i mu + j la for i + 2 j <= degree.
  std::vector<complex> exponents(int degree) const {
    std::vector<complex> omega;
    for (int i = 0; i <= degree; ++i)
      for (int j = 0; i + 2 * j <= degree; ++j) omega.push_back(i * mu + j * la);
    return omega;
  }
  std::vector<complex> eigenvalues(int degree) const {
    std::vector<complex> lambda = exponents(degree);
    for (complex& l : lambda) l = std::exp(l * time);
    return lambda;
  }
};

}  // namespace kdm_test
