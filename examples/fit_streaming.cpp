// Fits of streams: a million pairs that are never in memory at once, and a system that changes while it is watched.
#include <algorithm>
#include <cmath>
#include <complex>
#include <cstdio>
#include <cstdlib>
#include <numbers>
#include <vector>

#include "kdm/fit/assignment.hpp"
#include "kdm/fit/dictionaries/polynomials.hpp"
#include "kdm/fit/edmd.hpp"
#include "kdm/fit/online_dmd.hpp"
#include "kdm/math/random.hpp"

using kdm::index_t;
using kdm::matrix;

// Pairs first, first + 1, ... of x(next) = A x, A = [[0.9 -0.2] [0 0.6]], each made when it is asked for.
void make_pairs(index_t first, matrix<double>& x, matrix<double>& y) {
  const kdm::random_table random{5};
  for (index_t i = 0; i < x.rows(); ++i) {
    for (index_t j = 0; j < 2; ++j) x(i, j) = 2 * random.uniform<double>(first + i, j) - 1;
    y(i, 0) = 0.9 * x(i, 0) - 0.2 * x(i, 1);
    y(i, 1) = 0.6 * x(i, 1);
  }
}

int main() {
  // Two streams, as two files or two machines would be, each in portions of 1000 pairs; then one takes over the other.
  kdm::edmd_accumulator first(kdm::monomials(2, 3)), second = first;
  matrix<double> x(1000, 2), y(1000, 2);
  for (index_t portion = 0; portion < 1000; ++portion) {
    make_pairs(portion * x.rows(), x, y);
    (portion < 400 ? first : second).append(x, y);
  }
  first.merge(second);
  const auto model = first.fit();
  std::vector<std::complex<double>> exact;  // of the monomials up to degree 3: products of powers of 0.9 and 0.6
  for (int i = 0; i <= 3; ++i)
    for (int j = 0; i + j <= 3; ++j) exact.push_back(std::pow(0.9, i) * std::pow(0.6, j));
  const double off = kdm::matching_distance(model.dynamics.eigenvalues, exact);
  const index_t columns = first.factor().cols();
  std::printf("%td pairs: eigenvalues to %.1e from a triangle of %td kB; the features would take %td MB\n",
              first.rows(), off, columns * columns * 8 / 1000,
              first.rows() * columns * 8 / 1000000);

  // An oscillator whose frequency rises slowly. A pair that is k steps old counts 0.98^k: the fit follows, some 50
  // steps late, and the memory stays that of one 4 x 4 triangle.
  kdm::online_dmd recent(2, {.forgetting = 0.98}), all(2);
  double angle = 0, worst = 0, static_error = 0;
  std::puts("   step   frequency   with forgetting   from all pairs");
  for (index_t t = 0; t < 5000; ++t) {
    const double frequency = 0.05 + 0.05 * double(t) / 5000;  // turns a step
    matrix<double> now(1, 2), next(1, 2);
    now(0, 0) = std::cos(angle), now(0, 1) = std::sin(angle);
    angle += 2 * std::numbers::pi * frequency;
    next(0, 0) = std::cos(angle), next(0, 1) = std::sin(angle);
    recent.append(now, next);
    all.append(now, next);
    if (t % 1000 != 999) continue;
    const double tracked = recent.dynamics().frequencies()[0], mean = all.dynamics().frequencies()[0];
    std::printf("%7td %11.5f %17.5f %16.5f\n", t + 1, frequency, tracked, mean);
    worst = std::max(worst, std::abs(tracked - frequency));
    static_error = std::max(static_error, std::abs(mean - frequency));
  }
  return off < 1e-12 && worst < 1e-3 && static_error > 0.01 ? EXIT_SUCCESS : EXIT_FAILURE;
}
