// The one-step sampler against its parts run by hand.
#include "kdm/koopman/generator.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include "koopman/models.hpp"

namespace {

using namespace kdm_test;
using kdm::generator;
using kdm::reference_backend;
using kdm::shape_error;

template <class B, class L>
auto run(const L& l, const_view<kdm::value_t<B>> w, const matrix<kdm::value_t<B>>& x) {
  return kdm::runner<L, B>(l, w)(x.view());
}

/// Are these the rows first, first + 1, ... of the whole?
template <class T>
bool same_rows(const matrix<T>& part, const matrix<T>& whole, index_t first = 0, double tolerance = 0) {
  const matrix<T> rows(whole.view().row_range(first, part.rows()));
  return relative_difference(part, rows) <= tolerance;
}

template <class B>
void check_push(double tolerance) {
  using T = kdm::value_t<B>;
  const auto model = small_model();
  const auto w = some_weights<T>(model);
  const const_view<T> v = w.view();
  for (index_t n : {0, 1, 5, 256, 300}) {
    CAPTURE(n);
    const auto x = random_matrix<T>(n, 3, 7);
    const auto zT = run<B>(model.encoder_noise, model.noise_weights(v), x);
    const auto z0 = run<B>(model.koopman, model.operator_weights(v), zT);
    const auto expected = run<B>(model.decoder, model.decoder_weights(v), z0);
    generator<decltype(model), B> whole(model, v), front(model, v.col_range(0, model.step().size()));
    CHECK(relative_difference(whole.push(x.view()), expected) <= tolerance);
    CHECK(relative_difference(front.push(x.view()), whole.push(x.view())) == 0);
    matrix<T> into(n, 2);
    whole.push(x.view(), into.view());
    CHECK(relative_difference(into, expected) <= tolerance);
  }
}

TEST_CASE("generator: a push is encoder then operator then decoder") {
  SUBCASE("reference double") { check_push<reference_backend<double>>(0); }
  SUBCASE("reference float") { check_push<reference_backend<float>>(0); }
#if defined(EIGEN_DONT_PARALLELIZE)
  SUBCASE("eigen double") { check_push<kdm::eigen_backend<double>>(1e-14); }
  SUBCASE("eigen float") { check_push<kdm::eigen_backend<float>>(1e-6); }
#endif
}

/// Eigen's product sums in another order where the rows are no multiple of four: hence its tolerance.
template <class B>
void check_prefix(double tolerance) {
  using T = kdm::value_t<B>;
  const auto model = small_model(true, 3, 2, 20, 33);
  const auto w = some_weights<T>(model);
  generator<decltype(model), B> g(model, w.view(), 2.5);
  const auto many = g.sample(700, 11);
  for (index_t n : {0, 1, 2, 3, 4, 5, 7, 10, 255, 256, 257, 699}) {
    CAPTURE(n);
    CHECK(same_rows(g.sample(n, 11), many, 0, tolerance));
  }
  CHECK(!same_rows(g.sample(5, 12), many));
}

TEST_CASE("generator: sample i depends on the seed and i alone") {
  SUBCASE("reference double") { check_prefix<reference_backend<double>>(0); }
  SUBCASE("reference float") { check_prefix<reference_backend<float>>(0); }
#if defined(EIGEN_DONT_PARALLELIZE)
  SUBCASE("eigen double") { check_prefix<kdm::eigen_backend<double>>(1e-14); }
  SUBCASE("eigen float") { check_prefix<kdm::eigen_backend<float>>(1e-6); }
#endif
}

TEST_CASE("generator: samples are pushed noise and can be drawn in parts") {
  const auto model = small_model();
  const auto w = some_weights<double>(model);
  generator<decltype(model), reference_backend<double>> g(model, w.view(), 2.5);
  const auto all = g.sample(1000, 11);
  CHECK(relative_difference(all, g.push(g.noise(1000, 11).view())) == 0);
  matrix<double> part(300, 4);  // rows with a gap
  g.sample(11, 650, part.view().col_range(1, 2));
  CHECK(same_rows(matrix<double>(part.view().col_range(1, 2)), all, 650));
  CHECK(part(0, 0) == 0);
  CHECK(part(299, 3) == 0);
}

TEST_CASE("generator: the prior is the scaled normal table of the seed") {
  const auto model = small_model();
  const auto w = some_weights<double>(model);
  const generator<decltype(model), reference_backend<double>> g(model, w.view(), 80), unit(model, w.view());
  CHECK(g.prior().scale == 80);
  CHECK(unit.prior().scale == 1);
  CHECK(g.noise_dimension() == 3);
  CHECK(g.data_dimension() == 2);
  const auto x = g.noise(5000, 3);
  const kdm::random_table table{3, kdm::streams::prior};
  double sum = 0, square = 0;
  for (index_t i = 0; i < x.rows(); ++i)
    for (index_t j = 0; j < 3; ++j) {
      if (std::abs(x(i, j) - 80 * table.normal<double>(i, j)) > 1e-11) FAIL("row " << i << " differs");
      sum += x(i, j), square += x(i, j) * x(i, j);
    }
  CHECK(std::abs(sum / 15000) < 4 * 80 / std::sqrt(15000.));
  CHECK(std::sqrt(square / 15000) == doctest::Approx(80).epsilon(0.03));
  CHECK(same_rows(g.noise(500, 3, 4500), x, 4500));
  CHECK(same_rows(g.noise(10, 3, 17), x, 17));
  auto scaled = unit.noise(20, 3);
  for (index_t k = 0; k < scaled.size(); ++k) scaled.data()[k] *= 80;
  CHECK(relative_difference(scaled, g.noise(20, 3)) < 1e-15);
}

/// mean + L e, written out.
matrix<double> noise_by_hand(const matrix<double>& mean, const matrix<double>& l, index_t n, std::uint64_t seed) {
  const kdm::random_table table{seed, kdm::streams::prior};
  matrix<double> x(n, 3);
  for (index_t i = 0; i < n; ++i)
    for (index_t j = 0; j < 3; ++j) {
      x(i, j) = mean(0, j);
      for (index_t k = 0; k < 3; ++k) x(i, j) += l(j, k) * table.normal<double>(i, k);
    }
  return x;
}

TEST_CASE("generator: a prior of mean and deviations or of a covariance") {
  const auto model = small_model();
  const auto w = some_weights<double>(model);
  matrix<double> mean(1, 3), deviations(1, 3), diagonal(3, 3), triangle(3, 3);
  for (index_t i = 0; i < 3; ++i) {
    mean(0, i) = 3 - 2. * double(i), diagonal(i, i) = deviations(0, i) = 1 + 40. * double(i);
    for (index_t j = 0; j <= i; ++j) triangle(i, j) = 1 + double(i) - 2. * double(j);
  }
  triangle(1, 1) = 0.5, triangle(2, 2) = 0.25;
  using sampler = generator<decltype(model), reference_backend<double>>;
  const auto check = [&](const kdm::normal_prior& prior, const matrix<double>& l) {
    sampler g(model, w.view(), prior);
    const auto expected = noise_by_hand(prior.mean.size() > 0 ? mean : matrix<double>(1, 3), l, 200, 9);
    CHECK(relative_difference(g.noise(200, 9), expected) < 1e-15);
    CHECK(relative_difference(g.sample(200, 9), g.push(expected.view())) < 1e-13);
    // In parts, and beyond the rows that are made at a time.
    const auto many = g.sample(20000, 9);
    matrix<double> part(5, 2);
    g.sample(9, 16382, part);
    CHECK(same_rows(part, many, 16382));
  };
  check({mean, deviations}, diagonal);
  check({mean, triangle}, triangle);
  check({matrix<double>(), triangle}, triangle);
  kdm::normal_prior shifted(2.5);
  shifted.mean = mean;
  matrix<double> scaled(3, 3);
  for (index_t i = 0; i < 3; ++i) scaled(i, i) = 2.5;
  check(shifted, scaled);
}

TEST_CASE("generator: a prior that cannot be drawn from is refused") {
  const auto model = small_model();
  const auto w = some_weights<float>(model);
  using sampler = generator<decltype(model), reference_backend<float>>;
  const auto message = [&](const kdm::normal_prior& prior) {
    return message_of<kdm::error>([&] { sampler(model, w.view(), prior); });
  };
  for (const double bad : {0., -1., double(NAN), double(INFINITY), 1e300, 1e-300}) {
    CHECK(message(bad) == kdm::concat("generator: the prior's scale is ", bad, ", expected a finite number above 0"));
    matrix<double> deviations(1, 3), triangle(3, 3);
    for (index_t i = 0; i < 3; ++i) deviations(0, i) = triangle(i, i) = 1;
    deviations(0, 1) = triangle(1, 1) = bad;
    const std::string words =
        kdm::concat("generator: the prior's deviation of column 1 is ", bad, ", expected a finite number above 0");
    CHECK(message({matrix<double>(), deviations}) == words);
    CHECK(message({matrix<double>(), triangle}) == words);
  }
  matrix<double> mean(1, 3), factor(3, 3);
  mean(0, 2) = NAN;
  CHECK(message({mean, factor}) == "generator: the prior's mean of column 2 is nan, expected a finite number");
  for (index_t i = 0; i < 3; ++i) factor(i, i) = 1;
  factor(0, 2) = 1;
  CHECK(message({matrix<double>(1, 3), factor}) ==
        "generator: the prior's factor at row 0, column 2 is 1, expected 0, above the diagonal");
  CHECK(message({matrix<double>(1, 2), factor}) == "generator: the prior's mean is 1 x 2, expected 1 x 3");
  CHECK(message({matrix<double>(1, 3), matrix<double>(2, 3)}) ==
        "generator: the prior's factor is 2 x 3, expected 1 x 3 or 3 x 3");

  sampler unknown(model, w.view(), kdm::normal_prior::unknown());
  const std::string words = "generator: the noise is of no known distribution: push noise, expected a normal prior";
  CHECK(message_of<kdm::option_error>([&] { unknown.sample(3, 1); }) == words);
  CHECK(message_of<kdm::option_error>([&] { unknown.noise(3, 1); }) == words);
  CHECK(unknown.push(matrix<float>(4, 3).view()).rows() == 4);
}

TEST_CASE("generator: what does not fit is named") {
  const auto model = small_model();
  const auto w = some_weights<double>(model);
  using sampler = generator<decltype(model), reference_backend<double>>;
  const index_t size = model.size();
  CHECK(message_of<shape_error>([&] { sampler(model, w.view().col_range(0, size - 1)); }) ==
        kdm::concat("generator: number of weights is ", size - 1, ", expected ", size));
  CHECK(message_of<shape_error>([&] { sampler(model, w.view().reshaped(size, 1)); }) ==
        kdm::concat("generator: rows of the weights is ", size, ", expected 1"));
  sampler g(model, w.view());
  CHECK(message_of<shape_error>([&] { g.push(matrix<double>(4, 2).view()); }) ==
        "runner: columns of x is 2, expected 3");
  const matrix<double> x(4, 3);
  matrix<double> narrow(4, 1), low(3, 2);
  CHECK(message_of<shape_error>([&] { g.push(x.view(), narrow.view()); }) == "runner: columns of y is 1, expected 2");
  CHECK(message_of<shape_error>([&] { g.push(x.view(), low.view()); }) == "runner: rows of y is 3, expected 4");
  CHECK(message_of<shape_error>([&] { g.sample(-1, 1); }) == "matrix: cannot hold -1 x 2 elements");
}

}  // namespace
