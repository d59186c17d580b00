#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <limits>

#include "kdm/teacher/box_mixture.hpp"
#include "probes.hpp"
#include "support.hpp"

using kdm::index_t;
using kdm_test::denoised;

namespace {

kdm::box_mixture<double> one_box(double low, double high) {
  kdm::matrix<double> a(1, 1), b(1, 1);
  a(0, 0) = low;
  b(0, 0) = high;
  return {{1.0}, a, b};
}

/// Three boxes of different shapes and weights in the plane; two overlap, two share an interval of axis 0.
struct three_boxes {
  std::vector<double> weights{1, 2, 0.5};
  double low[3][2] = {{-2, 0}, {-2, -1.5}, {0.5, 0.25}};
  double high[3][2] = {{1, 2}, {1, -1}, {3, 0.75}};

  kdm::box_mixture<double> field() const {
    kdm::matrix<double> a(3, 2), b(3, 2);
    for (index_t k = 0; k < 3; ++k)
      for (index_t j = 0; j < 2; ++j) {
        a(k, j) = low[k][j];
        b(k, j) = high[k][j];
      }
    return {weights, a, b};
  }

  /// Posterior mean by quadrature of every axis of every box.
  std::array<double, 2> reference(const std::vector<double>& x, double alpha, double sigma) const {
    long double score[3], mean[3][2], best = -INFINITY, total = 0, sum[2] = {0, 0};
    for (std::size_t k = 0; k < 3; ++k) {
      score[k] = std::log(weights[k]);
      for (std::size_t j = 0; j < 2; ++j) {
        const auto p = kdm_test::uniform_quadrature(low[k][j], high[k][j], x[j], alpha, sigma);
        score[k] += p.log_mass;
        mean[k][j] = p.mean;
      }
      best = std::max(best, score[k]);
    }
    for (std::size_t k = 0; k < 3; ++k) {
      const long double w = std::exp(score[k] - best);
      total += w;
      for (std::size_t j = 0; j < 2; ++j) sum[j] += w * mean[k][j];
    }
    return {double(sum[0] / total), double(sum[1] / total)};
  }
};

/// log p(x) of the noised checkerboard, by long-double erfc differences.
long double checkerboard_log_density(long double x, long double y, long double alpha, long double sigma) {
  const auto axis = [&](long double at, int cell) {
    // The tail that is small, so that nothing cancels.
    const long double lo = (at - alpha * cell / 0.45L) / sigma / std::sqrt(2.0L);
    const long double hi = (at - alpha * (cell + 1) / 0.45L) / sigma / std::sqrt(2.0L);
    return lo + hi > 0 ? std::erfc(hi) - std::erfc(lo) : std::erfc(-lo) - std::erfc(-hi);
  };
  long double sum = 0;
  for (int i = -2; i < 2; ++i)
    for (int j = -2; j < 2; ++j)
      if ((i + j) % 2 == 0) sum += axis(x, j) * axis(y, i);
  return std::log(sum);
}

}  // namespace

TEST_CASE("one interval agrees with quadrature from narrow to wide and near to far") {
  const double low = -0.7, high = 1.6, sigma = 0.5;
  for (const double width : {1e-12, 1e-6, 1e-3, 0.03, 0.0999, 0.1001, 0.3, 1.0, 5.0, 40.0, 1e4}) {
    const double alpha = width * sigma / (high - low);
    for (const double distance : {0.0, 0.3, 1.0, 4.0, 17.9, 18.1, 40.0, 60.0, 1e3, 1e6})  // from an edge, in sigmas
      for (const int place : {0, 1, 2, 3}) {  // outside above, outside below, inside from both edges
        if (place >= 2 && distance > width) continue;
        const double x = place % 2 == 0 ? alpha * high + (place < 2 ? 1 : -1) * distance * sigma
                                        : alpha * low - (place < 2 ? 1 : -1) * distance * sigma;
        CAPTURE(width);
        CAPTURE(distance);
        CAPTURE(place);
        const auto expected = kdm_test::uniform_quadrature(low, high, x, alpha, sigma);
        const bool wide = width >= kdm::detail::wide_interval;
        const kdm::detail::seen_edge low_edge((x - alpha * low) / sigma, wide);
        const kdm::detail::seen_edge high_edge((x - alpha * high) / sigma, wide);
        const auto found = kdm::detail::seen_interval(low_edge, high_edge, low, high, alpha * (high - low) / sigma);
        const double size = std::max(1.0, std::abs(double(expected.log_mass)));
        CHECK(std::abs(found.mean - double(expected.mean)) < 1e-11 * (high - low));
        CHECK(std::abs(found.log_mass - double(expected.log_mass)) < 1e-11 * size);
        CHECK(std::abs(denoised(one_box(low, high), {x}, alpha, sigma)[0] - double(expected.mean)) < 2e-11);
      }
  }
}

