// Amplitudes and sparsity paths of trajectories made from known modes.
#include "kdm/fit/sparse_dmd.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <vector>

#include "assignment.hpp"
#include "kdm/fit/dmd.hpp"
#include "support.hpp"

namespace test_sparse_dmd {

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

TEST_CASE("sparse: optimal amplitudes are those the data were made with") {
  const auto modes = unit_rows(12);
  const auto x = trajectory(50, 12, modes);
  const auto d = kdm::dmd::projected(kdm::pairs_from_trajectory(x));
  REQUIRE(matching_error(d.eigenvalues, lambda) < 1e-9);
  const auto s = kdm::dmd::sparse(d, x, {{0}, 1, 100, 1e-8});
  CHECK(s.optimal.relative_residual < 1e-11);
  // A growing mode's amplitude is that at the last snapshot.
  const std::vector<double> expected{3 * std::pow(1.01, 49.), 3 * std::pow(1.01, 49.), 2, 1e-3};
  for (std::size_t j = 0; j < 4; ++j) {
    CAPTURE(j);
    CHECK(std::abs(s.optimal.values[j]) == doctest::Approx(expected[j]).epsilon(1e-8));
  }
  CHECK(s.optimal.values[0] == std::conj(s.optimal.values[1]));
  CHECK(relative_difference(s.reconstruct(s.optimal, 50, 50), x) < 1e-10);
}

TEST_CASE("sparse: along the path weak modes leave first and pairs together") {
  const auto modes = unit_rows(12);
  const auto x = trajectory(50, 12, modes);
  const auto d = kdm::dmd::projected(kdm::pairs_from_trajectory(x));
  const auto s = kdm::dmd::sparse(d, x);
  REQUIRE(s.path.size() == 20);
  std::vector<index_t> kept;
  for (const auto& point : s.path) {
    CHECK(point.converged);
    kept.push_back(point.kept);
    CHECK((point.amplitudes.values[0] == 0.) == (point.amplitudes.values[1] == 0.));
    if (point.kept == 3) CHECK(point.amplitudes.values[3] == 0.);
    if (point.kept == 2) CHECK(point.amplitudes.values[0] != 0.);
    CHECK(point.amplitudes.relative_residual >= s.optimal.relative_residual);
  }
  CHECK(kept.front() >= 3);
  CHECK(kept.back() == 0);
  CHECK(s.path.back().amplitudes.relative_residual == 1);
  CHECK(std::is_sorted(kept.rbegin(), kept.rend()));
  CHECK(std::find(kept.begin(), kept.end(), 2) != kept.end());
}

TEST_CASE("sparse: an orthogonal problem has the soft threshold as its solution") {
  // One snapshot of two orthogonal unit modes: minimise (3 - b1)^2 + (0.2 - b2)^2 + gamma (|b1| + |b2|): b2 leaves for
  // gamma above 0.4, b1 for gamma above 6.
  kdm::linear_dynamics d;
  d.k = matrix<double>(2, 2);
  d.k(0, 0) = 0.9, d.k(1, 1) = 0.5;
  d.encode = d.decode = matrix<double>(2, 2);
  d.decode(0, 0) = d.decode(1, 1) = 1;
  find_spectrum(d);
  matrix<double> x(1, 2);
  x(0, 0) = 3, x(0, 1) = 0.2;
  const auto s = kdm::dmd::sparse(d, x, {{0.39, 0.41, 5.9, 6.1}, 1, 20000, 1e-9});
  CHECK(s.path[0].kept == 2);
  CHECK(s.path[1].kept == 1);
  CHECK(s.path[2].kept == 1);
  CHECK(s.path[3].kept == 0);
  CHECK(std::abs(s.path[2].amplitudes.values[0]) == doctest::Approx(3));
}

TEST_CASE("sparse: bad input is named") {
  const auto x = trajectory(50, 12, unit_rows(12));
  const auto d = kdm::dmd::projected(kdm::pairs_from_trajectory(x));
  CHECK(message_of<kdm::shape_error>([&] { kdm::dmd::sparse(d, matrix<double>(5, 3)); }) ==
        "dmd::sparse: columns of the trajectory is 3, expected 12");
  CHECK(message_of<kdm::shape_error>([&] { kdm::dmd::sparse(d, matrix<double>(0, 12)); }) ==
        "dmd::sparse: no snapshots, expected at least 1");
  CHECK(message_of<kdm::option_error>([&] { kdm::dmd::sparse(d, x, {{-1}, 1, 1, 1e-8}); }) ==
        "dmd::sparse: gamma is -1, expected a finite number, 0 or more");
  auto bad = x;
  bad(3, 1) = NAN;
  CHECK(message_of<kdm::numeric_error>([&] { kdm::dmd::sparse(d, bad); }) ==
        "dmd::sparse: row 3 of the trajectory has nan in column 1, expected a finite number");
}

}  // namespace test_sparse_dmd
