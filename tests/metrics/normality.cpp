// Is noise normal: statistics against those of SciPy (fixtures/normality_twin.py), and how often clean noise is refused.
#include "kdm/metrics/normality.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <string>

#include "kdm/math/random.hpp"
#include "support.hpp"

namespace {

using kdm::index_t;
using kdm::matrix;
using kdm::normality_report;
using kdm::test_normal_noise;

/// n x d normal numbers of a seed.
matrix<double> normals(index_t n, index_t d, std::uint64_t seed) {
  matrix<double> x(n, d);
  kdm::fill_normals(kdm::random_table{seed, kdm::streams::prior}, 0, x.view());
  return x;
}

TEST_CASE("normality: every statistic is that of SciPy") {
  std::vector<double> x;
  double mean = 0, second = 0, third = 0, fourth = 0;
  for (int i = 0; i < 60; ++i) x.push_back(std::sin(1.7 * i) + 0.3 * std::pow(std::cos(0.9 * i), 3) + 0.01 * i);
  for (const double v : x) mean += v / 60;
  for (const double v : x) {
    const double y = v - mean;
    second += y * y / 60, third += y * y * y / 60, fourth += y * y * y * y / 60;
  }
  CHECK(kdm::detail::normal_of_skewness(third / std::pow(second, 1.5), 60) == doctest::Approx(0.07962265490190142));
  CHECK(kdm::detail::normal_of_kurtosis(fourth / second / second, 60) == doctest::Approx(-2.939999466273951));
  std::sort(x.begin(), x.end());
  CHECK(kdm::detail::anderson_darling(x, mean, std::sqrt(second * 60 / 59)) == doctest::Approx(0.7027524896650021));
  // Approximations: within 0.03, less where rows are many.
  CHECK(std::abs(kdm::detail::normal_of_t(2.5, 9) - 2.121713221270878) < 0.03);
  CHECK(std::abs(kdm::detail::normal_of_t(-6, 4) + 2.8875509624470936) < 0.03);
  CHECK(std::abs(kdm::detail::normal_of_t(3.3, 200) - 3.252307101717218) < 1e-3);
  CHECK(std::abs(kdm::detail::normal_of_chi_square(2, 20) - 2.5761467066597525) < 0.03);
  CHECK(std::abs(kdm::detail::normal_of_chi_square(0.4, 60) + 4.29158436597159) < 0.03);
  CHECK(std::abs(kdm::detail::normal_of_chi_square(1.05, 4000) - 2.2072738172238187) < 1e-3);
}

TEST_CASE("normality: clean noise is seldom refused at any number of rows and columns") {
  struct shape {
    index_t n, d;
  };
  int sets = 0, refused = 0, likely = 0;
  for (const shape s : {shape{4, 2}, shape{10, 1}, shape{20, 2}, shape{60, 3}, shape{200, 2}, shape{300, 8}})
    for (std::uint64_t seed = 1; seed <= 400; ++seed) {
      const normality_report r = test_normal_noise(normals(s.n, s.d, seed), 1);
      ++sets, refused += r.rejects(1e-3), likely += r.rejects(0.1);
    }
  // Of 2,400 sets 2.4 at the level of 0.001: 12 would be five in a thousand.
  CHECK(refused <= 12);
  // The levels mean something: at 0.1, corrected for the number of tests, it is some hundreds.
  CHECK(likely > 60);
  CHECK(likely < 400);
}

TEST_CASE("normality: each departure is found and named") {
  const auto changed = [](index_t n, index_t d, const std::function<void(matrix<double>&)>& change) {
    matrix<double> x = normals(n, d, 5);
    change(x);
    return test_normal_noise(x, 1);
  };
  const auto each = [](matrix<double>& x, index_t j, const std::function<double(double)>& f) {
    for (index_t i = 0; i < x.rows(); ++i) x(i, j) = f(x(i, j));
  };
  CHECK_FALSE(changed(2000, 3, [](auto&) {}).rejects());
  const auto shifted = changed(2000, 3, [&](auto& x) { each(x, 1, [](double z) { return z + 0.2; }); });
  CHECK(shifted.mean.p < 1e-3);
  CHECK(shifted.mean.column == 1);
  CHECK(shifted.mean.value == doctest::Approx(0.2).epsilon(0.15));
  CHECK(shifted.shape.p > 1e-3);
  const auto few = changed(8, 1, [&](auto& x) { each(x, 0, [](double z) { return z + 50; }); });
  CHECK(few.mean.p < 1e-3);
  const auto wide = changed(2000, 3, [&](auto& x) { each(x, 2, [](double z) { return 1.2 * z; }); });
  CHECK(wide.deviation.p < 1e-3);
  CHECK(wide.deviation.column == 2);
  CHECK(wide.mean.p > 1e-3);
  const auto linked = changed(2000, 70, [](auto& x) {
    for (index_t i = 0; i < x.rows(); ++i) x(i, 33) = 0.8 * x(i, 32) + 0.6 * x(i, 33);
  });
  CHECK(linked.correlation.p < 1e-3);
  CHECK(linked.correlation.column == 32);
  CHECK(linked.correlation.other == 33);
  CHECK(linked.correlation.value == doctest::Approx(0.8).epsilon(0.05));
  CHECK(linked.deviation.p > 1e-3);

  // Of mean 0 and deviation 1, but not normal.
  const auto uniform = [](double z) { return std::sqrt(3.) * std::erf(z / std::sqrt(2.)); };
  const auto label = [](double z) { return z < 0 ? -1. : 1.; };
  // Three points with the kurtosis of a normal distribution: only the distribution function tells.
  const auto three = [](double z) { return std::abs(z) < 0.9674215661 ? 0. : std::copysign(std::sqrt(3.), z); };
  const auto constant = [](double) { return 0.7; };
  for (const std::function<double(double)>& f :
       {std::function<double(double)>(uniform), {label}, {three}, {constant}}) {
    const auto r = changed(500, 2, [&](auto& x) { each(x, 1, f); });
    CHECK(r.shape.p < 1e-3);
    CHECK(r.shape.column == 1);
  }
}

TEST_CASE("normality: the unit does not matter and bad arguments are named") {
  const matrix<double> x = normals(300, 2, 3);
  for (const double unit : {1e-200, 1e-6, 1e6, 1e200}) {
    matrix<double> y = x;
    for (index_t k = 0; k < y.size(); ++k) y.data()[k] *= unit;
    CHECK(test_normal_noise(y, unit).shape.p == doctest::Approx(test_normal_noise(x, 1).shape.p));
    CHECK(test_normal_noise(y, unit).mean.p == doctest::Approx(test_normal_noise(x, 1).mean.p));
  }
  for (const double scale : {0., -1., double(NAN), double(INFINITY)})
    CHECK(kdm_test::message_of<kdm::option_error>([&] { test_normal_noise(x, scale); }) ==
          kdm::concat("test_normal_noise: scale is ", scale, ", expected a finite number above 0"));
  CHECK(kdm_test::message_of<kdm::shape_error>([&] { test_normal_noise(matrix<double>(), 1); }) ==
        "test_normal_noise: noise is 0 x 0, expected at least one row and one column");
}

}  // namespace
