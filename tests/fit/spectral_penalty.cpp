// Penalties on eigenvalues: values in closed form, gradients against differences; the spectra of operators.
#include "kdm/fit/spectral_penalty.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <vector>

#include "assignment.hpp"
#include "kdm/koopman/block_diagonal_operator.hpp"
#include "kdm/koopman/eigen_operator.hpp"
#include "kdm/koopman/generator_operator.hpp"
#include "kdm/koopman/low_rank_operator.hpp"
#include "kdm/koopman/orthogonal_operator.hpp"
#include "support.hpp"

namespace test_spectral_penalty {

using namespace kdm_test;
using complex = std::complex<double>;
using kdm::index_t;
using kdm::matrix;
using kdm::spectral_penalty;
namespace spectral = kdm::spectral;

/// The largest difference between a gradient and central differences, relative to the largest difference quotient.
template <class Penalty>
double gradient_error(const matrix<double>& a, const Penalty& penalty, double h = 1e-6) {
  const matrix<double> g = spectral_penalty(a.view(), penalty).gradient;
  double worst = 0, scale = 1e-30;
  for (index_t k = 0; k < a.size(); ++k) {
    matrix<double> up = a, down = a;
    up.data()[k] += h;
    down.data()[k] -= h;
    const double quotient =
        (spectral_penalty(up.view(), penalty).value - spectral_penalty(down.view(), penalty).value) / (2 * h);
    worst = std::max(worst, std::abs(g.data()[k] - quotient));
    scale = std::max(scale, std::abs(quotient));
  }
  return worst / scale;
}

double largest(const matrix<double>& m) {
  double value = 0;
  for (index_t k = 0; k < m.size(); ++k) value = std::max(value, std::abs(m.data()[k]));
  return value;
}

matrix<double> two_by_two(double a, double b, double c, double d) {
  matrix<double> m(2, 2);
  m(0, 0) = a, m(0, 1) = b, m(1, 0) = c, m(1, 1) = d;
  return m;
}

/// conj-closed targets, none of them real but perhaps the last.
std::vector<complex> some_targets(index_t n) {
  std::vector<complex> targets;
  for (index_t k = 0; k + 1 < n; k += 2) {
    const complex t = std::polar(0.3 + 0.1 * double(k), 0.5 + 0.4 * double(k));
    targets.push_back(t);
    targets.push_back(std::conj(t));
  }
  if (n % 2) targets.push_back(0.7);
  return targets;
}

TEST_CASE("spectral penalties: values and gradients of a rotation in closed form") {
  // Eigenvalues 2 e^(+-0.4 i) and 0.5.
  matrix<double> a(3, 3);
  a(0, 0) = a(1, 1) = 2 * std::cos(0.4), a(1, 0) = 2 * std::sin(0.4), a(0, 1) = -a(1, 0), a(2, 2) = 0.5;
  const auto disc = spectral_penalty(a.view(), spectral::inside_disc{});
  CHECK(disc.value == doctest::Approx(2. / 3).epsilon(1e-14));
  CHECK(disc.condition == doctest::Approx(1));
  CHECK_FALSE(disc.perturbed);
  // Scaling the block by 1 + t moves both moduli by 2 t.
  double along = 0;
  for (index_t i = 0; i < 2; ++i)
    for (index_t j = 0; j < 2; ++j) along += disc.gradient(i, j) * a(i, j);
  CHECK(along == doctest::Approx(8. / 3));
  for (index_t k = 0; k < 3; ++k) CHECK(std::abs(disc.gradient(2, k)) + std::abs(disc.gradient(k, 2)) < 1e-15);

  CHECK(spectral_penalty(a.view(), spectral::on_circle{}).value == doctest::Approx((1 + 1 + 0.25) / 3));
  CHECK(spectral_penalty(a.view(), spectral::on_circle{2}).gradient(2, 2) == doctest::Approx(-1));
  const auto met = spectral_penalty(a.view(), spectral::towards{{0.5, std::polar(2., -0.4), std::polar(2., 0.4)}});
  CHECK(met.value < 1e-28);
  CHECK(largest(met.gradient) < 1e-14);
  const auto missed = spectral_penalty(a.view(), spectral::towards{{0.8, std::polar(2., -0.4), std::polar(2., 0.4)}});
  CHECK(missed.value == doctest::Approx(0.03));
  CHECK(missed.gradient(2, 2) == doctest::Approx(-0.2));
}

TEST_CASE("spectral penalties: inside the disc nothing happens") {
  const matrix<double> a = random_matrix<double>(6, 6, 1, 0.1);
  const auto r = spectral_penalty(a.view(), spectral::inside_disc{});
  CHECK(r.value == 0);
  CHECK(largest(r.gradient) == 0);
}

TEST_CASE("spectral penalties: the matching is the best one and not the greedy one") {
  // 1 is nearest to 1.1, but 1.4 must go somewhere: 0 <-> 1, 1.1 <-> 1.4 costs 1.09, the other way 1.21 + 0.16.
  matrix<double> a(2, 2);
  a(0, 0) = 1, a(1, 1) = 1.4;
  const auto r = spectral_penalty(a.view(), spectral::towards{{1.1, 0}});
  CHECK(r.value == doctest::Approx(std::min(1 + 0.09, 0.01 + 1.96) / 2));
  CHECK(r.gradient(0, 0) == doctest::Approx(1));
  CHECK(r.gradient(1, 1) == doctest::Approx(0.3));
  CHECK(message_of<kdm::shape_error>([&] { spectral_penalty(a.view(), spectral::towards{{1.1}}); }) ==
        "spectral::towards: number of targets is 1, expected 2");
}

TEST_CASE("spectral penalties: gradients against central differences") {
  for (index_t n = 1; n <= 9; ++n)
    for (unsigned seed = 0; seed < 4; ++seed) {
      const matrix<double> a = random_matrix<double>(n, n, seed, 2 / std::sqrt(double(n)));
      INFO("n ", n, ", seed ", seed);
      CHECK(gradient_error(a, spectral::inside_disc{0.3}) < 1e-7);
      CHECK(gradient_error(a, spectral::on_circle{}) < 1e-7);
      CHECK(gradient_error(a, spectral::towards{some_targets(n)}) < 1e-7);
    }
}

TEST_CASE("spectral penalties: gradients where eigenvalues nearly meet") {
  // Eigenvalues 1.5 +- gap / 2, real and complex; the vectors come together as the gap closes.
  for (const double gap : {1e-2, 1e-3, 1e-4})
    for (const double sign : {1., -1.}) {
      const matrix<double> a = two_by_two(1.5, 1, sign * gap * gap / 4, 1.5);
      const auto r = spectral_penalty(a.view(), spectral::on_circle{});
      INFO("gap ", gap, ", sign ", sign);
      CHECK(r.condition > 0.5 / gap);
      CHECK_FALSE(r.perturbed);
      // The mean of squares is ((1.5 - 1)^2 + s) for s = gap^2 / 4 and real eigenvalues; for complex ones it is
      // (sqrt(1.5^2 + s) - 1)^2. Both are smooth in s, and da(1, 0) = ds.
      const double s = gap * gap / 4, modulus = std::sqrt(2.25 + s);
      CHECK(r.gradient(1, 0) == doctest::Approx(sign > 0 ? 1 : -(modulus - 1) / modulus).epsilon(1e-6));
      CHECK(r.gradient(0, 0) + r.gradient(1, 1) == doctest::Approx(sign > 0 ? 1 : 1.5 * 2 * (modulus - 1) / modulus));
      CHECK(gradient_error(a, spectral::on_circle{}, 0.01 * gap * gap) < 1e-3);
    }
}

TEST_CASE("spectral penalties: at a defective matrix the gradient is finite") {
  for (index_t n = 2; n <= 5; ++n) {
    matrix<double> a(n, n);
    for (index_t k = 0; k < n; ++k) a(k, k) = 1.5;
    for (index_t k = 0; k + 1 < n; ++k) a(k, k + 1) = 1;
    const auto r = spectral_penalty(a.view(), spectral::inside_disc{});
    INFO("n ", n);
    CHECK(r.perturbed);
    CHECK(r.value == doctest::Approx(0.25).epsilon(1e-2));
    CHECK(std::isfinite(largest(r.gradient)));
    // The same each time.
    CHECK(relative_difference(spectral_penalty(a.view(), spectral::inside_disc{}).gradient, r.gradient) == 0);
  }
  // A double eigenvalue with two vectors is not defective.
  const auto r = spectral_penalty(two_by_two(2, 0, 0, 2).view(), spectral::inside_disc{});
  CHECK_FALSE(r.perturbed);
  CHECK(r.gradient(0, 0) == doctest::Approx(1));
  CHECK(std::abs(r.gradient(0, 1)) < 1e-15);
}

TEST_CASE("spectral penalties: zero leaves the origin for the circle") {
  const auto r = spectral_penalty(matrix<double>(2, 2).view(), spectral::on_circle{});
  CHECK(r.value == 1);
  CHECK(r.gradient(0, 0) == -1);
}

TEST_CASE("spectral penalties: bad input is refused") {
  CHECK_THROWS_AS(spectral_penalty(matrix<double>(2, 3).view(), spectral::on_circle{}), kdm::shape_error);
  CHECK_THROWS_AS(spectral_penalty(two_by_two(1, NAN, 0, 1).view(), spectral::on_circle{}), kdm::numeric_error);
}

TEST_CASE("operators: their spectrum is what their weights say") {
  const auto weights = [](const auto& o) { return random_matrix<double>(1, o.size(), 3, 0.5); };
  const auto eigenvalues_of = [](const matrix<double>& w, index_t pairs, index_t reals) {
    std::vector<complex> expected;
    for (index_t k = 0; k < pairs; ++k)
      for (const double sign : {1., -1.})
        expected.push_back(std::exp(complex(-std::exp(w(0, k)), sign * w(0, pairs + k))));
    for (index_t k = 0; k < reals; ++k) expected.push_back(std::tanh(w(0, 2 * pairs + k)));
    return expected;
  };
  const kdm::block_diagonal_operator block(9, 3);
  matrix<double> w = weights(block);
  CHECK(matching_error(kdm::spectrum(block.affine(w.view()).a.view()).eigenvalues, eigenvalues_of(w, 3, 3)) < 1e-14);
  const kdm::eigen_operator eigen(9, 3);
  w = weights(eigen);
  CHECK(matching_error(kdm::spectrum(eigen.affine(w.view()).a.view()).eigenvalues, eigenvalues_of(w, 3, 3)) < 1e-13);
  const kdm::orthogonal_operator orthogonal(9);
  w = weights(orthogonal);
  for (const complex& lambda : kdm::spectrum(orthogonal.affine(w.view()).a.view()).eigenvalues)
    CHECK(std::abs(std::abs(lambda) - 1) < 1e-14);
  const kdm::generator_operator generator(9, 0.7);
  w = weights(generator);
  std::vector<complex> exponentials;
  for (const complex& omega : kdm::spectrum(w.view().reshaped(9, 9)).eigenvalues)
    exponentials.push_back(std::exp(0.7 * omega));
  CHECK(matching_error(kdm::spectrum(generator.affine(w.view()).a.view()).eigenvalues, exponentials) < 1e-12);
  const kdm::low_rank_operator low(9, 2);
  w = weights(low);
  const auto s = kdm::spectrum(low.affine(w.view()).a.view());
  CHECK(s.singular_values[2] < 1e-14);
  CHECK(s.singular_values[1] > 0.1);
}

}  // namespace test_spectral_penalty
