// Sketches: the dynamics of the whole data from a few random combinations of it.
#include "kdm/fit/randomized_dmd.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <complex>
#include <string>
#include <vector>

#include "assignment.hpp"
#include "support.hpp"

namespace test_randomized_dmd {

using namespace kdm_test;
using complex = std::complex<double>;
using kdm::index_t;
using kdm::matrix;

const std::vector<complex> lambda{std::polar(1.01, 0.4), std::polar(1.01, -0.4), 0.95, -0.7};

/// Unit modes times amplitudes 3, 3, 2 and 1e-3 at the first snapshot.
matrix<double> trajectory(index_t rows, index_t n, const matrix<double>& modes) {
  matrix<double> x(rows, n);
  for (index_t t = 0; t < rows; ++t) {
    const complex turn = 3. * std::pow(lambda[0], double(t));
    const double c[4] = {2 * turn.real(), -2 * turn.imag(), 2 * std::pow(0.95, double(t)),
                         1e-3 * std::pow(-0.7, double(t))};
    for (index_t j = 0; j < 4; ++j)
      for (index_t k = 0; k < n; ++k) x(t, k) += c[j] * modes(j, k);
  }
  return x;
}

/// Rows 0 and 1 are real and imaginary part of one mode of norm one, the others are modes of norm one.
matrix<double> unit_rows(index_t n) {
  auto m = random_matrix<double>(4, n, 3);
  const auto norm = [&](index_t i) {
    double sum = 0;
    for (index_t k = 0; k < n; ++k) sum += m(i, k) * m(i, k);
    return sum;
  };
  const double pair = std::sqrt(norm(0) + norm(1)), scale[4] = {pair, pair, std::sqrt(norm(2)), std::sqrt(norm(3))};
  for (index_t i = 0; i < 4; ++i)
    for (index_t k = 0; k < n; ++k) m(i, k) /= scale[i];
  return m;
}

TEST_CASE("randomized_dmd: a sketch gives the eigenvalues of the whole") {
  const auto x = trajectory(60, 500, unit_rows(500));
  const auto pairs = kdm::pairs_from_trajectory(x);
  kdm::randomized_dmd_options o;
  o.rank = 4;
  for (index_t power : {0, 1, 2}) {
    o.power_iterations = power;
    const auto r = kdm::randomized_dmd(pairs, o);
    CHECK(matching_error(r.dynamics.eigenvalues, lambda) < 1e-9);
    CHECK(r.relative_error_bound < 1e-12);
    CHECK(r.dynamics.relative_residual < 1e-7);
    CHECK(relative_difference(r.dynamics.step(x.view().row(0), 5), matrix<double>(x.view().row(5))) < 1e-9);
  }
  // Seeded: the same numbers again.
  CHECK(relative_difference(kdm::randomized_dmd(pairs, o).dynamics.k, kdm::randomized_dmd(pairs, o).dynamics.k) == 0);
}

TEST_CASE("randomized_dmd: the bound holds and is of the size of the error") {
  auto x = trajectory(60, 300, unit_rows(300));
  const auto noise = random_matrix<double>(60, 300, 8, 1e-3);
  for (index_t i = 0; i < x.size(); ++i) x.data()[i] += noise.data()[i];
  const auto pairs = kdm::pairs_from_trajectory(x);
  kdm::randomized_dmd_options o;
  o.rank = 3;  // the fourth mode is weaker than the noise
  o.oversampling = 3;
  const auto r = kdm::randomized_dmd(pairs, o);
  // White noise of deviation s: its norm is near s (sqrt(59) + sqrt(300)) = 0.025. The bound sees the sum of squares,
  // 8 s sqrt(59 * 300) = 1.06, less what the six directions of the sketch take and plus the spread of five probes.
  CHECK(r.error_bound > 0.7);
  CHECK(r.error_bound < 1.3);
  const auto whole = kdm::dmd::projected(pairs, {kdm::rank_rule::fixed(3)});
  CHECK(matching_error(r.dynamics.eigenvalues, whole.eigenvalues) < 1e-3);
}

TEST_CASE("randomized_dmd: bad options are named and a low rank is found") {
  auto pairs = kdm::pairs_from_trajectory(trajectory(60, 50, unit_rows(50)));
  kdm::randomized_dmd_options o;
  o.rank = 20;
  CHECK(kdm::randomized_dmd(pairs, o).dynamics.rank.rank <= 6);
  o.rank = 0;
  CHECK(message_of<kdm::option_error>([&] { kdm::randomized_dmd(pairs, o); }).find("rank is 0") != std::string::npos);
  o.rank = 4;
  pairs.weights = matrix<double>(59, 1);
  CHECK(message_of<kdm::option_error>([&] { kdm::randomized_dmd(pairs, o); }) ==
        "randomized_dmd: the pairs have weights, expected none");
}

}  // namespace test_randomized_dmd
