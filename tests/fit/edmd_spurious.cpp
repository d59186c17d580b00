// EDMD where a dictionary holds too much or too little: redundant features, spurious eigenvalues, ridge, a fixed rank.
#include "kdm/fit/edmd.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <complex>

#include "assignment.hpp"
#include "edmd_data.hpp"
#include "kdm/fit/dictionaries/dictionaries.hpp"
#include "support.hpp"

namespace test_edmd_spurious {

using namespace kdm_test;

double largest(const std::vector<double>& v) { return *std::max_element(v.begin(), v.end()); }

TEST_CASE("edmd: rotation of a circle") {
  const double turn = 0.7;
  const auto x = points(300, 1, 1, pi);
  const auto model = kdm::edmd(kdm::fourier(5), x, image(x, [=](const double* a, double* b) { *b = *a + turn; }));
  std::vector<complex> expected;
  for (int k = -5; k <= 5; ++k) expected.push_back(std::polar(1., k * turn));
  CHECK(matching_error(model.dynamics.eigenvalues, expected) < 1e-14);
}

TEST_CASE("edmd: a redundant dictionary adds no eigenvalues") {
  const double l = 0.9, m = 0.5;
  const auto map = [=](const double* x, double* y) { y[0] = l * x[0], y[1] = m * x[1] + (l * l - m) * x[0] * x[0]; };
  const auto psi = kdm::observables(2, 5, [](const double* x, double* z) {
    z[0] = x[0], z[1] = x[1], z[2] = x[0] * x[0], z[3] = x[0] + x[1], z[4] = 1e-6 * (x[1] - 2 * x[0] * x[0]);
  });
  const auto x = points(80, 2);
  const auto y = image(x, map);
  const auto model = kdm::edmd(psi, x, y);
  const auto& d = model.dynamics;
  CHECK(d.status == kdm::fit_status::rank_deficient);
  CHECK(d.rank.rank == 3);
  CHECK(d.features() == 5);
  CHECK(matching_error(d.eigenvalues, {l, m, l * l}) < 1e-14);
  CHECK(largest(d.residuals) < 1e-13);
  CHECK(relative_difference(model.step(x), y) < 1e-13);
  CHECK(relative_difference(model.evaluate(x, 1), y) < 1e-12);
  CHECK(d.rank.has_gap());
}

TEST_CASE("edmd: the doubling map has one eigenvalue that the data support") {
  // x+ = 2 x mod 1 on 256 nodes: K moves wave k to wave 2 k, and the dictionary ends at 8.
  matrix<double> x(256, 1);
  for (index_t i = 0; i < 256; ++i) x(i, 0) = double(i) / 256;
  const auto model =
      kdm::edmd(kdm::fourier(8, 1), x, image(x, [](const double* a, double* b) { *b = std::fmod(2 * *a, 1); }));
  const auto& d = model.dynamics;
  REQUIRE(d.eigenvalues.size() == 17);
  CHECK(std::abs(d.eigenvalues[0] - 1.) < 1e-12);
  CHECK(d.residuals[0] < 1e-12);
  for (std::size_t j = 1; j < 17; ++j) {
    CHECK(std::abs(d.eigenvalues[j]) < 1e-3);  // a defective zero
    CHECK(std::abs(d.residuals[j] - 1) < 1e-3);
  }
  CHECK(d.eigenvector_condition > 1e6);
}

TEST_CASE("edmd: ridge shrinks each direction by what it says and residuals see it") {
  // One feature: K = lambda / (1 + ridge), whatever its unit.
  const auto x = points(50, 1, 1, 1e-3);
  const auto model = kdm::edmd(kdm::identity_dictionary(1), x, image(x, [](const double* a, double* b) { *b = 0.8 * *a; }),
                               {.ridge = 0.25});
  CHECK(std::abs(model.dynamics.eigenvalues[0] - 0.64) < 1e-14);
  CHECK(model.dynamics.residuals[0] == doctest::Approx(0.16).epsilon(1e-12));
  CHECK(model.dynamics.relative_residual == doctest::Approx(0.2).epsilon(1e-12));

  // Against the same penalty solved by least_squares.
  const auto z = points(60, 2);
  const auto w = image(z, triangular_map);
  kdm::edmd_accumulator data(kdm::monomials(2, 2));
  data.append(z, w);
  const auto penalised = data.fit({.ridge = 0.01});
  kdm::snapshot_qr direct(6, 6);
  direct.append(kdm::evaluate(data.dictionary(), z), kdm::evaluate(data.dictionary(), w));
  const auto expected = kdm::least_squares(direct, {.ridge = 0.01});
  CHECK(relative_difference(penalised.dynamics.k, expected.k) < 1e-12);
  CHECK(penalised.dynamics.relative_residual == doctest::Approx(expected.relative_residual));
}

TEST_CASE("edmd: a fixed rank keeps the largest directions and says so") {
  const auto x = points(200, 2);
  const auto model = kdm::edmd(kdm::monomials(2, 3), x, image(x, triangular_map), {.rank = kdm::rank_rule::fixed(4)});
  CHECK(model.dynamics.rank.rank == 4);
  CHECK(model.dynamics.rank.rule == "fixed");
  CHECK(model.dynamics.eigenvalues.size() == 4);
  CHECK(model.dynamics.status == kdm::fit_status::ok);
  CHECK(largest(model.dynamics.residuals) > 1e-3);
}

}  // namespace test_edmd_spurious
