// Values, names and errors of the layers and combinators.
#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "backend/six_clauses.hpp"
#include "kdm/backend/reference.hpp"
#include "kdm/nn/chain.hpp"
#include "kdm/nn/dense.hpp"
#include "kdm/nn/initialize.hpp"
#include "kdm/nn/residual.hpp"
#include "kdm/nn/runner.hpp"
#include "kdm/nn/summary.hpp"
#include "support.hpp"

using kdm::dense_layer;
using kdm::index_t;
using kdm::matrix;
using kdm_test::message_of;
using kdm_test::relative_difference;
namespace activations = kdm::activations;

namespace {

template <class T>
matrix<T> matrix_of(index_t rows, index_t cols, const std::vector<double>& values) {
  matrix<T> m(rows, cols);
  for (index_t k = 0; k < m.size(); ++k) m.data()[k] = T(values[std::size_t(k)]);
  return m;
}

template <class L, class T>
matrix<T> value_of(const L& l, const matrix<T>& w, const matrix<T>& x) {
  kdm::runner run(l, w.view(), kdm::reference_backend<T>{});
  return run(x.view());
}

/// y, dw and dx through a training frame; dw starts at `dw_before`, dx at one.
template <class T>
struct trained {
  matrix<T> y, dw, dx;
};
template <class L, class T>
trained<T> train(const L& l, const matrix<T>& w, const matrix<T>& x, matrix<T> dy, T keep, bool want_dx = true,
                 index_t planned_rows = 0) {
  using B = kdm::reference_backend<T>;
  B b;
  kdm::arena<B> memory(b);
  const index_t n = planned_rows ? planned_rows : x.rows();
  auto frame = kdm::planned(memory, [&](kdm::arena<B>& a) { return l.plan(a, n, kdm::pass::training); });
  trained<T> r{matrix<T>(x.rows(), l.outputs()), matrix<T>(1, l.size()), matrix<T>(x.rows(), l.inputs())};
  for (index_t k = 0; k < r.dx.size(); ++k) r.dx.data()[k] = 1;
  l.forward(b, w, x, r.y, frame);
  l.backward(b, w, r.dw, x, r.y, dy, want_dx ? r.dx.view() : kdm::view<T>{}, keep, frame);
  return r;
}

template <class L>
std::vector<std::string> names_of(const L& l, std::string_view prefix = "") {
  std::vector<std::string> names;
  for (const auto& e : kdm::manifest_of(l, prefix)) names.push_back(e.name);
  return names;
}

}  // namespace

TEST_CASE_TEMPLATE("dense against numbers computed by hand", T, float, double) {
  // W = [1 2; 3 4; 5 6], c = [0.5 -1 2], x = [1 -1; 2 0.5]
  const dense_layer l(2, 3);
  const auto w = matrix_of<T>(1, 9, {1, 2, 3, 4, 5, 6, 0.5, -1, 2});
  const auto x = matrix_of<T>(2, 2, {1, -1, 2, 0.5});
  CHECK(relative_difference(value_of(l, w, x), matrix_of<T>(2, 3, {-0.5, -2, 1, 3.5, 7, 15})) == 0);

  // dy = [1 0 -1; 2 1 0]: dW = dy' x, dc = column sums, dx = dy W.
  const auto r = train(l, w, x, matrix_of<T>(2, 3, {1, 0, -1, 2, 1, 0}), T(0));
  CHECK(relative_difference(r.dw, matrix_of<T>(1, 9, {5, 0, 2, 0.5, -1, 1, 3, 1, -1})) == 0);
  CHECK(relative_difference(r.dx, matrix_of<T>(2, 2, {-4, -4, 5, 8})) == 0);
  const auto kept = train(l, w, x, matrix_of<T>(2, 3, {1, 0, -1, 2, 1, 0}), T(2));
  CHECK(relative_difference(kept.dx, matrix_of<T>(2, 2, {-2, -2, 7, 10})) == 0);
}

TEST_CASE("a null dx is not written and changes no weight gradient") {
  const kdm::sequential net{dense_layer(2, 4, activations::tanh{}), kdm::residual(dense_layer(4, 4)),
                            dense_layer(4, 3)};
  const auto w = kdm::initial_weights<double>(kdm::manifest_of(net), 1);
  const auto x = kdm_test::random_matrix<double>(5, 2, 1), dy = kdm_test::random_matrix<double>(5, 3, 2);
  const auto with = train(net, w, x, dy, 0.), without = train(net, w, x, dy, 0., false);
  CHECK(relative_difference(with.dw, without.dw) == 0);
  const kdm::residual single(dense_layer(2, 2, activations::silu{}));
  const auto ws = kdm::initial_weights<double>(kdm::manifest_of(single), 1);
  const auto dys = kdm_test::random_matrix<double>(5, 2, 2);
  CHECK(relative_difference(train(single, ws, x, dys, 0.).dw, train(single, ws, x, dys, 0., false).dw) == 0);
}