TEST_CASE("a mixture of boxes agrees with quadrature") {
  const three_boxes boxes;
  const auto field = boxes.field();
  const auto points = kdm_test::random_matrix<double>(25, 2, 3, 2.5);
  for (const double alpha : {1.0, 0.6, 0.05})
    for (const double sigma : {3.0, 0.4, 0.02})
      for (index_t i = 0; i < points.rows(); ++i) {
        const std::vector<double> x{points(i, 0), points(i, 1)};
        const auto expected = boxes.reference(x, alpha, sigma);
        const auto found = denoised(field, x, alpha, sigma);
        CAPTURE(alpha);
        CAPTURE(sigma);
        CHECK(std::abs(found[0] - expected[0]) < 2e-10);
        CHECK(std::abs(found[1] - expected[1]) < 2e-10);
      }
}

TEST_CASE("the checkerboard obeys Tweedie's formula") {
  const auto field = kdm::checkerboard<double>();
  const auto points = kdm_test::random_matrix<double>(40, 2, 5, 2.0);
  for (const double t : {0.95, 0.7, 0.4}) {
    const double alpha = 1 - t, sigma = t;
    for (index_t i = 0; i < points.rows(); ++i) {
      const double x = points(i, 0), y = points(i, 1);
      const long double h = 1e-4L;
      const auto logp = [&](long double a, long double b) { return checkerboard_log_density(a, b, alpha, sigma); };
      const double gx = double((logp(x + h, y) - logp(x - h, y)) / (2 * h));
      const double gy = double((logp(x, y + h) - logp(x, y - h)) / (2 * h));
      const auto d = denoised(field, {x, y}, alpha, sigma);
      CHECK(alpha * d[0] == doctest::Approx(x + sigma * sigma * gx).epsilon(1e-6));
      CHECK(alpha * d[1] == doctest::Approx(y + sigma * sigma * gy).epsilon(1e-6));
    }
  }
}

TEST_CASE("limits: no data, no noise, far away") {
  const auto field = kdm::checkerboard<double>();
  for (const double v : denoised(field, {1.3, -0.4}, 0, 1)) CHECK(std::abs(v) < 1e-14);
  // Inside a cell without noise: x / alpha. Outside: the nearest point of the cells.
  const auto inside = denoised(field, {0.5, 0.75}, 0.5, 0);
  CHECK(inside[0] == doctest::Approx(1.0));
  CHECK(inside[1] == doctest::Approx(1.5));
  const auto projected = denoised(field, {1.0, 100.0}, 1, 1e-9);
  CHECK(projected[0] == doctest::Approx(-0.0).epsilon(1e-6));
  CHECK(projected[1] == doctest::Approx(2 / 0.45));
  // In the middle of an empty cell all four neighbours are equally far.
  const auto middle = denoised(field, {-0.5 / 0.45, 0.5 / 0.45}, 1, 1e-4);
  CHECK(middle[0] == doctest::Approx(-0.5 / 0.45).epsilon(1e-3));
  CHECK(middle[1] == doctest::Approx(0.5 / 0.45).epsilon(1e-3));
}

TEST_CASE_TEMPLATE("no finite input gives NaN or leaves the boxes", T, float, double) {
  const auto field = kdm::checkerboard<T>();
  const T big = std::numeric_limits<T>::max(), tiny = std::numeric_limits<T>::denorm_min();
  const T values[] = {0, 1, -1, T(2.3), tiny, -tiny, T(1e-20), T(1e20), big, -big};
  const T levels[] = {0, tiny, std::numeric_limits<T>::min(), T(1e-8), T(0.3), 1, T(1e10), big};
  for (const T x : values)
    for (const T y : values)
      for (const T alpha : levels)
        for (const T sigma : levels) {
          kdm::matrix<T> in(1, 2), out(1, 2);
          in(0, 0) = x;
          in(0, 1) = y;
          field.denoise(in.view(), alpha, sigma, out.view());
          const bool within = std::abs(out(0, 0)) < T(4.4445) && std::abs(out(0, 1)) < T(4.4445);
          if (!within) {
            CAPTURE(x);
            CAPTURE(y);
            CAPTURE(alpha);
            CAPTURE(sigma);
            CHECK(within);
          }
        }
}

