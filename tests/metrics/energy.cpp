// Energy distance against closed forms and plain loops.
#include <doctest/doctest.h>

#include <cmath>
#include <numbers>

#include "kdm/metrics/energy.hpp"
#include "lanes.hpp"
#include "support.hpp"

using kdm::energy_distance;
using kdm::index_t;
using kdm::matrix;
using kdm_test::random_matrix;

namespace {

double mean_distance(const matrix<double>& a, const matrix<double>& b) {
  double sum = 0;
  for (index_t i = 0; i < a.rows(); ++i)
    for (index_t j = 0; j < b.rows(); ++j) {
      double squared = 0;
      for (index_t k = 0; k < a.cols(); ++k) squared += std::pow(a(i, k) - b(j, k), 2);
      sum += std::sqrt(squared);
    }
  return sum / double(a.rows()) / double(b.rows());
}

}  // namespace

TEST_CASE("energy_distance: two point masses are at twice their distance") {
  matrix<double> x(9, 3), y(20, 3);
  for (index_t i = 0; i < 20; ++i) {
    y(i, 0) = 3;
    y(i, 2) = -4;
  }
  CHECK(energy_distance(x, y) == doctest::Approx(10).epsilon(1e-14));
}

TEST_CASE_TEMPLATE("energy_distance: agrees with plain loops over all pairs", T, float, double) {
  // Sizes around the inner block of 256 and the chunk of 16 rows.
  for (const index_t n : {1, 16, 255, 300})
    for (const index_t m : {1, 3, 257}) {
      const auto x = random_matrix<T>(n, 2, unsigned(n)), y = random_matrix<T>(m, 2, unsigned(m + 1000), 1.5);
      const matrix<double> u(x.view()), v(y.view());
      const double expected = 2 * mean_distance(u, v) - mean_distance(u, u) - mean_distance(v, v);
      CHECK(energy_distance(x, y) == doctest::Approx(expected).epsilon(1e-12).scale(1));
    }
}

TEST_CASE("energy_distance: Gaussians on the line that are far apart") {
  // E|X - Y| = m up to exp(-m^2/4); E|X - X'| = 2/sqrt(pi).
  const auto x = random_matrix<double>(4000, 1, 1);
  auto y = random_matrix<double>(4000, 1, 2);
  for (index_t i = 0; i < 4000; ++i) y(i, 0) += 12;
  CHECK(energy_distance(x, y) == doctest::Approx(24 - 4 / std::sqrt(std::numbers::pi)).epsilon(0.005));
}

TEST_CASE("energy_distance: equal sets are at 0 in any order and others above") {
  const auto x = random_matrix<float>(500, 2, 3);
  matrix<float> turned(500, 2);
  for (index_t i = 0; i < 500; ++i)
    for (index_t j = 0; j < 2; ++j) turned(i, j) = x((i * 3 + 1) % 500, j);
  CHECK(std::abs(energy_distance(x, turned)) < 1e-12);
  const auto y = random_matrix<float>(400, 2, 4);
  CHECK(energy_distance(x, y) > 0);
  CHECK(energy_distance(x, y) == doctest::Approx(energy_distance(turned, y)).epsilon(1e-9));
  CHECK(energy_distance(x, y) == doctest::Approx(energy_distance(y, x)).epsilon(1e-9));
}

TEST_CASE("energy_distance: grows in proportion when both sets are stretched and turned") {
  const auto x = random_matrix<double>(60, 2, 5), y = random_matrix<double>(80, 2, 6, 2.0);
  const auto changed = [](const matrix<double>& a) {
    matrix<double> b(a.rows(), 2);
    for (index_t i = 0; i < a.rows(); ++i) {
      b(i, 0) = 7 + 5 * (0.6 * a(i, 0) - 0.8 * a(i, 1));
      b(i, 1) = -1 + 5 * (0.8 * a(i, 0) + 0.6 * a(i, 1));
    }
    return b;
  };
  CHECK(energy_distance(changed(x), changed(y)) == doctest::Approx(5 * energy_distance(x, y)).epsilon(1e-12));
}

TEST_CASE("energy_distance: the same bits for any number of lanes") {
  const auto x = random_matrix<float>(333, 3, 7), y = random_matrix<float>(290, 3, 8);
  CHECK(energy_distance(x, y, {}, kdm_test::backward_lanes{5}) == energy_distance(x, y));
}

TEST_CASE("energy_distance: a limit looks at a fixed subset of different rows") {
  const auto rows = kdm::row_subset(1000, 64, 9);
  CHECK(rows == kdm::row_subset(1000, 64, 9));
  CHECK(rows != kdm::row_subset(1000, 64, 10));
  std::vector<index_t> sorted = rows;
  std::sort(sorted.begin(), sorted.end());
  CHECK(std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end());
  CHECK(sorted.size() == 64);
  CHECK(sorted.front() >= 0);
  CHECK(sorted.back() < 1000);

  const auto x = random_matrix<double>(1000, 2, 11), y = random_matrix<double>(1000, 2, 12);
  matrix<double> u(64, 2), v(64, 2);
  for (index_t i = 0; i < 64; ++i)
    for (index_t j = 0; j < 2; ++j) {
      u(i, j) = x(rows[std::size_t(i)], j);
      v(i, j) = y(rows[std::size_t(i)], j);
    }
  CHECK(energy_distance(x, y, {.limit = 64, .seed = 9}) == energy_distance(u, v));
  CHECK(std::abs(energy_distance(x, x, {.limit = 64})) < 1e-12);
  CHECK_THROWS_AS(energy_distance(x, y, {.limit = 1}), kdm::option_error);
}

TEST_CASE("energy_distance: refuses what it cannot compare") {
  CHECK_THROWS_AS(energy_distance(matrix<float>(3, 2), matrix<float>(3, 1)), kdm::shape_error);
  CHECK_THROWS_AS(energy_distance(matrix<float>(3, 2), matrix<float>()), kdm::shape_error);
  matrix<float> x(3, 2);
  x(1, 0) = INFINITY;
  CHECK(kdm_test::message_of<kdm::numeric_error>([&] { energy_distance(x, x); }) ==
        "energy_distance: a is inf at row 1, column 0, expected finite numbers");
}
