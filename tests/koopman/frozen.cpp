// Frozen students against the generator, which runs the parts one after the other.
#include "kdm/koopman/frozen.hpp"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "heap_allocations.hpp"
#include "kdm/koopman/block_diagonal_operator.hpp"
#include "kdm/koopman/freeze.hpp"
#include "kdm/koopman/generator.hpp"
#include "kdm/koopman/low_rank_operator.hpp"
#include "kdm/koopman/orthogonal_operator.hpp"
#include "kdm/nn/residual.hpp"
#include "koopman/models.hpp"

namespace {

using namespace kdm_test;
using kdm::compiled_student;
using kdm::dense_layer;
using kdm::freeze;
using kdm::frozen_layer;
using kdm::frozen_model;
using kdm::frozen_parts;
using kdm::generator;
using kdm::option_error;
using kdm::reference_backend;
using kdm::shape_error;
namespace act = kdm::activations;

/// An activation of the user, which the library does not know.
struct bend {
  static constexpr const char* name = "bend";
  template <class T>
  constexpr kdm::activated<T> operator()(T z) const {
    return {z / (T(2) + z * z), T(0)};
  }
};

/// The same maps on both sides of `op`, with every activation of the library somewhere.
template <class Operator>
auto model_around(Operator op, index_t noise, index_t data, index_t hidden, bool bias = true) {
  const index_t latent = op.latent();
  return kdm::koopman_model{
      kdm::sequential{dense_layer(noise, hidden, act::silu{}),
                      kdm::stack(std::vector(2, dense_layer(hidden, hidden, act::tanh{}, bias))),
                      kdm::sequential{dense_layer(hidden, hidden, act::relu{}),
                                      dense_layer(hidden, latent, act::gelu{})}},
      dense_layer(data, latent), op,
      kdm::sequential{dense_layer(latent, hidden, act::sigmoid{}, bias),
                      dense_layer(hidden, hidden, act::leaky_relu{0.2}),
                      dense_layer(hidden, data, act::identity{}, bias)}};
}

/// Samples of the frozen model against those of the generator.
template <class T, class... Own, class Model>
void check_samples(const Model& model, double tolerance, index_t layers) {
  const auto w = some_weights<T>(model);
  generator<Model, reference_backend<T>> expected(model, w.view(), 2.5);
  frozen_model<T, Own...> frozen(freeze(model, w.view(), 2.5));
  CHECK(frozen.layers() == layers);
  CHECK(frozen.noise_dimension() == model.noise_dimension());
  CHECK(frozen.data_dimension() == model.data_dimension());
  CHECK(frozen.prior().scale == 2.5);
  matrix<T> x(1000, model.data_dimension()), y(1000, model.data_dimension());
  expected.sample(11, 5, x);
  frozen.sample(11, 5, y);
  CHECK(relative_difference(y, x) < tolerance);
  const auto noise = expected.noise(1000, 11, 5);
  frozen.push(noise, x);
  CHECK(relative_difference(x, y) == 0);
}

template <class T>
void check_operators(double tolerance) {
  for (index_t hidden : {1, 7, 33, 64}) {
    CAPTURE(hidden);
    check_samples<T>(model_around(kdm::linear_operator(5), 3, 2, hidden), tolerance, 8);
    check_samples<T>(model_around(kdm::linear_operator(70, false), 2, 17, hidden, false), tolerance, 8);
  }
  check_samples<T>(model_around(kdm::block_diagonal_operator(6), 3, 2, 9), tolerance, 8);
  check_samples<T>(model_around(kdm::low_rank_operator(6, 2), 3, 2, 9), tolerance, 8);
  check_samples<T>(model_around(kdm::orthogonal_operator(6), 3, 2, 9), tolerance, 8);
}

TEST_CASE("frozen_model: samples are those of the generator") {
  SUBCASE("double") { check_operators<double>(1e-13); }
  SUBCASE("float") { check_operators<float>(1e-5); }
}

TEST_CASE("frozen_model: every layer without activation is folded where that saves work") {
  // Linear parts alone: nothing but one matrix remains.
  check_samples<double>(linear_model(3, 2, 40), 1e-13, 1);
  // 7 -> 5 -> 5 -> 7: the encoder's last layer and the operator disappear.
  check_samples<double>(small_model(), 1e-13, 4);
  // 50 -> 2 -> 2 -> 50: the operator disappears, the bottleneck stays.
  check_samples<double>(small_model(true, 3, 2, 2, 50), 1e-13, 5);
}

TEST_CASE("frozen_model: samples of any prior are those of the generator") {
  const auto model = model_around(kdm::linear_operator(5), 3, 2, 9);
  const auto w = some_weights<double>(model);
  matrix<double> mean(1, 3), deviations(1, 3), triangle(3, 3);
  for (index_t i = 0; i < 3; ++i) {
    mean(0, i) = 1 - double(i), deviations(0, i) = 1. / (1 + double(i));
    for (index_t j = 0; j <= i; ++j) triangle(i, j) = 1 - 0.3 * double(j);
  }
  static constexpr double constant_mean[] = {1, 0, -1}, constant_triangle[] = {1, 0, 0, 1, 0.7, 0, 1, 0.7, 0.4};
  for (const auto& factor : {matrix<double>(), deviations, triangle}) {
    const kdm::normal_prior prior(mean, factor);
    generator<decltype(model), reference_backend<double>> expected(model, w.view(), prior);
    const auto parts = freeze(model, w.view(), prior);
    matrix<double> x(1000, 2), y(1000, 2);
    expected.sample(11, 5, x);
    frozen_model<double>(parts).sample(11, 5, y);
    CHECK(relative_difference(y, x) < 1e-13);
    if (factor.rows() != 3) continue;
    const matrix<float> narrow(parts.weights.view());
    const compiled_student constant{parts.layers, std::span(narrow.data(), std::size_t(narrow.size())), 1, constant_mean,
                                    constant_triangle};
    frozen_model<double>(constant).sample(11, 5, y);
    CHECK(relative_difference(y, x) < 1e-5);
  }
  CHECK(message_of<option_error>([&] {
          frozen_model<double>(freeze(model, w.view(), {matrix<double>(), matrix<double>(1, 3)}));
        }) == "frozen_model: the prior's deviation of column 0 is 0, expected a finite number above 0");
}

TEST_CASE("frozen_model: an activation of the user is found by its name") {
  const kdm::koopman_model model{dense_layer(3, 6, bend{}), dense_layer(2, 6), kdm::linear_operator(6),
                                 kdm::sequential{dense_layer(6, 8, act::silu{}), dense_layer(8, 2, bend{})}};
  check_samples<double, bend>(model, 1e-13, 3);
  const auto w = some_weights<double>(model);
  CHECK(message_of<option_error>([&] { frozen_model<double> m(freeze(model, w.view())); }) ==
        "frozen_model: layer 0 has the unknown activation 'bend'");
}

TEST_CASE("frozen_model: only the weights of sampling are needed and the bits are the same") {
  const auto model = small_model();
  const auto w = some_weights<float>(model);
  const auto whole = freeze(model, w.view()), front = freeze(model, w.view().col_range(0, model.step().size()));
  CHECK(relative_difference(whole.weights, front.weights) == 0);
  CHECK(message_of<shape_error>([&] { freeze(model, w.view().col_range(0, 9)); }) ==
        kdm::concat("freeze: number of weights is 9, expected ", model.size()));
}

template <class T>
void check_rows(index_t hidden) {
  const auto model = model_around(kdm::linear_operator(hidden + 3), 3, 2, hidden);
  const auto w = some_weights<T>(model);
  frozen_model m(freeze(model, w.view()));
  const auto x = random_matrix<T>(1000, 3, 4);
  matrix<T> all(1000, 2);
  m.push(x, all);
  for (index_t n : {0, 1, 2, 3, 4, 5, 6, 7, 11, 12, 13, 17, 29, 999}) {
    CAPTURE(n);
    matrix<T> some(n + 1, 5), rows(n, 2);
    m.push(x.view().row_range(1000 - n, n), some.view().col_range(2, 2).row_range(0, n));  // rows with gaps
    for (index_t i = 0; i < n; ++i)
      for (index_t j = 0; j < 2; ++j) rows(i, j) = some(i, j + 2);
    CHECK(relative_difference(rows, matrix<T>(all.view().row_range(1000 - n, n))) == 0);
    for (index_t i = 0; i <= n; ++i) CHECK((some(i, 0) == 0 && some(i, 1) == 0 && some(i, 4) == 0));
    CHECK(some(n, 2) == 0);
    m.sample(3, 40, all.view().row_range(0, n));
    m.sample(3, 39, rows);
    if (n > 1) {
      const matrix<T> here(all.view().row_range(0, n - 1)), there(rows.view().row_range(1, n - 1));
      CHECK(relative_difference(here, there) == 0);
    }
    m.push(x, all);
  }
}

TEST_CASE("frozen_model: a row has the same bits in any company") {
  for (index_t hidden : {3, 17, 40, 130}) {
    CAPTURE(hidden);
    check_rows<float>(hidden);
    check_rows<double>(hidden);
  }
}

TEST_CASE("frozen_model: what a constant holds is the same model") {
  static constexpr frozen_layer layers[] = {{2, 3, "relu"}, {3, 1}};
  static constexpr float weights[] = {1, 0, 0, 1, 1, 1, 0, 0, -1, 2, -3, 5, 0.5f};
  constexpr compiled_student constant{layers, weights, 4};
  const frozen_model<float> m(constant);
  auto memory = m.make_workspace();
  matrix<float> x(2, 2), y(2, 1);
  x(0, 0) = 3, x(0, 1) = -1, x(1, 0) = 0.25f, x(1, 1) = 2;
  m.push(x, y, memory);
  CHECK(y(0, 0) == 2 * 3 + 5 * (3 - 1 - 1) + 0.5f);
  CHECK(y(1, 0) == 2 * 0.25f - 3 * 2 + 5 * (0.25f + 2 - 1) + 0.5f);
  CHECK(m.prior().scale == 4);
  CHECK(m.size() == 13);
}

TEST_CASE("frozen_model: the block begins on a cache line and pushes promise not to throw") {
  using model = frozen_model<float>;
  using kdm::view;
  static_assert(noexcept(std::declval<model&>().push(const_view<float>{}, view<float>{})));
  static_assert(noexcept(std::declval<model&>().sample(1, 0, view<float>{})));
  static_assert(noexcept(std::declval<const model&>().push(const_view<float>{}, view<float>{},
                                                           std::declval<model::workspace&>())));
  static_assert(noexcept(std::declval<const model&>().sample(1, 0, view<float>{}, std::declval<model::workspace&>())));
  const auto small = small_model();
  const auto w = some_weights<float>(small);
  const model m(freeze(small, w.view()));
  CHECK(m.bytes() % index_t(kdm::alignment) == 0);
  CHECK(m.bytes() >= m.size() * index_t(sizeof(float)));
}

#if defined(__GLIBC__) && !defined(KDM_TEST_HEAP_IS_TAKEN)
TEST_CASE("frozen_model: push and sample allocate nothing") {
  const auto model = small_model();
  const auto w = some_weights<float>(model);
  frozen_model m(freeze(model, w.view()));
  auto memory = m.make_workspace();
  const auto x = random_matrix<float>(3000, 3, 4);
  matrix<float> y(3000, 2);
  const long before = heap_allocations;
  for (index_t n : {0, 1, 7, 3000}) {
    m.push(x.view().row_range(0, n), y.view().row_range(0, n));
    std::as_const(m).push(x.view().row_range(0, n), y.view().row_range(0, n), memory);
    m.sample(1, 0, y.view().row_range(0, n));
    std::as_const(m).sample(1, 0, y.view().row_range(0, n), memory);
  }
  CHECK(heap_allocations == before);
  { const auto another = m.make_workspace(); }
  CHECK(heap_allocations > before);
}
#endif

TEST_CASE("frozen_model: threads share one model") {
  const auto model = small_model(true, 3, 2, 20, 33);
  const auto w = some_weights<float>(model);
  const frozen_model m(freeze(model, w.view()));
  matrix<float> expected(4000, 2), x(4000, 2);
  auto memory = m.make_workspace();
  m.sample(9, 0, expected, memory);
  std::vector<std::thread> threads;
  for (index_t k = 0; k < 4; ++k)
    threads.emplace_back([&m, &x, k] {
      auto own = m.make_workspace();
      for (index_t i = 1000 * k; i < 1000 * (k + 1); i += 100) m.sample(9, i, x.view().row_range(i, 100), own);
    });
  for (auto& t : threads) t.join();
  CHECK(relative_difference(x, expected) == 0);
}

TEST_CASE("frozen_model: copies and moves sample on their own") {
  const auto model = small_model();
  const auto w = some_weights<double>(model);
  frozen_model m(freeze(model, w.view()));
  matrix<double> x(20, 2), y(20, 2);
  m.sample(1, 0, x);
  frozen_model copy = m;
  frozen_model moved = std::move(m);
  for (auto* other : {&copy, &moved}) {
    other->sample(1, 0, y);
    CHECK(relative_difference(y, x) == 0);
  }
}

TEST_CASE("frozen_model: what is not finite comes out and denormals are flushed") {
  const frozen_layer layers[] = {{1, 20, "silu"}, {20, 20}};
  frozen_parts<float> parts{{layers, layers + 2}, matrix<float>(1, 40 + 420), 1};
  // The first layer's matrix and bias are 1; the second would make the denormals of the first visible.
  std::fill_n(parts.weights.data(), 40, 1.f);
  std::fill_n(parts.weights.data() + 40, 400, 1e30f);
  frozen_model m(parts);
  matrix<float> x(3, 1), y(3, 20);
  x(0, 0) = std::numeric_limits<float>::quiet_NaN(), x(1, 0) = std::numeric_limits<float>::infinity(), x(2, 0) = -95;
  m.push(x, y);
  CHECK(std::isnan(y(0, 19)));
  CHECK(std::isinf(y(1, 0)));
  CHECK(y(2, 3) == 0);
}

TEST_CASE("frozen_model: what does not fit is named") {
  const frozen_layer two[] = {{2, 3, "silu"}, {3, 1}}, gap[] = {{2, 3, "silu"}, {4, 1}}, none[] = {{0, 3}};
  const matrix<float> w(1, 13);
  using model = frozen_model<float>;
  const auto message = [&](std::span<const frozen_layer> l, const_view<float> weights, double scale = 1) {
    return message_of<kdm::error>([&] { model(l, weights, scale); });
  };
  CHECK(message(two, w.view().col_range(0, 12)) == "frozen_model: number of weights is 12, expected 13");
  CHECK(message(two, w.view().reshaped(13, 1)) == "frozen_model: rows of the weights is 13, expected 1");
  CHECK(message(gap, w.view()) == "frozen_model: layer 0 has 3 outputs, layer 1 expects 4");
  CHECK(message(none, w.view()).starts_with("frozen_model: layer 0 has 0 inputs and 3 outputs, expected 1 to"));
  CHECK(message({}, w.view()) == "frozen_model: no layers, expected at least 1");
  CHECK(message(two, w.view(), 0) == "frozen_model: the prior's scale is 0, expected a finite number above 0");
  for (const double bad : {-1., double(NAN), double(INFINITY), 1e-300})
    CHECK(message(two, w.view(), bad).starts_with("frozen_model: the prior's scale is "));
  const frozen_layer nan_slope[] = {{2, 3, "leaky_relu", NAN}, {3, 1}};
  CHECK(message(nan_slope, w.view()) == "frozen_model: layer 0 has the parameter nan, expected a finite number");
  CHECK(message(two, w.view(), 1e300).ends_with("expected a finite number above 0"));

  const model m(two, w.view());
  matrix<float> x(4, 2), y(4, 1);
  CHECK(message_of<shape_error>([&] { m.require_fit(y.view(), y.view()); }) ==
        "frozen_model: columns of x_T is 1, expected 2");
  CHECK(message_of<shape_error>([&] { m.require_fit(x.view(), x.view()); }) ==
        "frozen_model: columns of x_0 is 2, expected 1");
  CHECK(message_of<shape_error>([&] { m.require_fit(x.view(), y.view().row_range(0, 3)); }) ==
        "frozen_model: rows of x_0 is 3, expected 4");
  m.require_fit(x.view(), y.view());
}

TEST_CASE("frozen_model: a push of wrong sizes ends the program with the message") {
  const frozen_layer layers[] = {{2, 1}};
  const matrix<float> w(1, 3);
  frozen_model<float> m(layers, w.view());
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    dup2(ends[1], 2);
    signal(SIGABRT, SIG_DFL);  // not the test program's report
    matrix<float> x(4, 3), y(4, 1);
    m.push(x, y);
    _exit(0);
  }
  close(ends[1]);
  std::string text;
  char part[256];
  for (ssize_t n; (n = read(ends[0], part, sizeof part)) > 0;) text.append(part, std::size_t(n));
  close(ends[0]);
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status));
  CHECK(text.find("frozen_model: columns of x_T is 3, expected 2") != std::string::npos);
}

/// Other layers cannot be frozen, which is known when compiling.
static_assert(kdm::freezable<decltype(small_model())>);
static_assert(!kdm::dense_chain<kdm::residual<dense_layer<>>>);

}  // namespace
