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
  CHECK(g.prior_scale() == 80);
  CHECK(unit.prior_scale() == 1);
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
