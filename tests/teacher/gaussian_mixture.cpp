#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "kdm/teacher/gaussian_mixture.hpp"
#include "probes.hpp"
#include "support.hpp"

using kdm::index_t;
using kdm_test::denoised;

TEST_CASE("a mixture of Gaussians on the line agrees with quadrature") {
  const double weight[] = {0.5, 1.5}, mu[] = {-1, 2}, s[] = {0.4, 1.1};
  kdm::matrix<double> means(2, 1), sigmas(2, 1);
  for (index_t k = 0; k < 2; ++k) {
    means(k, 0) = mu[k];
    sigmas(k, 0) = s[k];
  }
  const kdm::gaussian_mixture<double> field({weight[0], weight[1]}, means, sigmas);
  for (const double alpha : {1.0, 0.3, 0.0})
    for (const double sigma : {2.0, 0.5, 0.05})
      for (const double x : {-30.0, -1.0, 0.1, 1.7, 12.0}) {
        long double score[2], mean[2];
        for (int k = 0; k < 2; ++k) {
          const auto prior = [&](long double u) {
            const long double z = (u - mu[k]) / s[k];
            return -z * z / 2 - std::log(static_cast<long double>(s[k]));
          };
          const long double reach = 200;
          const auto p = kdm_test::quadrature(mu[k] - reach, mu[k] + reach, x, alpha, sigma, prior);
          score[k] = p.log_mass + std::log(weight[k]);
          mean[k] = p.mean;
        }
        const long double first = 1 / (1 + std::exp(score[1] - score[0]));
        const double expected = double(first * mean[0] + (1 - first) * mean[1]);
        CAPTURE(alpha);
        CAPTURE(sigma);
        CAPTURE(x);
        CHECK(denoised(field, {x}, alpha, sigma)[0] == doctest::Approx(expected).epsilon(1e-9));
      }
}

TEST_CASE("Gaussians with a spread for each axis obey Tweedie's formula") {
  kdm::matrix<double> means(2, 2), sigmas(2, 2);
  const double mu[2][2] = {{-1, 0.5}, {1.5, 1}}, s[2][2] = {{0.3, 1.2}, {0.8, 0.5}}, weight[2] = {1, 3};
  for (index_t k = 0; k < 2; ++k)
    for (index_t j = 0; j < 2; ++j) {
      means(k, j) = mu[k][j];
      sigmas(k, j) = s[k][j];
    }
  const kdm::gaussian_mixture<double> field({1, 3}, means, sigmas);
  const double alpha = 0.7, sigma = 0.6;
  const auto log_density = [&](long double x, long double y) {
    long double sum = 0;
    for (int k = 0; k < 2; ++k) {
      const long double vx = alpha * alpha * s[k][0] * s[k][0] + sigma * sigma;
      const long double vy = alpha * alpha * s[k][1] * s[k][1] + sigma * sigma;
      const long double dx = x - alpha * mu[k][0], dy = y - alpha * mu[k][1];
      sum += weight[k] * std::exp(-dx * dx / vx / 2 - dy * dy / vy / 2) / std::sqrt(vx * vy);
    }
    return std::log(sum);
  };
  const auto points = kdm_test::random_matrix<double>(30, 2, 4, 1.5);
  const long double h = 1e-4L;
  for (index_t i = 0; i < points.rows(); ++i) {
    const double x = points(i, 0), y = points(i, 1);
    const double gx = double((log_density(x + h, y) - log_density(x - h, y)) / (2 * h));
    const double gy = double((log_density(x, y + h) - log_density(x, y - h)) / (2 * h));
    const auto d = denoised(field, {x, y}, alpha, sigma);
    CHECK(alpha * d[0] == doctest::Approx(x + sigma * sigma * gx).epsilon(1e-6));
    CHECK(alpha * d[1] == doctest::Approx(y + sigma * sigma * gy).epsilon(1e-6));
  }
}

TEST_CASE_TEMPLATE("Gaussian mixtures stay finite for every finite input", T, float, double) {
  const auto field = kdm::ring_of_gaussians<T>(8, 4, 0.3);
  const auto points = kdm::ring_of_gaussians<T>(3, 1, 0);
  const T big = std::numeric_limits<T>::max(), tiny = std::numeric_limits<T>::denorm_min();
  const T levels[] = {0, tiny, T(1e-8), T(0.3), 1, big};
  for (const T x : {T(0), T(1), tiny, T(-1e20), big, -big})
    for (const T alpha : levels)
      for (const T sigma : levels) {
        const auto d = denoised(field, {double(x), 1}, double(alpha), double(sigma));
        const auto p = denoised(points, {double(x), 1}, double(alpha), double(sigma));
        const bool finite = std::isfinite(d[0]) && std::isfinite(d[1]) && std::isfinite(p[0]) && std::isfinite(p[1]);
        CHECK(finite);
      }
}

TEST_CASE("the ring has its radius and draws its own moments") {
  const auto field = kdm::ring_of_gaussians<double>(8, 4, 0.5);
  CHECK(field.components() == 8);
  const index_t n = 20000;
  const auto x = field.draw(3, n);
  double mean[2] = {0, 0}, square[2] = {0, 0};
  for (index_t i = 0; i < n; ++i)
    for (index_t j = 0; j < 2; ++j) {
      mean[j] += x(i, j) / double(n);
      square[j] += x(i, j) * x(i, j) / double(n);
    }
  for (int j = 0; j < 2; ++j) {
    CHECK(std::abs(mean[j]) < 0.1);                  // standard error 0.020
    CHECK(std::abs(square[j] - (8 + 0.25)) < 0.25);  // standard error 0.045
  }
}

TEST_CASE("Gaussian mixtures that cannot be are refused") {
  kdm::matrix<double> means(2, 2), sigmas(2, 3), negative(2, 1);
  negative(1, 0) = -1;
  CHECK(kdm_test::message_of<kdm::shape_error>([&] { kdm::gaussian_mixture<float>({1, 1}, means, sigmas); }) ==
        "gaussian_mixture: sigmas is 2 x 3, expected 2 x 2 or 2 x 1");
  CHECK(kdm_test::message_of<kdm::option_error>([&] { kdm::gaussian_mixture<float>({1, 1}, means, negative); }) ==
        "gaussian_mixture: sigma 1 is -1 on axis 0, expected 0 or more");
  CHECK(kdm_test::message_of<kdm::option_error>([&] { kdm::ring_of_gaussians<float>(0, 1, 1); }) ==
        "ring_of_gaussians: count is 0, expected at least 1");
}