TEST_CASE("fewer rows than planned give the same numbers") {
  const kdm::sequential net{dense_layer(2, 4, activations::tanh{}),
                            kdm::residual(dense_layer(4, 4, activations::silu{})), dense_layer(4, 3)};
  const auto w = kdm::initial_weights<double>(kdm::manifest_of(net), 1);
  const auto x = kdm_test::random_matrix<double>(5, 2, 1), dy = kdm_test::random_matrix<double>(5, 3, 2);
  const auto exact = train(net, w, x, dy, 0.5), roomy = train(net, w, x, dy, 0.5, true, 64);
  CHECK(relative_difference(exact.y, roomy.y) == 0);
  CHECK(relative_difference(exact.dw, roomy.dw) == 0);
  CHECK(relative_difference(exact.dx, roomy.dx) == 0);
}

TEST_CASE("dense without bias has no bias weights") {
  const dense_layer l(2, 1, activations::identity{}, false);
  CHECK(l.size() == 2);
  CHECK_FALSE(l.has_bias());
  const auto y = value_of(l, matrix_of<double>(1, 2, {3, -1}), matrix_of<double>(1, 2, {2, 5}));
  CHECK(y(0, 0) == 1);
}

TEST_CASE("dense applies its activation to every element") {
  const auto w = matrix_of<double>(1, 2, {2, -1});
  const auto x = matrix_of<double>(5, 1, {-2, -0.3, 0.5, 0.9, 3});
  const auto check = [&](auto act, auto f) {
    const auto y = value_of(dense_layer(1, 1, act), w, x);
    for (index_t i = 0; i < 5; ++i) CHECK(y(i, 0) == doctest::Approx(f(2 * x(i, 0) - 1)).epsilon(1e-14));
  };
  check(activations::identity{}, [](double z) { return z; });
  check(activations::relu{}, [](double z) { return std::max(z, 0.); });
  check(activations::leaky_relu{0.2}, [](double z) { return z > 0 ? z : 0.2 * z; });
  check(activations::tanh{}, [](double z) { return std::tanh(z); });
  check(activations::sigmoid{}, [](double z) { return 1 / (1 + std::exp(-z)); });
  check(activations::silu{}, [](double z) { return z / (1 + std::exp(-z)); });
  check(activations::gelu{}, [](double z) { return 0.5 * z * std::erfc(-z / std::sqrt(2.)); });
}

TEST_CASE("sequential and stack compute the same bits") {
  using layer_t = dense_layer<activations::silu>;
  const kdm::sequential a{layer_t(3, 7), layer_t(7, 5), layer_t(5, 5), layer_t(5, 2)};
  const kdm::stack b(std::vector<layer_t>{layer_t(3, 7), layer_t(7, 5), layer_t(5, 5), layer_t(5, 2)});
  CHECK(a.inputs() == 3);
  CHECK(b.inputs() == 3);
  CHECK(a.outputs() == 2);
  CHECK(b.outputs() == 2);
  CHECK(a.size() == b.size());
  CHECK(a.size() == 28 + 40 + 30 + 12);
  CHECK(names_of(a) == names_of(b));
  const auto w = kdm::initial_weights<float>(kdm::manifest_of(a), 3);
  const auto x = kdm_test::random_matrix<float>(9, 3, 1), dy = kdm_test::random_matrix<float>(9, 2, 2);
  CHECK(relative_difference(value_of(a, w, x), value_of(b, w, x)) == 0);
  const auto ra = train(a, w, x, dy, 0.5f), rb = train(b, w, x, dy, 0.5f);
  CHECK(relative_difference(ra.dw, rb.dw) == 0);
  CHECK(relative_difference(ra.dx, rb.dx) == 0);
  CHECK(relative_difference(ra.y, value_of(a, w, x)) == 0);
}

