#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "kdm/teacher/empirical.hpp"
#include "probes.hpp"
#include "support.hpp"

using kdm::index_t;
using kdm_test::denoised;

TEST_CASE("the empirical denoiser is the softmax mean, also across chunks") {
  const auto data = kdm_test::random_matrix<double>(700, 3, 8);
  const kdm::empirical field(data);
  CHECK(field.samples() == 700);
  const auto points = kdm_test::random_matrix<double>(10, 3, 9, 1.5);
  for (const double alpha : {1.0, 0.4, 0.0})
    for (const double sigma : {2.0, 0.3, 0.02})
      for (index_t i = 0; i < points.rows(); ++i) {
        long double best = -INFINITY, total = 0, sum[3] = {0, 0, 0};
        std::vector<long double> logit;
        for (index_t r = 0; r < data.rows(); ++r) {
          long double square = 0;
          for (index_t j = 0; j < 3; ++j) square += std::pow((points(i, j) - alpha * data(r, j)) / sigma, 2.0L);
          logit.push_back(-square / 2);
          best = std::max(best, logit.back());
        }
        for (index_t r = 0; r < data.rows(); ++r) {
          const long double w = std::exp(logit[std::size_t(r)] - best);
          total += w;
          for (index_t j = 0; j < 3; ++j) sum[j] += w * data(r, j);
        }
        const auto d = denoised(field, {points(i, 0), points(i, 1), points(i, 2)}, alpha, sigma);
        for (std::size_t j = 0; j < 3; ++j) CHECK(std::abs(d[j] - double(sum[j] / total)) < 1e-10);
      }
}

TEST_CASE_TEMPLATE("empirical denoisers stay finite and end on the data", T, float, double) {
  const auto data = kdm_test::random_matrix<T>(300, 2, 1);
  const kdm::empirical field(data);
  const T big = std::numeric_limits<T>::max(), tiny = std::numeric_limits<T>::denorm_min();
  const T levels[] = {0, tiny, T(1e-8), 1, big};
  for (const T x : {T(0), T(1), T(1e20), -big})
    for (const T alpha : levels)
      for (const T sigma : levels) {
        const auto d = denoised(field, {double(x), -1}, double(alpha), double(sigma));
        const bool bounded = std::abs(d[0]) < 6 && std::abs(d[1]) < 6;
        CHECK(bounded);
      }
  const auto d = denoised(field, {double(data(299, 0)), double(data(299, 1))}, 1, 1e-6);
  CHECK(T(d[0]) == data(299, 0));
  CHECK(T(d[1]) == data(299, 1));
  const auto drawn = field.draw(4, 50);
  for (index_t i = 0; i < 50; ++i) {
    bool found = false;
    for (index_t r = 0; r < 300; ++r) found = found || (drawn(i, 0) == data(r, 0) && drawn(i, 1) == data(r, 1));
    CHECK(found);
  }
}

TEST_CASE("datasets that cannot be are refused") {
  const kdm::matrix<float> none(0, 2);
  CHECK(kdm_test::message_of<kdm::shape_error>([&] { kdm::empirical<float>{none.view()}; }) ==
        "empirical: data is 0 x 2, expected samples");
  kdm::matrix<float> broken(3, 2);
  broken(2, 1) = NAN;
  CHECK(kdm_test::message_of<kdm::numeric_error>([&] { kdm::empirical<float>{broken.view()}; }) ==
        "empirical: row 2, column 1 of data is not finite");
}
