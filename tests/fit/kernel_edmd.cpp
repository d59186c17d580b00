// Kernel EDMD: exact eigenvalues of a polynomial kernel, held-back residuals, bad kernels.
#include "kdm/fit/kernel_edmd.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <complex>

#include "assignment.hpp"
#include "edmd_data.hpp"
#include "support.hpp"

namespace test_kernel_edmd {

using namespace kdm_test;

double largest(const std::vector<double>& v) { return *std::max_element(v.begin(), v.end()); }

TEST_CASE("kernel edmd: a quadratic kernel on a linear map has six eigenvalues") {
  const auto x = points(100, 2);
  const auto y = image(x, triangular_map);
  const auto model = kdm::kernel_edmd(kdm::polynomial_kernel{2, 1}, x, y);
  const auto& d = model.dynamics;
  const double error = matching_error(d.eigenvalues, triangular_eigenvalues(2));
  MESSAGE("largest eigenvalue error ", error, ", residual ", largest(d.residuals), ", gap ", d.rank.gap);
  REQUIRE(d.eigenvalues.size() == 6);
  CHECK(error < 1e-13);
  CHECK(largest(d.residuals) < 1e-12);
  CHECK(d.rank.has_gap());
  CHECK(d.status == kdm::fit_status::rank_deficient);
  // The kernel's functions contain the state.
  CHECK(relative_difference(model.step(x), y) < 1e-12);
  const auto fresh = points(20, 2, 8);
  CHECK(relative_difference(model.step(fresh, 2), image(image(fresh, triangular_map), triangular_map)) < 1e-12);
  CHECK(largest(model.residuals(fresh, image(fresh, triangular_map))) < 1e-11);
  const auto phi = model.eigenfunctions(x);
  double square = 0;
  for (index_t i = 0; i < 100; ++i) square += std::norm(phi(i, 3)) / 100;
  CHECK(square == doctest::Approx(1).epsilon(1e-10));
}

TEST_CASE("kernel edmd: with as many functions as pairs only pairs held back tell") {
  // Nothing follows from anything here: y is noise.
  const auto x = points(40, 2), y = points(40, 2, 2);
  const auto model = kdm::kernel_edmd(kdm::gaussian_kernel{0.1}, x, y);
  CHECK(model.dynamics.rank.rank > 35);
  const auto fresh = model.residuals(points(400, 2, 3), points(400, 2, 4));
  std::size_t supported = 0;
  for (const double r : fresh) supported += r < 0.3;
  CHECK(supported == 0);
}

TEST_CASE("kernel edmd: ridge and rank rules") {
  const auto x = points(60, 2);
  const auto y = image(x, triangular_map);
  const auto two = kdm::kernel_edmd(kdm::polynomial_kernel{1, 0}, x, y, {.ridge = 1});
  // The largest of the two directions is halved, the other by more.
  REQUIRE(two.dynamics.eigenvalues.size() == 2);
  const auto free = kdm::kernel_edmd(kdm::polynomial_kernel{1, 0}, x, y, {.dt = 2});
  CHECK(matching_error(free.dynamics.eigenvalues, {0.9, 0.6}) < 1e-13);
  CHECK(free.dynamics.dt == 2);
  const double product = std::abs(two.dynamics.eigenvalues[0] * two.dynamics.eigenvalues[1]);
  const double ratio = 1 / (free.dynamics.condition * free.dynamics.condition);
  CHECK(product == doctest::Approx(0.54 * 0.5 * ratio / (ratio + 1)).epsilon(1e-10));
  CHECK(kdm::kernel_edmd(kdm::gaussian_kernel{1}, x, y, {.rank = kdm::rank_rule::fixed(4)}).dynamics.latent() == 4);
}

TEST_CASE("kernel edmd: bad kernels and bad data are refused") {
  const auto x = points(20, 2), y = points(20, 2, 2);
  const auto lopsided = [](const double* a, const double* b, index_t) { return 1 + a[0] - 2 * b[0]; };
  const auto indefinite = [](const double* a, const double* b, index_t) { return a[0] * b[0] - 3 * a[1] * b[1]; };
  const auto zero = [](const double*, const double*, index_t) { return 0.; };
  const auto infinite = [](const double* a, const double*, index_t) { return 1 / (a[0] - a[0]); };
  CHECK(message_of<kdm::numeric_error>([&] { kdm::kernel_edmd(lopsided, x, y); }) ==
        "kernel_edmd: k(x_i, x_j) is not k(x_j, x_i), expected a symmetric kernel");
  CHECK(message_of<kdm::numeric_error>([&] { kdm::kernel_edmd(indefinite, x, y); }).find("positive semidefinite") !=
        std::string::npos);
  CHECK_THROWS_AS(kdm::kernel_edmd(zero, x, y), kdm::numeric_error);
  CHECK_THROWS_AS(kdm::kernel_edmd(infinite, x, y), kdm::numeric_error);
  const kdm::gaussian_kernel k{1};
  CHECK_THROWS_AS(kdm::kernel_edmd(k, x, points(19, 2)), kdm::shape_error);
  CHECK_THROWS_AS(kdm::kernel_edmd(k, x, points(20, 3)), kdm::shape_error);
  CHECK_THROWS_AS(kdm::kernel_edmd(k, matrix<double>(0, 2), matrix<double>(0, 2)), kdm::shape_error);
  CHECK_THROWS_AS(kdm::kernel_edmd(k, x, y, {.ridge = -1}), kdm::option_error);
  CHECK_THROWS_AS(kdm::kernel_edmd(k, x, y, {.dt = NAN}), kdm::option_error);
  matrix<double> bad = x;
  bad(1, 1) = NAN;
  CHECK_THROWS_AS(kdm::kernel_edmd(k, bad, y), kdm::numeric_error);
  CHECK_THROWS_AS(kdm::kernel_edmd(k, x, bad), kdm::numeric_error);

  // Duplicates and constants: independent functions alone are kept.
  matrix<double> same(10, 2);
  const auto constant = kdm::kernel_edmd(k, same, same);
  REQUIRE(constant.dynamics.eigenvalues.size() == 1);
  CHECK(std::abs(constant.dynamics.eigenvalues[0] - 1.) < 1e-14);
  CHECK(kdm::kernel_edmd(k, x.view().row_range(0, 1), y.view().row_range(0, 1)).dynamics.latent() == 1);
}

}  // namespace test_kernel_edmd