TEST_CASE("flat boxes are points and lines") {
  CHECK(denoised(one_box(0.25, 0.25), {7}, 1, 0.5)[0] == 0.25);
  kdm::matrix<double> a(2, 1), b(2, 1);
  a(0, 0) = b(0, 0) = -1;
  a(1, 0) = b(1, 0) = 1;
  const kdm::box_mixture<double> points({1, 1}, a, b);
  CHECK(denoised(points, {0.3}, 1, 0.7)[0] == doctest::Approx(std::tanh(0.3 / 0.49)).epsilon(1e-12));
}

TEST_CASE("the checkerboard holds its cells and its own samples") {
  const auto field = kdm::checkerboard<float>();
  CHECK(field.dimension() == 2);
  CHECK(field.boxes() == 8);
  const float black[] = {1.1f, 1.1f}, white[] = {-1.1f, 1.1f}, outside[] = {4.5f, 1.1f};
  CHECK(field.contains(black, 0));
  CHECK_FALSE(field.contains(white, 0));
  CHECK_FALSE(field.contains(outside, 0));
  const float close[] = {-0.04f, 1.1f};  // between cell (0, 0) and the empty one to its left
  CHECK_FALSE(field.contains(close, 0.03f));
  CHECK(field.contains(close, 0.05f));

  const index_t n = 16000;
  const auto x = field.draw(11, n);
  double count[8] = {}, sum[2] = {0, 0};
  for (index_t i = 0; i < n; ++i) {
    const index_t k = field.box_of(x.view().row_pointer(i), 1e-6f);
    REQUIRE(k >= 0);
    count[k] += 1;
    for (index_t j = 0; j < 2; ++j) sum[j] += double(x(i, j));
  }
  double chi_square = 0;
  for (const double c : count) chi_square += (c - 2000) * (c - 2000) / 2000;
  CHECK(chi_square < 30);  // 7 degrees of freedom: exceeded with probability 1e-4
  for (const double s : sum) CHECK(std::abs(s / double(n)) < 5 * 2.57 / std::sqrt(double(n)));
  CHECK(kdm_test::relative_difference(kdm::matrix<float>(x.view().row_range(0, 7)), field.draw(11, 7)) == 0);
}

TEST_CASE("box mixtures that cannot be are refused") {
  kdm::matrix<double> low(2, 1), high(2, 1);
  high(0, 0) = 1;
  high(1, 0) = -3;
  const auto make = [&](std::vector<double> w) {
    return [w, &low, &high] { kdm::box_mixture<float>(w, low, high); };
  };
  CHECK(kdm_test::message_of<kdm::option_error>(make({1, 1})) == "box_mixture: box 1 reaches from 0 to -3 on axis 0");
  CHECK(kdm_test::message_of<kdm::shape_error>(make({1})) == "box_mixture: 1 weights for 2 components");
  CHECK(kdm_test::message_of<kdm::option_error>(make({1, -1})) ==
        "box_mixture: weight 1 is -1, expected a positive number");
  high(1, 0) = 1;
  const kdm::box_mixture<float> field({1, 1}, low, high);
  kdm::matrix<float> x(3, 2), y(3, 1), z(3, 1);
  CHECK(kdm_test::message_of<kdm::shape_error>([&] { field.denoise(x.view(), 1, 1, x.view()); }) ==
        "box_mixture: x has 2 columns, expected 1");
  CHECK(kdm_test::message_of<kdm::shape_error>([&] { field.denoise(y.view(), 1, 1, z.view().row_range(0, 2)); }) ==
        "box_mixture: out is 2 x 1, expected 3 x 1");
  CHECK(kdm_test::message_of<kdm::option_error>([&] { field.denoise(y.view(), 1, -2, z.view()); }) ==
        "box_mixture: sigma is -2, expected 0 or more");
}
