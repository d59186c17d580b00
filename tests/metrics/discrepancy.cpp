// Maximum mean discrepancy against closed forms and plain loops.
#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "kdm/metrics/discrepancy.hpp"
#include "lanes.hpp"
#include "support.hpp"

using kdm::index_t;
using kdm::matrix;
using kdm::maximum_mean_discrepancy;
using kdm_test::random_matrix;

namespace {

matrix<double> gaussian(index_t n, index_t d, unsigned seed, double shift) {
  auto x = random_matrix<double>(n, d, seed);
  for (index_t i = 0; i < n; ++i) x(i, 0) += shift;
  return x;
}

}  // namespace

TEST_CASE_TEMPLATE("maximum_mean_discrepancy: agrees with plain loops", T, float, double) {
  const auto x = random_matrix<T>(23, 3, 1), y = random_matrix<T>(300, 3, 2, 1.5);
  const std::vector<double> bandwidths{0.5, 2.0};
  const auto k = [&](const matrix<T>& a, index_t i, const matrix<T>& b, index_t j) {
    double squared = 0, sum = 0;
    for (index_t c = 0; c < 3; ++c) squared += std::pow(double(a(i, c)) - double(b(j, c)), 2);
    for (const double h : bandwidths) sum += std::exp(-squared / (2 * h * h)) / 2;
    return sum;
  };
  double xx = 0, yy = 0, xy = 0;
  for (index_t i = 0; i < 23; ++i)
    for (index_t j = 0; j < 23; ++j)
      if (i != j) xx += k(x, i, x, j) / (23 * 22);
  for (index_t i = 0; i < 300; ++i)
    for (index_t j = 0; j < 300; ++j)
      if (i != j) yy += k(y, i, y, j) / (300 * 299);
  for (index_t i = 0; i < 23; ++i)
    for (index_t j = 0; j < 300; ++j) xy += k(x, i, y, j) / (23 * 300);
  CHECK(maximum_mean_discrepancy(x, y, {.bandwidths = bandwidths}) ==
        doctest::Approx(xx + yy - 2 * xy).epsilon(1e-11).scale(1));
}

TEST_CASE("maximum_mean_discrepancy: unit Gaussians shifted by m meet the closed form") {
  // X - Y is N(m, 2 I): E exp(-|X - Y|^2 / (2 h^2)) = (h^2/(h^2 + 2))^(d/2) exp(-|m|^2 / (2 (h^2 + 2))).
  const double h = 1.5, shift = 2, s = h * h + 2;
  const double expected = 2 * (h * h / s) * (1 - std::exp(-shift * shift / (2 * s)));
  const double found =
      maximum_mean_discrepancy(gaussian(3000, 2, 3, 0), gaussian(3000, 2, 4, shift), {.bandwidths = {h}});
  CHECK(found == doctest::Approx(expected).epsilon(0.05));
}

TEST_CASE("maximum_mean_discrepancy: is unbiased for equal distributions") {
  // The mean over 60 repetitions is within four of its standard errors of 0, and both signs occur.
  double sum = 0, squares = 0;
  int negative = 0;
  for (unsigned r = 0; r < 60; ++r) {
    const double value = maximum_mean_discrepancy(gaussian(50, 2, 100 + r, 0), gaussian(70, 2, 500 + r, 0),
                                                  {.bandwidths = {1.0}});
    sum += value;
    squares += value * value;
    negative += value < 0 ? 1 : 0;
  }
  CHECK(std::abs(sum / 60) < 4 * std::sqrt(squares) / 60);
  CHECK(negative > 10);
  CHECK(negative < 50);
}

TEST_CASE("maximum_mean_discrepancy: two point masses and two copies of one set") {
  matrix<double> x(4, 1), y(6, 1);
  for (index_t i = 0; i < 6; ++i) y(i, 0) = 3;
  CHECK(maximum_mean_discrepancy(x, y, {.bandwidths = {2.0}}) == doctest::Approx(2 - 2 * std::exp(-9.0 / 8)));
  // The documented value for copies: 2 (mean of k over different pairs - 1) / n; here k is exp(-1/2) for all pairs.
  matrix<double> corners(2, 1);
  corners(1, 0) = 1;
  CHECK(maximum_mean_discrepancy(corners, corners, {.bandwidths = {1.0}}) == doctest::Approx(std::exp(-0.5) - 1));
}

TEST_CASE("maximum_mean_discrepancy: the same value when both sets are moved and reordered") {
  const auto x = random_matrix<double>(40, 2, 5), y = random_matrix<double>(30, 2, 6, 2.0);
  const auto changed = [](const matrix<double>& a) {
    matrix<double> b(a.rows(), 2);
    for (index_t i = 0; i < a.rows(); ++i) {
      const index_t from = a.rows() - 1 - i;
      b(i, 0) = 3 + 0.6 * a(from, 0) - 0.8 * a(from, 1);
      b(i, 1) = -2 + 0.8 * a(from, 0) + 0.6 * a(from, 1);
    }
    return b;
  };
  CHECK(maximum_mean_discrepancy(changed(x), changed(y)) ==
        doctest::Approx(maximum_mean_discrepancy(x, y)).epsilon(1e-10));
}

TEST_CASE("maximum_mean_discrepancy: the same bits for any number of lanes") {
  const auto x = random_matrix<float>(100, 2, 7), y = random_matrix<float>(270, 2, 8);
  CHECK(maximum_mean_discrepancy(x, y, {}, kdm_test::backward_lanes{3}) == maximum_mean_discrepancy(x, y));
}

TEST_CASE("median_bandwidth: the median of the distances that are not zero") {
  matrix<double> x(3, 1), y(1, 1);
  x(1, 0) = 1;
  x(2, 0) = 10;
  y(0, 0) = 10;
  // Distances 1, 10, 10, 9, 9 and one 0: sorted 1 9 9 10 10.
  CHECK(kdm::median_bandwidth(x, y) == 9);
  CHECK(maximum_mean_discrepancy(x, random_matrix<double>(5, 1, 9)) != 0);
  CHECK(kdm_test::message_of<kdm::numeric_error>(
            [] { kdm::median_bandwidth(matrix<float>(3, 2), matrix<float>(4, 2)); })
            .find("all samples are the same point") != std::string::npos);
}

TEST_CASE("maximum_mean_discrepancy: refuses what it cannot compare") {
  const auto x = random_matrix<float>(4, 2, 10);
  CHECK_THROWS_AS(maximum_mean_discrepancy(x, matrix<float>(4, 1)), kdm::shape_error);
  CHECK_THROWS_AS(maximum_mean_discrepancy(x, matrix<float>(1, 2)), kdm::shape_error);
  CHECK_THROWS_AS(maximum_mean_discrepancy(x, x, {.bandwidths = {1.0, 0.0}}), kdm::option_error);
  CHECK_THROWS_AS(maximum_mean_discrepancy(x, x, {.bandwidths = {NAN}}), kdm::option_error);
  auto broken = x;
  broken(0, 0) = NAN;
  CHECK_THROWS_AS(maximum_mean_discrepancy(broken, x), kdm::numeric_error);
}
