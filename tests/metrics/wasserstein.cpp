// Sliced Wasserstein distance against closed forms and a brute-force transport.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "kdm/metrics/wasserstein.hpp"
#include "lanes.hpp"
#include "support.hpp"

using kdm::index_t;
using kdm::matrix;
using kdm::sliced_wasserstein;
using kdm_test::random_matrix;

namespace {

template <class T>
matrix<T> moved(const matrix<T>& x, const std::vector<double>& by) {
  matrix<T> y(x);
  for (index_t i = 0; i < y.rows(); ++i)
    for (index_t j = 0; j < y.cols(); ++j) y(i, j) += T(by[std::size_t(j)]);
  return y;
}

/// W_p^p on the line with every sample repeated until both sets have lcm(n, m) = n m of them.
double repeated_cost(std::vector<double> a, std::vector<double> b, double p) {
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  double sum = 0;
  for (std::size_t i = 0; i < a.size() * b.size(); ++i)
    sum += std::pow(std::abs(a[i / b.size()] - b[i / a.size()]), p);
  return sum / double(a.size() * b.size());
}

}  // namespace

TEST_CASE_TEMPLATE("sliced_wasserstein: on the line a shift by m has distance m for every p", T, float, double) {
  const auto x = random_matrix<T>(1001, 1, 1);
  const auto y = moved(x, {1.75});
  for (const double p : {1.0, 2.0, 3.5})
    CHECK(sliced_wasserstein(x, y, {.directions = 5, .p = p}) == doctest::Approx(1.75).epsilon(1e-6));
}