TEST_CASE("sequential is its layers one after the other") {
  const dense_layer first(3, 4, activations::tanh{});
  const dense_layer second(4, 2, activations::gelu{});
  const kdm::sequential net{first, second};
  const auto w = kdm::initial_weights<double>(kdm::manifest_of(net), 5);
  const auto x = kdm_test::random_matrix<double>(6, 3, 1);
  const matrix<double> w1(kdm::const_view<double>(w.view().col_range(0, first.size())));
  const matrix<double> w2(kdm::const_view<double>(w.view().col_range(first.size(), second.size())));
  CHECK(relative_difference(value_of(net, w, x), value_of(second, w2, value_of(first, w1, x))) == 0);

  const kdm::sequential<dense_layer<activations::tanh>> single(first);
  CHECK(relative_difference(value_of(single, w1, x), value_of(first, w1, x)) == 0);
}

TEST_CASE("residual adds its input") {
  const dense_layer inner(3, 3, activations::tanh{});
  const kdm::residual l(inner);
  CHECK(l.size() == inner.size());
  const auto w = kdm::initial_weights<double>(kdm::manifest_of(l), 5);
  const auto x = kdm_test::random_matrix<double>(6, 3, 1);
  const auto y = value_of(l, w, x), fx = value_of(inner, w, x);
  for (index_t k = 0; k < y.size(); ++k) CHECK(y.data()[k] == x.data()[k] + fx.data()[k]);
}

TEST_CASE("tensors are named as in a PyTorch state dict") {
  using strings = std::vector<std::string>;
  CHECK(names_of(dense_layer(2, 3)) == strings{"weight", "bias"});
  CHECK(names_of(dense_layer(2, 3, activations::silu{}, false), "C") == strings{"C.weight"});
  const kdm::sequential net{dense_layer(2, 4), kdm::residual(dense_layer(4, 4)),
                            kdm::sequential{dense_layer(4, 4), dense_layer(4, 2)}};
  CHECK(names_of(net, "decoder") ==
        strings{"decoder.0.weight", "decoder.0.bias", "decoder.1.weight", "decoder.1.bias", "decoder.2.0.weight",
                "decoder.2.0.bias", "decoder.2.1.weight", "decoder.2.1.bias"});
  const auto m = kdm::manifest_of(net);
  CHECK(m.size() == net.size());
  CHECK(m.find("0.weight").rows == 4);
  CHECK(m.find("0.weight").cols == 2);
  CHECK(m.find("0.bias").rows == 1);
  CHECK(m.find("0.bias").fan_in == 2);
}

TEST_CASE("sizes that do not meet are named") {
  CHECK(message_of<kdm::shape_error>([] { dense_layer(0, 3); }) ==
        "dense_layer: 0 inputs and 3 outputs, expected at least 1 of each");
  const auto mismatched = [] { kdm::sequential{dense_layer(2, 3), dense_layer(3, 4), dense_layer(5, 1)}; };
  CHECK(message_of<kdm::shape_error>(mismatched) == "sequential: layer 1 has 4 outputs, layer 2 expects 5");
  CHECK(message_of<kdm::shape_error>([] { kdm::stack(std::vector{dense_layer(2, 3), dense_layer(2, 3)}); }) ==
        "stack: layer 0 has 3 outputs, layer 1 expects 2");
  CHECK(message_of<kdm::shape_error>([] { kdm::stack(std::vector<dense_layer<>>{}); }) ==
        "stack: no layers, expected at least 1");
  CHECK(message_of<kdm::shape_error>([] { kdm::residual(dense_layer(2, 3)); }) ==
        "residual: outputs of the inner layer is 3, expected 2");
}

TEST_CASE("an inference frame keeps no slopes") {
  using B = kdm::reference_backend<double>;
  const kdm::sequential net{dense_layer(2, 64, activations::silu{}), dense_layer(64, 64, activations::silu{}),
                            dense_layer(64, 64, activations::silu{}), dense_layer(64, 2)};
  const auto bytes = [&](kdm::pass p) {
    kdm::arena<B> memory(B{});
    (void)net.plan(memory, 100, p);
    return memory.bytes();
  };
  // Two buffers of 100 x 64 travel; training adds three slopes and three intermediate values.
  CHECK(bytes(kdm::pass::inference) == 2 * 100 * 64 * 8);
  CHECK(bytes(kdm::pass::training) == 8 * 100 * 64 * 8);
}

TEST_CASE("the summary lists every tensor and the total") {
  const auto table = kdm::summary<float>(kdm::sequential{dense_layer(2, 64), dense_layer(64, 2)});
  CHECK(table ==
        "tensor           shape     weights         bytes\n"
        "0.weight        64 x 2         128           512\n"
        "0.bias          1 x 64          64           256\n"
        "1.weight        2 x 64         128           512\n"
        "1.bias           1 x 2           2             8\n"
        "total                          322          1288\n");
}
