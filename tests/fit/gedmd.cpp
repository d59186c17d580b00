// The generator from samples of a vector field, on systems whose rates are known.
#include "kdm/fit/gedmd.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <complex>

#include "assignment.hpp"
#include "edmd_data.hpp"
#include "kdm/fit/dictionaries/dictionaries.hpp"
#include "support.hpp"

namespace test_gedmd {

using namespace kdm_test;

double largest(const std::vector<double>& v) { return *std::max_element(v.begin(), v.end()); }

TEST_CASE("gedmd: the rates of an Ornstein-Uhlenbeck process are multiples of its drift") {
  const double alpha = 1.3, noise = 0.7;
  const auto x = points(300, 1, 1, 2);
  const auto f = image(x, [=](const double* a, double* b) { *b = -alpha * *a; });
  matrix<double> diffusion(300, 1);
  for (index_t i = 0; i < 300; ++i) diffusion(i, 0) = std::sqrt(2 * noise);
  const auto model = kdm::gedmd(kdm::monomials(1, 6), x, f, diffusion, {.dt = 0.4});
  std::vector<complex> expected;
  for (int n = 0; n <= 6; ++n) expected.push_back(-alpha * n);
  const double error = matching_error(model.exponents, expected);
  MESSAGE("largest error of a rate ", error);
  CHECK(error < 1e-11);
  CHECK(largest(model.dynamics.residuals) < 1e-10);
  for (std::size_t j = 0; j < 7; ++j) CHECK(std::abs(model.exponents[j] - expected[j]) < 1e-11);  // slowest first
  // L x^3 = 3 x^2 f + 6 D x: column 3 of the generator.
  CHECK(model.generator(3, 3) == doctest::Approx(-3 * alpha));
  CHECK(model.generator(1, 3) == doctest::Approx(6 * noise));
  CHECK(std::abs(model.generator(2, 3)) < 1e-11);
  // The eigenfunction of -2 alpha is the Hermite polynomial x^2 - D / alpha.
  const auto phi = model.eigenfunctions(x);
  const auto ratio = phi(0, 2) / (x(0, 0) * x(0, 0) - noise / alpha);
  for (index_t i = 0; i < 300; ++i)
    CHECK(std::abs(phi(i, 2) - ratio * (x(i, 0) * x(i, 0) - noise / alpha)) < 1e-11);
  // The mean of x decays at the rate of the drift.
  CHECK(model.evaluate(x, 0.7)(5, 0) == doctest::Approx(x(5, 0) * std::exp(-alpha * 0.7)).epsilon(1e-11));
}

TEST_CASE("gedmd: the slow manifold needs no flow") {
  const slow_manifold flow;
  const auto x = points(500, 2);
  const auto f = image(x, [&](const double* a, double* b) {
    b[0] = flow.mu * a[0], b[1] = flow.la * (a[1] - a[0] * a[0]);
  });
  const auto model = kdm::gedmd(kdm::monomials({1, 2}, 6), x, f, {}, {.dt = flow.time});
  const double error = matching_error(model.exponents, flow.exponents(6));
  MESSAGE("largest error of a rate ", error);
  CHECK(error < 1e-12);
  CHECK(matching_error(model.dynamics.eigenvalues, flow.eigenvalues(6)) < 1e-12);
  CHECK(largest(model.dynamics.residuals) < 1e-12);
  CHECK(relative_difference(model.step(x), image(x, flow)) < 1e-12);
  CHECK(relative_difference(model.evaluate(x, flow.time), image(x, flow)) < 1e-12);
  const slow_manifold far{flow.mu, flow.la, 30};
  CHECK(relative_difference(model.evaluate(x, 30), image(x, far)) < 1e-10);
}

TEST_CASE("gedmd: a rotation is not aliased whatever the step") {
  const double speed = 2.5;
  const auto x = points(100, 2);
  const auto f = image(x, [=](const double* a, double* b) { b[0] = -speed * a[1], b[1] = speed * a[0]; });
  const auto model = kdm::gedmd(kdm::identity_dictionary(2), x, f, {}, {.dt = 4});  // 10 radians a step
  CHECK(matching_error(model.exponents, {complex(0, speed), complex(0, -speed)}) < 1e-14);
  const auto later = model.step(x), at = model.evaluate(x, 4);
  for (index_t i = 0; i < 5; ++i) {
    const double expected = std::cos(10.) * x(i, 0) - std::sin(10.) * x(i, 1);
    CHECK(std::abs(later(i, 0) - expected) < 1e-13);
    CHECK(std::abs(at(i, 0) - expected) < 1e-13);
  }
}

TEST_CASE("gedmd: noise sources and states of several dimensions add up") {
  // dX = s(X) dW with constant columns (1, 0.5) and (0, 2): L of x1^2, x1 x2, x2^2 is s s' element by element.
  const auto x = points(50, 2);
  const matrix<double> f(50, 2);
  matrix<double> diffusion(50, 4);
  for (index_t i = 0; i < 50; ++i) diffusion(i, 0) = 1, diffusion(i, 1) = 0.5, diffusion(i, 2) = 0, diffusion(i, 3) = 2;
  const auto model = kdm::gedmd(kdm::monomials(2, 2), x, f, diffusion);
  const double expected[] = {1, 0.5, 4.25};  // of x1^2, x1 x2 and x2^2, onto the constant
  for (index_t j = 0; j < 3; ++j) CHECK(model.generator(0, 3 + j) == doctest::Approx(expected[j]).epsilon(1e-12));
}

TEST_CASE("gedmd: exponentials of matrices with a known one") {
  Eigen::MatrixXd m(2, 2);
  m << 0, 1, 0, 0;
  Eigen::MatrixXd expected(2, 2);
  expected << 1, 1, 0, 1;
  CHECK((kdm::detail::exponential(m) - expected).norm() < 1e-15);
  m << 0, -30, 30, 0;
  expected << std::cos(30.), -std::sin(30.), std::sin(30.), std::cos(30.);
  CHECK((kdm::detail::exponential(m) - expected).norm() < 1e-13);
  m << -49, 24, -64, 31;  // Moler and Van Loan: eigenvalues -1 and -17
  const double a = std::exp(-1.), b = std::exp(-17.);
  expected << -2 * a + 3 * b, 1.5 * a - 1.5 * b, -4 * a + 4 * b, 3 * a - 2 * b;
  CHECK((kdm::detail::exponential(m) - expected).norm() < 1e-12);
  m(0, 0) = 1e4, m(0, 1) = m(1, 0) = 0;
  CHECK_THROWS_AS(kdm::detail::exponential(m), kdm::numeric_error);
  m(0, 0) = NAN;
  CHECK_THROWS_AS(kdm::detail::exponential(m), kdm::numeric_error);
}

TEST_CASE("gedmd: bad input is refused") {
  const auto x = points(20, 2), f = points(20, 2, 2);
  const kdm::monomials psi(2, 2);
  CHECK(message_of<kdm::shape_error>([&] { kdm::gedmd(psi, x, points(20, 3)); }) ==
        "gedmd: columns of f is 3, expected 2");
  CHECK(message_of<kdm::shape_error>([&] { kdm::gedmd(psi, x, f, points(20, 3)); }) ==
        "gedmd: columns of the diffusion is 3, expected a multiple of 2");
  CHECK_THROWS_AS(kdm::gedmd(psi, x, points(19, 2)), kdm::shape_error);
  CHECK_THROWS_AS(kdm::gedmd(psi, x, f, points(19, 2)), kdm::shape_error);
  CHECK_THROWS_AS(kdm::gedmd(psi, points(20, 1), f), kdm::shape_error);
  CHECK_THROWS_AS(kdm::gedmd(psi, x, f, {}, {}, matrix<double>(3, 1)), kdm::shape_error);
  CHECK_THROWS_AS(kdm::gedmd(psi, matrix<double>(0, 2), matrix<double>(0, 2)), kdm::shape_error);
  CHECK_THROWS_AS(kdm::gedmd(psi, x, f, {}, {.dt = -1}), kdm::option_error);
  matrix<double> bad = f;
  bad(4, 1) = NAN;
  CHECK(message_of<kdm::numeric_error>([&] { kdm::gedmd(psi, x, bad); }) ==
        "gedmd: row 4 of f has nan in column 1, expected a finite number");
  CHECK_THROWS_AS(kdm::gedmd(psi, x, f, bad), kdm::numeric_error);
  const auto few = kdm::gedmd(psi, x.view().row_range(0, 1), f.view().row_range(0, 1));
  CHECK(few.dynamics.status == kdm::fit_status::fewer_rows_than_columns);
  const auto still = kdm::gedmd(psi, x, matrix<double>(20, 2));
  for (const complex omega : still.exponents) CHECK(omega == 0.);
  CHECK(still.dynamics.relative_residual == 0);
}

}  // namespace test_gedmd
