// Dictionaries: values against formulas, derivatives against finite differences, combinations, bad sizes.
#include "kdm/fit/dictionaries/dictionaries.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <new>
#include <set>
#include <vector>

#include "edmd_data.hpp"
#include "support.hpp"

namespace test_dictionary {

using namespace kdm_test;
using kdm::view;

static_assert(kdm::differentiable_dictionary<kdm::identity_dictionary>);
static_assert(kdm::differentiable_dictionary<kdm::kernel_dictionary<kdm::gaussian_kernel>>);
static_assert(kdm::kernel_function<kdm::polynomial_kernel>);

/// Largest difference between derivatives along random lines and central differences of the values.
template <class D>
double derivative_error(const D& d, double at = 1) {
  const auto x = points(20, d.inputs(), 1, at), v = points(20, d.inputs(), 2);
  const double h = 1e-3;
  const auto along = [&](double s) {
    matrix<double> moved = x;
    for (index_t i = 0; i < x.size(); ++i) moved.data()[i] += s * v.data()[i];
    return kdm::evaluate(d, moved);
  };
  // Fourth order in h: the error of the differences is far below that of a wrong formula.
  const auto p2 = along(2 * h), p1 = along(h), z = along(0), m1 = along(-h), m2 = along(-2 * h);
  matrix<double> first(20, d.features()), second(20, d.features()), alone(20, d.features());
  d.derivatives(x, v, first, second);
  d.derivatives(x, v, alone, view<double>{});
  double worst = 0;
  for (index_t i = 0; i < z.size(); ++i) {
    const auto at_i = [i](const matrix<double>& m) { return m.data()[i]; };
    const double d1 = (8 * (at_i(p1) - at_i(m1)) - (at_i(p2) - at_i(m2))) / (12 * h);
    const double d2 = (16 * (at_i(p1) + at_i(m1)) - (at_i(p2) + at_i(m2)) - 30 * at_i(z)) / (12 * h * h);
    worst = std::max({worst, std::abs(at_i(first) - d1), std::abs(at_i(second) - d2), std::abs(at_i(first) - at_i(alone))});
  }
  return worst;
}

TEST_CASE("dictionary: monomials are the products that their exponents say") {
  const kdm::monomials all(3, 4);
  CHECK(all.inputs() == 3);
  REQUIRE(all.features() == 35);  // binomial(7, 3)
  const auto x = points(7, 3);
  const auto psi = kdm::evaluate(all, x);
  std::set<std::vector<index_t>> seen;
  for (index_t j = 0; j < 35; ++j) {
    const auto alpha = all.exponents(j);
    CHECK(alpha[0] + alpha[1] + alpha[2] <= 4);
    seen.insert(alpha);
    for (index_t i = 0; i < 7; ++i) {
      double value = 1;
      for (index_t c = 0; c < 3; ++c) value *= std::pow(x(i, c), double(alpha[std::size_t(c)]));
      CHECK(psi(i, j) == doctest::Approx(value).epsilon(1e-14));
    }
  }
  CHECK(seen.size() == 35);
  CHECK(all.exponents(0) == std::vector<index_t>{0, 0, 0});
  CHECK(all.exponents(2) == std::vector<index_t>{0, 1, 0});
  CHECK(kdm::monomials(2, 0).features() == 1);
}

TEST_CASE("dictionary: weighted monomials are the invariant set of the slow manifold") {
  const kdm::monomials set({1, 2}, 10);
  CHECK(set.features() == 36);
  std::set<std::vector<index_t>> seen;
  for (index_t j = 0; j < 36; ++j) {
    const auto alpha = set.exponents(j);
    CHECK(alpha[0] + 2 * alpha[1] <= 10);
    seen.insert(alpha);
  }
  CHECK(seen.size() == 36);
}

TEST_CASE("dictionary: derivatives agree with finite differences") {
  CHECK(derivative_error(kdm::identity_dictionary(3)) < 1e-8);
  CHECK(derivative_error(kdm::constant_dictionary(2)) < 1e-12);
  CHECK(derivative_error(kdm::monomials(2, 5)) < 1e-7);
  CHECK(derivative_error(kdm::fourier(3)) < 1e-7);
  CHECK(derivative_error(kdm::fourier(2, 0.9)) < 1e-4);
  CHECK(derivative_error(kdm::random_fourier(3, 6, 0.8, 5)) < 1e-6);
  CHECK(derivative_error(kdm::radial_basis(points(5, 2, 3), 0.7)) < 1e-7);
  CHECK(derivative_error(kdm::kernel_dictionary(kdm::polynomial_kernel{3, 1}, points(5, 2, 3))) < 1e-7);
  CHECK(derivative_error(kdm::monomials(2, 2) + kdm::identity_dictionary(2)) < 1e-7);
  CHECK(derivative_error(kdm::of_columns(2, 0, kdm::fourier(2)) * kdm::of_columns(2, 1, kdm::monomials(1, 3))) < 1e-7);
  CHECK(derivative_error(kdm::delays(3, kdm::monomials(2, 2))) < 1e-8);
}

TEST_CASE("dictionary: a formula of any number type brings its derivatives") {
  const auto d = kdm::smooth_observables(2, 7, [](auto x, auto psi) {
    using std::exp, std::log, std::sqrt, std::sin, std::cos, std::tanh;
    psi[0] = exp(x[0]) / (2. + x[1] * x[1]);
    psi[1] = log(3. + x[0]) - sqrt(4. - x[1]);
    psi[2] = tanh(x[0] * x[1]);
    psi[3] = -sin(2. * x[0]);
    psi[4] = x[0];
    psi[4] -= x[1];
    psi[4] /= 3. + x[0];
    psi[5] = cos(x[1]);
    psi[5] *= x[0];
    psi[6] = 1.;
    psi[6] += x[1];
  });
  static_assert(kdm::differentiable_dictionary<decltype(d)>);
  CHECK(derivative_error(d) < 1e-6);
  const auto x = points(3, 2);
  CHECK(kdm::evaluate(d, x)(2, 0) == doctest::Approx(std::exp(x(2, 0)) / (2 + x(2, 1) * x(2, 1))));
}

TEST_CASE("dictionary: random fourier features approximate the gaussian kernel and depend on the seed alone") {
  const double width = 0.7;
  const kdm::random_fourier d(2, 4000, width, 3), same(2, 4000, width, 3), other(2, 4000, width, 4);
  const auto x = points(6, 2);
  const auto psi = kdm::evaluate(d, x);
  double worst = 0;
  for (index_t a = 0; a < 6; ++a)
    for (index_t b = 0; b < 6; ++b) {
      double inner = 0;
      for (index_t j = 0; j < d.features(); ++j) inner += psi(a, j) * psi(b, j);
      const double square = std::pow(x(a, 0) - x(b, 0), 2) + std::pow(x(a, 1) - x(b, 1), 2);
      worst = std::max(worst, std::abs(inner - std::exp(-square / (2 * width * width))));
    }
  CHECK(worst < 5 / std::sqrt(4000.));  // an average of 4000 terms of deviation below 1
  CHECK(relative_difference(psi, kdm::evaluate(same, x)) == 0);
  CHECK(relative_difference(psi, kdm::evaluate(other, x)) > 1e-3);
}

TEST_CASE("dictionary: radial basis functions at centres drawn from the data") {
  const auto x = points(50, 2);
  const auto d = kdm::radial_basis(x, 10, 0, 7);
  const auto psi = kdm::evaluate(d, d.centres());
  std::set<std::pair<double, double>> seen;
  std::vector<double> distance;
  for (index_t k = 0; k < 10; ++k) {
    CHECK(psi(k, k) == 1);
    seen.insert({d.centres()(k, 0), d.centres()(k, 1)});
    bool found = false;
    for (index_t i = 0; i < 50; ++i) found = found || (x(i, 0) == d.centres()(k, 0) && x(i, 1) == d.centres()(k, 1));
    CHECK(found);
    for (index_t l = 0; l < k; ++l)
      distance.push_back(std::hypot(d.centres()(k, 0) - d.centres()(l, 0), d.centres()(k, 1) - d.centres()(l, 1)));
  }
  CHECK(seen.size() == 10);
  std::sort(distance.begin(), distance.end());
  CHECK(d.kernel().width == doctest::Approx(distance[22]));  // the middle of 45
  CHECK(relative_difference(d.centres(), kdm::radial_basis(x, 10, 0, 7).centres()) == 0);
  CHECK(kdm::radial_basis(x, 50, 1, 7).features() == 50);
}

TEST_CASE("dictionary: sums and products and parts and delays are what their names say") {
  const auto x = points(9, 2);
  const auto angle = kdm::of_columns(2, 0, kdm::fourier(1));
  const auto height = kdm::of_columns(2, 1, kdm::monomials(1, 1));
  const auto psi = kdm::evaluate(angle * height + kdm::identity_dictionary(2), x);
  REQUIRE(psi.cols() == 8);
  for (index_t i = 0; i < 9; ++i) {
    const double c = std::cos(x(i, 0)), s = std::sin(x(i, 0)), z = x(i, 1);
    const double expected[] = {1, z, c, c * z, s, s * z, x(i, 0), z};
    for (index_t j = 0; j < 8; ++j) CHECK(psi(i, j) == doctest::Approx(expected[j]).epsilon(1e-14));
  }
  const auto window = kdm::evaluate(kdm::delays(2, kdm::monomials(1, 2)), x);
  REQUIRE(window.cols() == 6);
  CHECK(window(4, 2) == x(4, 0) * x(4, 0));
  CHECK(window(4, 5) == x(4, 1) * x(4, 1));
}

TEST_CASE("dictionary: functions of the user's on doubles and on rows of floats") {
  const auto one = kdm::observables(2, 1, [](const double* x, double* psi) { psi[0] = x[0] * x[1]; });
  static_assert(!kdm::differentiable_dictionary<decltype(one)>);
  int calls = 0;
  const auto encoder = kdm::row_features(2, 1, [&calls](const_view<float> x, view<float> z) {
    ++calls;
    for (index_t i = 0; i < x.rows; ++i) z(i, 0) = x(i, 0) * x(i, 1);
  });
  const auto on_doubles = kdm::row_features(2, 1, [](const_view<double> x, view<double> z) {
    for (index_t i = 0; i < x.rows; ++i) z(i, 0) = x(i, 0) * x(i, 1);
  });
  const auto x = points(5, 2);
  const auto exact = kdm::evaluate(one, x), rounded = kdm::evaluate(encoder, x);
  CHECK(relative_difference(exact, rounded) < 1e-6);
  CHECK(relative_difference(exact, kdm::evaluate(on_doubles, x)) == 0);
  CHECK(calls == 1);
  // As a part of a wider matrix.
  CHECK(relative_difference(kdm::evaluate(kdm::identity_dictionary(2) + encoder, x),
                            kdm::evaluate(kdm::identity_dictionary(2) + one, x)) < 1e-6);
}

TEST_CASE("dictionary: bad sizes and numbers are named") {
  using kdm::option_error, kdm::shape_error, kdm::numeric_error;
  CHECK(message_of<option_error>([] { kdm::monomials(2, -1); }) == "monomials: degree is -1, expected at least 0");
  CHECK(message_of<option_error>([] { kdm::monomials(0, 1); }) == "monomials: inputs is 0, expected at least 1");
  CHECK(message_of<option_error>([] { kdm::monomials({1, 0}, 1); }) == "monomials: a weight is 0, expected at least 1");
  CHECK_THROWS_AS(kdm::monomials(40, 8), option_error);
  CHECK_THROWS_AS(kdm::identity_dictionary(0), option_error);
  CHECK_THROWS_AS(kdm::constant_dictionary(0), option_error);
  CHECK_THROWS_AS(kdm::fourier(-1), option_error);
  CHECK_THROWS_AS(kdm::fourier(1, 0), option_error);
  CHECK_THROWS_AS(kdm::random_fourier(2, 0, 1), option_error);
  CHECK_THROWS_AS(kdm::random_fourier(2, 4, std::nan("")), option_error);
  CHECK_THROWS_AS(kdm::delays(0, kdm::fourier(1)), option_error);
  const auto x = points(4, 2);
  CHECK(message_of<option_error>([&] { kdm::radial_basis(x, 5, 1, 0); }) ==
        "radial_basis: 5 centres, expected 1 to 4, the rows of x");
  CHECK_THROWS_AS(kdm::radial_basis(x, 1, 0, 0), option_error);  // one centre has no distances
  CHECK_THROWS_AS(kdm::radial_basis(matrix<double>(), 1.), shape_error);
  CHECK(message_of<shape_error>([] { kdm::identity_dictionary(2) + kdm::fourier(1); }) ==
        "stacked: inputs of the second dictionary is 1, expected 2");
  CHECK_THROWS_AS(kdm::identity_dictionary(2) * kdm::fourier(1), shape_error);
  CHECK(message_of<shape_error>([] { kdm::of_columns(3, 2, kdm::identity_dictionary(2)); }) ==
        "of_columns: columns 2 to 3 of a state of 3, expected columns it has");
  CHECK(message_of<shape_error>([&] { kdm::evaluate(kdm::monomials(3, 1), x); }) ==
        "dictionary: columns of x is 2, expected 3");
  matrix<double> bad = x;
  bad(2, 1) = INFINITY;
  CHECK(message_of<numeric_error>([&] { kdm::evaluate(kdm::monomials(2, 1), bad); }) ==
        "dictionary: row 2 of x has inf in column 1, expected a finite number");
  bad(2, 1) = 1e200;
  CHECK(message_of<numeric_error>([&] { kdm::evaluate(kdm::monomials(2, 2), bad); }) ==
        "dictionary: row 2 of psi(x) has inf in column 5, expected a finite number");
  CHECK_THROWS_AS(kdm::radial_basis(matrix<double>(const_view<double>(bad)).view().row_range(0, 0), 1.), shape_error);
  CHECK(kdm::evaluate(kdm::monomials(2, 1), const_view<double>(x).row_range(0, 0)).rows() == 0);
}

TEST_CASE("dictionary: numbers of features that wrap are refused at construction") {
  const kdm::index_t largest = std::numeric_limits<kdm::index_t>::max();
  CHECK_THROWS_AS(kdm::fourier{largest}, kdm::shape_error);
  CHECK_THROWS_AS(kdm::fourier{largest / 2 + 1}, kdm::shape_error);
  CHECK_THROWS_AS((void)kdm::random_fourier(1, largest, 1.), kdm::shape_error);
  CHECK_THROWS_AS(kdm::fourier{largest / 2} * kdm::fourier(2), kdm::shape_error);
  CHECK_THROWS_AS(kdm::delays(largest / 2, kdm::fourier(2)), kdm::shape_error);
  CHECK_THROWS_AS((void)kdm::monomials(largest, 1), std::bad_alloc);
  // A weight beyond what is left of the degree adds to no monomial: the sum of both would wrap.
  CHECK(kdm::monomials(std::vector<kdm::index_t>{largest, 1}, 3).features() == 4);
}

}  // namespace test_dictionary
