// Spectral penalties at work on operators and in training; operators set from pairs.
#include "kdm/fit/penalise_spectrum.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <utility>
#include <vector>

#include "assignment.hpp"
#include "kdm/fit/initialize.hpp"
#include "kdm/koopman/block_diagonal_operator.hpp"
#include "kdm/koopman/eigen_operator.hpp"
#include "kdm/koopman/generator_operator.hpp"
#include "kdm/koopman/low_rank_operator.hpp"
#include "kdm/koopman/orthogonal_operator.hpp"
#include "kdm/koopman/terms.hpp"
#include "kdm/nn/initialize.hpp"
#include "kdm/train/trainer.hpp"
#include "support.hpp"

namespace test_penalise_spectrum {

using namespace kdm_test;
using complex = std::complex<double>;
using kdm::index_t;
using kdm::matrix;
namespace spectral = kdm::spectral;

double largest(const matrix<double>& m) {
  double value = 0;
  for (index_t k = 0; k < m.size(); ++k) value = std::max(value, std::abs(m.data()[k]));
  return value;
}

matrix<double> diagonal(double a, double d) {
  matrix<double> m(2, 2);
  m(0, 0) = a, m(1, 1) = d;
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

/// Pushes until the penalty is gone; the number of pushes.
template <class Operator, class Penalty>
int pushes_needed(const Operator& op, matrix<double>& w, const Penalty& penalty, double strength) {
  for (int k = 0; k < 1000; ++k)
    if (push_spectrum(op, w.view(), penalty, strength).value < 1e-12) return k;
  return 1000;
}

TEST_CASE("push_spectrum: repeated pushes reach any of the three aims") {
  for (unsigned seed = 0; seed < 5; ++seed) {
    const kdm::linear_operator op(7);
    matrix<double> w = random_matrix<double>(1, op.size(), seed, 1);
    const matrix<double> bias = op.affine(w.view()).c;
    matrix<double> disc = w, circle = w, targets = w;
    CHECK(pushes_needed(op, disc, spectral::inside_disc{0.9}, 1.5) < 100);
    CHECK(kdm::spectrum(op.affine(disc.view()).a).radius() < 0.9 + 1e-5);
    CHECK(pushes_needed(op, circle, spectral::on_circle{}, 1.5) < 200);
    for (const complex& lambda : kdm::spectrum(op.affine(circle.view()).a).eigenvalues)
      CHECK(std::abs(std::abs(lambda) - 1) < 1e-5);
    CHECK(pushes_needed(op, targets, spectral::towards{some_targets(7)}, 1.5) < 500);
    CHECK(matching_error(kdm::spectrum(op.affine(targets.view()).a).eigenvalues, some_targets(7)) < 1e-5);
    CHECK(relative_difference(op.affine(disc.view()).c, bias) == 0);
    // Where there is nothing to push, the bits stay.
    const matrix<double> before = disc;
    push_spectrum(op, disc.view(), spectral::inside_disc{0.91});
    CHECK(relative_difference(disc, before) == 0);
  }
}

TEST_CASE("push_spectrum: a defective operator is brought inside the disc") {
  for (index_t n = 2; n <= 5; ++n) {
    const kdm::linear_operator op(n, false);
    matrix<double> w(1, n * n);
    for (index_t k = 0; k < n; ++k) w.data()[k * n + k] = 1.5;
    for (index_t k = 0; k + 1 < n; ++k) w.data()[k * n + k + 1] = 1;
    INFO("n ", n);
    CHECK(pushes_needed(op, w, spectral::inside_disc{}, 1) < 300);
    CHECK(largest(w) < 2);
  }
}

TEST_CASE("push_spectrum: moves the weights of every operator and no bias") {
  const auto radius = [](const auto& op, const matrix<double>& w) {
    return kdm::spectrum(op.affine(w.view()).a).radius();
  };
  const kdm::low_rank_operator low(6, 2);
  matrix<double> w = random_matrix<double>(1, low.size(), 1, 1);
  const matrix<double> bias = low.affine(w.view()).c;
  REQUIRE(radius(low, w) > 1.2);
  CHECK(pushes_needed(low, w, spectral::inside_disc{0.95}, 1.5) < 100);
  CHECK(radius(low, w) < 0.96);
  CHECK(relative_difference(low.affine(w.view()).c, bias) == 0);
  const kdm::generator_operator generator(5, 1);
  w = random_matrix<double>(1, generator.size(), 1, 0.7);
  REQUIRE(radius(generator, w) > 1.2);
  CHECK(pushes_needed(generator, w, spectral::inside_disc{0.95}, 1.5) < 100);
  CHECK(radius(generator, w) < 0.96);
  const kdm::eigen_operator eigen(5);
  w = random_matrix<double>(1, eigen.size(), 1, 0.7);
  CHECK(pushes_needed(eigen, w, spectral::inside_disc{0.2}, 1.5) < 100);
  CHECK(radius(eigen, w) < 0.21);
}

/// Data whose best linear operator doubles the latents, with and without a callback; the operator's spectral radius
/// and the loss.
template <class T, class... Callbacks>
std::pair<double, double> train(Callbacks&&... callbacks) {
  using namespace kdm;
  const auto linear = [](index_t in, index_t out) {
    return dense_layer(in, out, activations::identity{}, false, initializer::orthogonal);
  };
  const koopman_model model{linear(3, 4), linear(3, 4), linear_operator(4, false), linear(4, 3)};
  matrix<T> xT = random_matrix<T>(256, 3, 1), x0(xT);
  for (index_t k = 0; k < x0.size(); ++k) x0.data()[k] *= T(2);
  trainer t(distillation(model, objective(0, terms::latent<>{}, terms::reconstruction<>{}, terms::prediction<>{})),
            adam{}, {.steps = 400, .batch = 128, .learning_rate = 1e-2, .average = {0.9}}, xT.view(), x0.view(),
            reference_backend<T>{});
  t.change_weights([&](view<T> w) {
    for (index_t k = 0; k < 16; ++k) model.operator_weights(w).p[k] = k % 5 == 0 ? T(1.5) : T(0);
  });
  t.run(callbacks...);
  const matrix<double> w(t.average().view());
  return {spectrum(model.koopman.affine(model.operator_weights(w.view())).a.view()).radius(), t.report().loss};
}

TEST_CASE("penalise_spectrum: training ends inside the disc where it would leave it") {
  const auto free = train<double>();
  CHECK(free.first > 1.2);
  kdm::penalise_spectrum inside(5, spectral::inside_disc{0.9}, 2);
  const auto held = train<double>(inside);
  CHECK(held.first < 0.91);
  CHECK(held.second < 1e-2);  // the encoders take over what the operator may not do
  CHECK(inside.result().condition >= 1);
  kdm::penalise_spectrum inside_float(5, spectral::inside_disc{0.9}, 2);
  CHECK(train<float>(inside_float).first < 0.91);
}

/// What penalise_spectrum asks of a trainer.
struct fake_trainer {
  struct fake_model {
    kdm::linear_operator koopman{2, false};
    kdm::view<double> operator_weights(kdm::view<double> all) const { return all; }
  } m;
  matrix<double> w = diagonal(3, 1);
  int changes = 0;
  const fake_model& model() const { return m; }
  template <class F>
  void change_weights(F f) {
    f(w.view().reshaped(1, 4));
    ++changes;
  }
};

TEST_CASE("penalise_spectrum: pushes after every so many steps and after the last") {
  fake_trainer t;
  kdm::penalise_spectrum push(4, spectral::inside_disc{});
  struct {
    index_t step = 0, steps = 10;
  } report;
  std::vector<int> changes;
  for (report.step = 1; report.step <= 10; ++report.step) {
    push(t, report);
    changes.push_back(t.changes);
  }
  CHECK(changes == std::vector<int>{0, 0, 0, 1, 1, 1, 1, 2, 2, 3});
  // Each push of strength 1 halves the excess of 2.
  CHECK(t.w(0, 0) == doctest::Approx(1.25));
  CHECK(push.result().value == doctest::Approx(0.125));
}

TEST_CASE("push_spectrum: bad options are refused") {
  const kdm::linear_operator op(2, false);
  matrix<double> w(1, 4);
  CHECK(message_of<kdm::option_error>([&] { push_spectrum(op, w.view(), spectral::on_circle{}, 0); }) ==
        "push_spectrum: strength is 0, expected a finite number above 0");
  CHECK(message_of<kdm::option_error>([] { kdm::penalise_spectrum(0, spectral::on_circle{}); }) ==
        "penalise_spectrum: every 0 steps, expected at least 1");
}

/// The residual after an operator was set from pairs with x_0 = x_T M', encoders and decoder doing nothing.
template <class Operator>
double fitted_residual(const Operator& op, const matrix<double>& m) {
  using namespace kdm;
  const index_t n = op.latent();
  const dense_layer<> nothing(n, n, {}, false, initializer::identity);
  const koopman_model model{nothing, nothing, op, nothing};
  matrix<double> w = initial_weights<double>(manifest_of(model), 1);
  const matrix<double> xT = random_matrix<double>(200, n, 5);
  matrix<double> x0(200, n);
  for (index_t i = 0; i < 200; ++i)
    for (index_t j = 0; j < n; ++j)
      for (index_t k = 0; k < n; ++k) x0(i, j) += xT(i, k) * m(j, k);
  return initialize_operator(model, w.view(), xT, x0, {.ridge = 0}).residual;
}

TEST_CASE("operators: pairs set each operator that can be their map") {
  const auto map_of = [](const auto& op) {
    return op.affine(random_matrix<double>(1, op.size(), 4, 0.5).view()).a;
  };
  CHECK(fitted_residual(kdm::block_diagonal_operator(6, 2), map_of(kdm::block_diagonal_operator(6, 2))) < 1e-13);
  CHECK(fitted_residual(kdm::eigen_operator(6), map_of(kdm::eigen_operator(6))) < 1e-12);
  CHECK(fitted_residual(kdm::low_rank_operator(6, 2), map_of(kdm::low_rank_operator(6, 2))) < 1e-13);
  CHECK(fitted_residual(kdm::orthogonal_operator(6), map_of(kdm::orthogonal_operator(6))) < 1e-13);
  CHECK(fitted_residual(kdm::generator_operator(6), map_of(kdm::generator_operator(6))) < 1e-11);
  // And the residual says where one cannot.
  CHECK(fitted_residual(kdm::block_diagonal_operator(6), map_of(kdm::eigen_operator(6))) > 0.1);
}

}  // namespace test_penalise_spectrum
