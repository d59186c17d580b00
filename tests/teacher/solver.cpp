#include <doctest/doctest.h>

#include <cmath>

#include "kdm/teacher/gaussian_mixture.hpp"
#include "kdm/teacher/path.hpp"
#include "kdm/teacher/solver.hpp"
#include "support.hpp"

using kdm::index_t;

namespace {

const double mean[2] = {1.5, -0.5}, spread[2] = {0.7, 0.2};

kdm::gaussian_mixture<double> gaussian() {
  kdm::matrix<double> m(1, 2), s(1, 2);
  for (index_t j = 0; j < 2; ++j) {
    m(0, j) = mean[j];
    s(0, j) = spread[j];
  }
  return {{1.0}, m, s};
}

/// The flow of one Gaussian keeps the standardised coordinate (x - alpha mu) / sqrt(alpha^2 s^2 + sigma^2): with
/// v = (s'/s) (x - m) + m' for the moving mean m and spread s, which is what a linear velocity must be.
template <class P>
double exact(const P& p, index_t j, double x, double from, double to) {
  const auto a = p.level(from), b = p.level(to);
  const double before = std::hypot(a.alpha * spread[j], a.sigma), after = std::hypot(b.alpha * spread[j], b.sigma);
  return b.alpha * mean[j] + after / before * (x - a.alpha * mean[j]);
}

template <class P, class S>
double error_after(const P& p, const S& solver, double from, double to, index_t steps) {
  const auto field = gaussian();
  const auto v = kdm::velocity_of(p, field);
  const auto start = kdm_test::random_matrix<double>(5, 2, 1, from);
  kdm::matrix<double> x = start, work(solver.work_rows(5), 2);
  const double dt = (to - from) / double(steps);
  for (index_t k = 0; k < steps; ++k) solver.step(v, x.view(), from + double(k) * dt, dt, work.view());
  double square = 0;
  for (index_t i = 0; i < 5; ++i)
    for (index_t j = 0; j < 2; ++j) square += std::pow(x(i, j) - exact(p, j, start(i, j), from, to), 2);
  return std::sqrt(square);
}

template <class S>
void check_order(const S& solver, double order, index_t steps) {
  const auto rate = [&](const auto& p, double from, double to) {
    return std::log2(error_after(p, solver, from, to, steps) / error_after(p, solver, from, to, 2 * steps));
  };
  CHECK(std::abs(rate(kdm::flow_path{}, 1.0, 0.3) - order) < 0.15);
  CHECK(std::abs(rate(kdm::edm_path{}, 3.0, 0.5) - order) < 0.15);
}

}  // namespace

TEST_CASE("solvers converge with their order on the flow of a Gaussian") {
  check_order(kdm::euler{}, 1, 200);
  check_order(kdm::heun{}, 2, 80);
  check_order(kdm::rk4{}, 4, 40);
}

TEST_CASE("solvers evaluate the velocity as often as they say") {
  index_t calls = 0;
  const auto count = [&](const auto& solver) {
    kdm::matrix<float> x(3, 2), work(solver.work_rows(3), 2);
    calls = 0;
    const auto v = [&](kdm::const_view<float>, float, kdm::view<float> out) {
      ++calls;
      for (index_t i = 0; i < out.rows; ++i)
        for (index_t j = 0; j < out.cols; ++j) out(i, j) = 1;
    };
    solver.step(v, x.view(), 1.0f, -0.5f, work.view());
    CHECK(x(2, 1) == doctest::Approx(-0.5));
    return calls;
  };
  CHECK(count(kdm::euler{}) == kdm::euler::stages);
  CHECK(count(kdm::heun{}) == kdm::heun::stages);
  CHECK(count(kdm::rk4{}) == kdm::rk4::stages);
  CHECK(kdm::evaluations(kdm::heun{}, 40) == 79);  // what Karras et al. report for 40 Heun steps
}

TEST_CASE("time grids fall from the noise to zero") {
  const auto flow = kdm::flow_path{.end = 0.1, .rho = 1}.times(4);
  REQUIRE(flow.size() == 5);
  CHECK(flow[0] == 1);
  CHECK(flow[1] == doctest::Approx(0.7));
  CHECK(flow[3] == 0.1);
  CHECK(flow[4] == 0);
  const auto edm = kdm::edm_path{}.times(18);
  CHECK(edm[0] == 80);
  CHECK(edm[1] == doctest::Approx(57.586).epsilon(1e-4));  // the EDM schedule: (80^(1/7) + 1/17 (...))^7
  CHECK(edm[17] == 0.002);
  CHECK(edm[18] == 0);
  for (std::size_t k = 0; k < 18; ++k) CHECK(edm[k + 1] < edm[k]);
  CHECK(kdm::edm_path{}.times(1) == std::vector<double>{80, 0});
}

TEST_CASE("the Euler step to zero is the denoiser's answer") {
  const auto field = gaussian();
  const kdm::flow_path flow;
  const auto start = kdm_test::random_matrix<double>(4, 2, 2);
  kdm::matrix<double> x = start, work(4, 2), d(4, 2);
  kdm::euler{}.step(kdm::velocity_of(flow, field), x.view(), 0.01, -0.01, work.view());
  field.denoise(start.view(), 0.99, 0.01, d.view());
  CHECK(kdm_test::relative_difference(x, d) < 1e-13);
}

TEST_CASE("paths out of range are refused") {
  CHECK(kdm_test::message_of<kdm::option_error>([] { kdm::flow_path{.end = 0}.times(5); }) ==
        "flow_path: the times run from 1 to 0, expected start > end > 0");
  CHECK(kdm_test::message_of<kdm::option_error>([] { kdm::edm_path{.sigma_max = 1, .sigma_min = 2}.times(5); }) ==
        "edm_path: the times run from 1 to 2, expected start > end > 0");
  CHECK(kdm_test::message_of<kdm::option_error>([] { kdm::edm_path{.rho = 0}.times(5); }) ==
        "edm_path: rho is 0, expected more than 0");
}
