// Pair errors, share outside a support, moments.
#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "kdm/metrics/metrics.hpp"
#include "lanes.hpp"
#include "support.hpp"

using kdm::index_t;
using kdm::matrix;

TEST_CASE_TEMPLATE("pair_error: known distances", T, float, double) {
  matrix<T> truth(4, 2), predicted(4, 2);
  for (index_t i = 0; i < 4; ++i) predicted(i, 0) = truth(i, 0) = T(i);
  predicted(1, 1) = T(0.5);  // distance 0.5, not above the threshold
  predicted(2, 0) += 3;      // distance 5
  predicted(2, 1) = 4;
  predicted(3, 1) = 1;  // distance 1
  const kdm::pair_errors e = kdm::pair_error(predicted, truth);
  CHECK(e.mean_squared == (0.25 + 25 + 1) / 8);
  CHECK(e.root_mean_squared == std::sqrt(26.25 / 8));
  CHECK(e.mean_distance == 6.5 / 4);
  CHECK(e.median_distance == 0.75);
  CHECK(e.share_off == 0.5);
  CHECK(kdm::pair_error(predicted, truth, 0).share_off == 0.75);
  CHECK(kdm::pair_error(predicted.view().row_range(1, 3), truth.view().row_range(1, 3)).median_distance == 1);
  CHECK(kdm::pair_distances(predicted, truth) == std::vector<double>{0, 0.5, 5, 1});
}

TEST_CASE("pair_error: equal sets have no error and unit noise has unit mean square") {
  const auto x = kdm_test::random_matrix<float>(20'000, 3, 1);
  const auto none = kdm::pair_error(x, x, 0);
  CHECK(none.mean_squared == 0);
  CHECK(none.share_off == 0);
  const auto noise = kdm::pair_error(x, matrix<float>(20'000, 3));
  CHECK(noise.mean_squared == doctest::Approx(1).epsilon(0.02));
  CHECK(noise.mean_distance == doctest::Approx(std::sqrt(8 / 3.14159265)).epsilon(0.02));  // of the chi distribution
}

TEST_CASE("pair_error: refuses what does not belong together") {
  CHECK(kdm_test::message_of<kdm::shape_error>([] { kdm::pair_error(matrix<float>(3, 2), matrix<float>(4, 2)); }) ==
        "pair_error: predicted has 3 rows, truth has 4, expected equally many");
  CHECK_THROWS_AS(kdm::pair_error(matrix<float>(3, 2), matrix<float>(3, 1)), kdm::shape_error);
  CHECK_THROWS_AS(kdm::pair_error(matrix<float>(), matrix<float>()), kdm::shape_error);
  CHECK_THROWS_AS(kdm::pair_error(matrix<float>(1, 1), matrix<float>(1, 1), -1), kdm::option_error);
  matrix<double> broken(2, 2);
  broken(1, 1) = NAN;
  CHECK_THROWS_AS(kdm::pair_error(broken, matrix<double>(2, 2)), kdm::numeric_error);
}

namespace {

struct disc {
  bool contains(const float* x, float tolerance) const { return std::hypot(x[0], x[1]) <= 1 + tolerance; }
};

struct half_line {
  bool contains(kdm::const_view<double> x, double tolerance) const { return x(0, 0) >= -tolerance; }
};

struct not_a_region {
  bool contains(int) const;
};

static_assert(kdm::support<disc, float>);
static_assert(kdm::support<half_line, double>);
static_assert(!kdm::support<not_a_region, float>);

}  // namespace

TEST_CASE("share_outside: a disc in a square") {
  matrix<float> grid(400 * 400, 2);
  for (index_t i = 0; i < 400; ++i)
    for (index_t j = 0; j < 400; ++j) {
      grid(i * 400 + j, 0) = float(i) / 200 - 0.9975f;
      grid(i * 400 + j, 1) = float(j) / 200 - 0.9975f;
    }
  const double outside = kdm::share_outside(grid, disc{});
  CHECK(outside == doctest::Approx(1 - 3.14159265 / 4).epsilon(0.002));
  CHECK(kdm::share_outside(grid, disc{}, 0.0f, kdm_test::backward_lanes{7}) == outside);
  CHECK(kdm::share_outside(grid, disc{}, 0.5f) == 0);
}

TEST_CASE("share_outside: a support that takes views and counts exactly") {
  matrix<double> x(5, 1);
  for (index_t i = 0; i < 5; ++i) x(i, 0) = double(i) - 2;
  CHECK(kdm::share_outside(x, half_line{}) == 0.4);
  CHECK(kdm::share_outside(x, half_line{}, 1) == 0.2);
  CHECK_THROWS_AS(kdm::share_outside(x, half_line{}, -1), kdm::option_error);
  CHECK_THROWS_AS(kdm::share_outside(matrix<double>(0, 1), half_line{}), kdm::shape_error);
  x(0, 0) = NAN;
  CHECK_THROWS_AS(kdm::share_outside(x, half_line{}), kdm::numeric_error);
}

TEST_CASE("mean and covariance: known sets") {
  matrix<float> x(3, 2);
  x(0, 0) = 1, x(1, 0) = 2, x(2, 0) = 6;
  x(0, 1) = 5, x(1, 1) = 3, x(2, 1) = 1;
  const auto m = kdm::mean(x);
  CHECK(m(0, 0) == 3);
  CHECK(m(0, 1) == 3);
  const auto c = kdm::covariance(x);
  CHECK(c(0, 0) == 7);  // (4 + 1 + 9) / 2
  CHECK(c(0, 1) == -5);
  CHECK(c(1, 0) == -5);
  CHECK(c(1, 1) == 4);
  CHECK_THROWS_AS(kdm::covariance(matrix<float>(1, 2)), kdm::shape_error);
  CHECK_THROWS_AS(kdm::mean(matrix<float>()), kdm::shape_error);
}

TEST_CASE("covariance: an offset does not cost digits") {
  auto x = kdm_test::random_matrix<double>(1000, 1, 3);
  const double before = kdm::covariance(x)(0, 0);
  for (index_t i = 0; i < 1000; ++i) x(i, 0) += 1e6;
  CHECK(kdm::covariance(x)(0, 0) == doctest::Approx(before).epsilon(1e-8));
}