TEST_CASE("sliced_wasserstein: Gaussians on the line differ by shift and spread") {
  // W2^2 = (difference of means)^2 + (difference of standard deviations)^2; 40,000 samples leave about 1 percent.
  const auto x = random_matrix<double>(40'000, 1, 2);
  const auto y = moved(random_matrix<double>(40'000, 1, 3, 3.0), {1.0});
  CHECK(sliced_wasserstein(x, y, {.directions = 1}) == doctest::Approx(std::sqrt(1.0 + 4.0)).epsilon(0.02));
}

TEST_CASE("sliced_wasserstein: a shift by m in d dimensions has squared distance m^2/d on average") {
  // Mean over directions of (m . theta)^2 = |m|^2/d. In 2-D its standard deviation is |m|^2/sqrt(8) per direction.
  const auto x = random_matrix<double>(50, 2, 4);
  const double in_plane = sliced_wasserstein(x, moved(x, {3, 4}), {.directions = 20'000});
  CHECK(in_plane * in_plane == doctest::Approx(12.5).epsilon(4 / std::sqrt(2.0 * 20'000)));
  const auto z = random_matrix<double>(20, 5, 5);
  const double in_space = sliced_wasserstein(z, moved(z, {1, 0, 2, 0, 2}), {.directions = 20'000});
  CHECK(in_space * in_space == doctest::Approx(9.0 / 5).epsilon(0.04));
}

TEST_CASE("sliced_wasserstein: the directions are uniform on the circle and of length 1") {
  const auto directions = kdm::detail::random_directions(20'000, 2, 7);
  double cosine2 = 0, sine2 = 0, length_error = 0;
  for (index_t i = 0; i < directions.rows(); ++i) {
    const double angle = std::atan2(directions(i, 1), directions(i, 0));
    cosine2 += std::cos(2 * angle) / 20'000;
    sine2 += std::sin(2 * angle) / 20'000;
    length_error = std::max(length_error, std::abs(std::hypot(directions(i, 0), directions(i, 1)) - 1));
  }
  CHECK(std::abs(cosine2) < 0.02);  // four standard errors
  CHECK(std::abs(sine2) < 0.02);
  CHECK(length_error < 1e-14);
}

TEST_CASE("sliced_wasserstein: equal sets are at 0 in any order of their rows") {
  const auto x = random_matrix<float>(300, 3, 6);
  matrix<float> turned(300, 3);
  for (index_t i = 0; i < 300; ++i)
    for (index_t j = 0; j < 3; ++j) turned(i, j) = x((i * 7 + 5) % 300, j);
  CHECK(sliced_wasserstein(x, x) == 0);
  CHECK(sliced_wasserstein(x, turned) == 0);
  const auto y = random_matrix<float>(170, 3, 7);
  CHECK(sliced_wasserstein(x, y) == sliced_wasserstein(turned, y));
  CHECK(sliced_wasserstein(x, y) == doctest::Approx(sliced_wasserstein(y, x)).epsilon(1e-13));
  CHECK(sliced_wasserstein(x, y) > 0.01);
}

TEST_CASE("sliced_wasserstein: unequal counts agree with samples repeated to equal counts") {
  for (const auto& [n, m] : std::vector<std::pair<index_t, index_t>>{{1, 7}, {6, 4}, {13, 5}, {8, 16}, {17, 19}}) {
    const auto x = random_matrix<double>(n, 1, unsigned(n));
    const auto y = random_matrix<double>(m, 1, unsigned(100 + m));
    for (const double p : {1.0, 2.0, 2.5}) {
      const double expected = repeated_cost({x.data(), x.data() + n}, {y.data(), y.data() + m}, p);
      // One direction on the line is +1 or -1: the distance itself.
      CHECK(std::pow(sliced_wasserstein(x, y, {.directions = 1, .p = p}), p) ==
            doctest::Approx(expected).epsilon(1e-12));
    }
  }
}

TEST_CASE("sliced_wasserstein: two point masses are apart by the projected distance") {
  matrix<double> x(5, 2), y(3, 2);
  for (index_t i = 0; i < 3; ++i) y(i, 0) = 2;
  const auto directions = kdm::detail::random_directions(512, 2, 0);
  double expected = 0;
  for (index_t i = 0; i < 512; ++i) expected += 4 * directions(i, 0) * directions(i, 0) / 512;
  CHECK(sliced_wasserstein(x, y) == doctest::Approx(std::sqrt(expected)).epsilon(1e-13));
}

TEST_CASE("sliced_wasserstein: moving and turning both sets changes little or nothing") {
  const auto x = random_matrix<double>(200, 2, 8), y = random_matrix<double>(150, 2, 9, 2.0);
  const double before = sliced_wasserstein(x, y, {.directions = 4000});
  CHECK(sliced_wasserstein(moved(x, {5, -2}), moved(y, {5, -2}), {.directions = 4000}) ==
        doctest::Approx(before).epsilon(1e-12));
  const auto turned = [](const matrix<double>& a) {
    matrix<double> b(a.rows(), 2);
    for (index_t i = 0; i < a.rows(); ++i) {
      b(i, 0) = 0.6 * a(i, 0) - 0.8 * a(i, 1);
      b(i, 1) = 0.8 * a(i, 0) + 0.6 * a(i, 1);
    }
    return b;
  };
  CHECK(sliced_wasserstein(turned(x), turned(y), {.directions = 4000}) == doctest::Approx(before).epsilon(0.02));
}

TEST_CASE("sliced_wasserstein: the same bits for any number of lanes and for padded rows") {
  const auto x = random_matrix<float>(257, 3, 10), y = random_matrix<float>(100, 3, 11);
  const double alone = sliced_wasserstein(x, y, {.directions = 37, .seed = 3});
  CHECK(sliced_wasserstein(x, y, {.directions = 37, .seed = 3}, kdm_test::backward_lanes{4}) == alone);
  CHECK(sliced_wasserstein(x, y, {.directions = 37, .seed = 4}) != alone);
  matrix<float> wide(257, 8);
  for (index_t i = 0; i < 257; ++i)
    for (index_t j = 0; j < 3; ++j) wide(i, 2 + j) = x(i, j);
  CHECK(sliced_wasserstein(wide.view().col_range(2, 3), y, {.directions = 37, .seed = 3}) == alone);
}

TEST_CASE("sliced_wasserstein: refuses what it cannot compare") {
  const auto x = random_matrix<float>(4, 2, 12);
  CHECK(kdm_test::message_of<kdm::shape_error>([&] { sliced_wasserstein(x, matrix<float>(4, 3)); }) ==
        "sliced_wasserstein: a has 2 columns, b has 3, expected equally many");
  CHECK(kdm_test::message_of<kdm::shape_error>([&] { sliced_wasserstein(matrix<float>(0, 2), x); }) ==
        "sliced_wasserstein: a is 0 x 2, expected at least one row and one column");
  auto broken = x;
  broken(3, 1) = std::numeric_limits<float>::quiet_NaN();
  CHECK(kdm_test::message_of<kdm::numeric_error>([&] { sliced_wasserstein(x, broken); }) ==
        "sliced_wasserstein: b is nan at row 3, column 1, expected finite numbers");
  CHECK_THROWS_AS(sliced_wasserstein(x, x, {.directions = 0}), kdm::option_error);
  CHECK_THROWS_AS(sliced_wasserstein(x, x, {.p = 0.5}), kdm::option_error);
  CHECK_THROWS_AS(sliced_wasserstein(x, x, {.p = NAN}), kdm::option_error);
}
