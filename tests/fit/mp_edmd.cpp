// Measure-preserving EDMD: on the circle to rounding where plain least squares shrinks.
#include "kdm/fit/mp_edmd.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <complex>

#include "assignment.hpp"
#include "edmd_data.hpp"
#include "kdm/fit/dictionaries/dictionaries.hpp"
#include "support.hpp"

namespace test_mp_edmd {

using namespace kdm_test;

double off_circle(const std::vector<complex>& lambda) {
  double worst = 0;
  for (const complex l : lambda) worst = std::max(worst, std::abs(std::abs(l) - 1));
  return worst;
}

std::vector<complex> turns(double angle, int harmonics) {
  std::vector<complex> lambda;
  for (int k = -harmonics; k <= harmonics; ++k) lambda.push_back(std::polar(1., k * angle));
  return lambda;
}

TEST_CASE("mp edmd: a noisy rotation stays on the circle where least squares shrinks") {
  const double turn = 0.7, noise = 0.1;
  const auto angle = points(500, 1, 1, pi);
  const auto error_x = random_matrix<double>(500, 1, 2, noise), error_y = random_matrix<double>(500, 1, 3, noise);
  matrix<double> x(500, 1), y(500, 1);
  for (index_t i = 0; i < 500; ++i) x(i, 0) = angle(i, 0) + error_x(i, 0), y(i, 0) = angle(i, 0) + turn + error_y(i, 0);

  const auto plain = kdm::edmd(kdm::fourier(5), x, y);
  const auto kept = kdm::mp_edmd(kdm::fourier(5), x, y);
  double least = 1;
  for (const complex l : plain.dynamics.eigenvalues) least = std::min(least, std::abs(l));
  const double off = off_circle(kept.dynamics.eigenvalues);
  MESSAGE("least modulus of edmd ", least, ", largest distance of mp_edmd from the circle ", off);
  // Wave k loses exp(-k^2 noise^2) to errors in x and y: 0.78 for k = 5.
  CHECK(least == doctest::Approx(std::exp(-25 * noise * noise)).epsilon(0.03));
  CHECK(off < 2e-15);
  CHECK(matching_error(kept.dynamics.eigenvalues, turns(turn, 5)) < 0.05);
  // A simulation neither grows nor decays: latents keep their length.
  double size = 0;
  for (index_t i = 0; i < 11; ++i)
    for (index_t j = 0; j < 11; ++j) {
      double inner = 0;
      for (index_t k = 0; k < 11; ++k) inner += kept.dynamics.k(k, i) * kept.dynamics.k(k, j);
      size = std::max(size, std::abs(inner - (i == j)));
    }
  CHECK(size < 3e-15);
  CHECK(kept.dynamics.status == kdm::fit_status::ok);
}

TEST_CASE("mp edmd: where the data are exact both agree") {
  const auto x = points(300, 1, 1, pi);
  const auto y = image(x, [](const double* a, double* b) { *b = *a + 0.7; });
  // Equispaced points carry the uniform measure: there the rotation is an isometry of the features.
  matrix<double> nodes(64, 1), next(64, 1);
  for (index_t i = 0; i < 64; ++i) nodes(i, 0) = 2 * pi * double(i) / 64, next(i, 0) = nodes(i, 0) + 0.7;
  const auto model = kdm::mp_edmd(kdm::fourier(5), nodes, next);
  CHECK(matching_error(model.dynamics.eigenvalues, turns(0.7, 5)) < 1e-14);
  for (const double r : model.dynamics.residuals) CHECK(r < 1e-13);
  CHECK(off_circle(kdm::mp_edmd(kdm::fourier(5), x, y).dynamics.eigenvalues) < 2e-15);
}

TEST_CASE("mp edmd: the doubling map is put on the circle and the residuals tell") {
  // K is a partial permutation of waves: the isometry nearest to it is not unique.
  matrix<double> x(256, 1), y(256, 1);
  for (index_t i = 0; i < 256; ++i) x(i, 0) = double(i) / 256, y(i, 0) = std::fmod(2 * x(i, 0), 1);
  const auto model = kdm::mp_edmd(kdm::fourier(8, 1), x, y);
  CHECK(off_circle(model.dynamics.eigenvalues) < 4e-15);
  CHECK(model.dynamics.status == kdm::fit_status::rank_deficient);
  std::size_t supported = 0;
  for (std::size_t j = 0; j < 17; ++j) {
    if (model.dynamics.residuals[j] > 0.1) continue;
    ++supported;
    CHECK(std::abs(model.dynamics.eigenvalues[j] - 1.) < 1e-12);
  }
  CHECK(supported == 1);
}

TEST_CASE("mp edmd: redundant features and bad input") {
  const auto x = points(50, 1), y = points(50, 1, 2);
  const auto redundant = kdm::mp_edmd(kdm::monomials(1, 2) + kdm::constant_dictionary(1), x, y);
  CHECK(redundant.dynamics.eigenvalues.size() == 3);
  CHECK(redundant.dynamics.status == kdm::fit_status::rank_deficient);
  CHECK(off_circle(redundant.dynamics.eigenvalues) < 2e-15);
  CHECK_THROWS_AS(kdm::mp_edmd(kdm::monomials(1, 2), x, y, {.ridge = 0.1}), kdm::option_error);
  CHECK_THROWS_AS(kdm::mp_edmd(kdm::monomials(1, 2), x, points(49, 1)), kdm::shape_error);
  CHECK_THROWS_AS(kdm::mp_edmd(kdm::identity_dictionary(1), matrix<double>(5, 1), matrix<double>(5, 1)), kdm::numeric_error);
  matrix<double> bad = y;
  bad(7, 0) = NAN;
  CHECK_THROWS_AS(kdm::mp_edmd(kdm::monomials(1, 2), x, bad), kdm::numeric_error);
  CHECK(off_circle(kdm::mp_edmd(kdm::monomials(1, 2), x.view().row_range(0, 1), y.view().row_range(0, 1))
                       .dynamics.eigenvalues) < 2e-15);
}

}  // namespace test_mp_edmd
