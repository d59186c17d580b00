// The trainer against single steps worked out by hand, and what a run promises: the same bits, errors, callbacks.
#include "kdm/train/trainer.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include "kdm/koopman/generator.hpp"
#include "koopman/models.hpp"
#include "train/threads.hpp"
#if defined(_OPENMP)
#include "kdm/exec/openmp.hpp"
#endif

namespace {

using namespace kdm_test;
using kdm::distillation;
using kdm::objective;
using kdm::reference_backend;
using kdm::train_options;
using kdm::trainer;
namespace terms = kdm::terms;

auto all_terms(double latent_noise = 0) {
  return objective(latent_noise, terms::latent<>{0.5}, terms::reconstruction<>{},
                   terms::prediction<kdm::distances::pseudo_huber>{2});
}

template <class T>
bool same_bytes(const matrix<T>& a, const matrix<T>& b) {
  return a.rows() == b.rows() && a.cols() == b.cols() &&
         (a.size() == 0 || std::memcmp(a.data(), b.data(), std::size_t(a.size()) * sizeof(T)) == 0);
}

template <class T>
bool same_state(const kdm::training_state<T>& a, const kdm::training_state<T>& b) {
  return a.step == b.step && same_bytes(a.weights, b.weights) && same_bytes(a.average, b.average) &&
         same_bytes(a.slots, b.slots);
}

train_options options_of(index_t steps, index_t batch, kdm::slicing slices = {}) {
  train_options o;
  o.steps = steps;
  o.batch = batch;
  o.slices = slices;
  o.seed = 5;
  return o;
}

/// The pairs of one batch in the trainer's order.
template <class T>
matrix<T> batch_of(const matrix<T>& x, const train_options& o, index_t step) {
  matrix<T> rows(o.batch, x.cols());
  const kdm::batch_order order{x.rows(), o.seed};
  for (index_t i = 0; i < o.batch; ++i)
    for (index_t j = 0; j < x.cols(); ++j) rows(i, j) = x(order(step * o.batch + i), j);
  return rows;
}

template <class T>
struct pairs {
  matrix<T> xT = random_matrix<T>(50, 3, 1), x0 = random_matrix<T>(50, 2, 2);
};

// Same bits for any number of lanes.

template <class B, class Rule, class E>
auto state_after(Rule rule, const train_options& o, const E& e, int steps) {
  using T = kdm::value_t<B>;
  const pairs<T> data;
  trainer t(distillation(small_model(), all_terms(0.4)), rule, o, data.xT.view(), data.x0.view(), B{}, e);
  for (int k = 0; k < steps; ++k) t.advance();
  return t.state();
}

template <class B>
void check_lanes() {
  for (index_t batch : {1, 7, 37, 64, 101})
    for (kdm::slicing slices : {kdm::slicing{}, kdm::slicing{8, 3}, kdm::slicing{5, 0}, kdm::slicing{1, 4}}) {
      CAPTURE(batch);
      CAPTURE(slices.rows);
      train_options o = options_of(20, batch, slices);
      o.clip_norm = batch == 37 ? 0.1 : 0;
      const auto expected = state_after<B>(kdm::adam{}, o, kdm::serial{}, 3);
      CHECK(same_state(state_after<B>(kdm::adam{}, o, threads{1}, 3), expected));
      CHECK(same_state(state_after<B>(kdm::adam{}, o, threads{2}, 3), expected));
      CHECK(same_state(state_after<B>(kdm::adam{}, o, threads{3}, 3), expected));
#if defined(_OPENMP)
      CHECK(same_state(state_after<B>(kdm::adam{}, o, kdm::openmp(1), 3), expected));
      CHECK(same_state(state_after<B>(kdm::adam{}, o, kdm::openmp(2), 3), expected));
      CHECK(same_state(state_after<B>(kdm::adam{}, o, kdm::openmp(3), 3), expected));
#endif
    }
}

TEST_CASE("trainer: the weights are the same bytes for any number of lanes") {
  SUBCASE("reference double") { check_lanes<reference_backend<double>>(); }
  SUBCASE("reference float") { check_lanes<reference_backend<float>>(); }
#if defined(EIGEN_DONT_PARALLELIZE)
  SUBCASE("eigen double") { check_lanes<kdm::eigen_backend<double>>(); }
  SUBCASE("eigen float") { check_lanes<kdm::eigen_backend<float>>(); }
#endif
}

TEST_CASE("trainer: a model of several update chunks is the same for any number of lanes") {
  const auto model = small_model(true, 3, 2, 5, 100);
  REQUIRE(model.size() > 8192);
  const pairs<float> data;
  train_options o = options_of(5, 64, {16, 0});
  o.clip_norm = 0.05;
  const auto run = [&](auto e) {
    trainer t(distillation(model, all_terms()), kdm::adam{}, o, data.xT.view(), data.x0.view(),
              reference_backend<float>{}, e);
    t.run();
    return t.state();
  };
  const auto expected = run(kdm::serial{});
  CHECK(same_state(run(threads{2}), expected));
  CHECK(same_state(run(threads{3}), expected));
}

// One step by hand.

template <class B>
void check_step(double tolerance) {
  using T = kdm::value_t<B>;
  const pairs<T> data;
  const auto model = small_model(true, 3, 2, 5, 100);  // two chunks of weights
  const distillation problem(model, all_terms(0.4));
  for (double clip : {0., 0.05, 1e6})
    for (index_t batch : {20, 130}) {
      CAPTURE(clip);
      CAPTURE(batch);
      train_options o = options_of(1, batch, {8, 3});
      o.clip_norm = clip;
      o.learning_rate = 0.25;
      trainer t(problem, kdm::sgd{}, o, data.xT.view(), data.x0.view(), B{});
      const matrix<T> before = t.weights();
      const auto e = evaluate(B{}, problem, before, batch_of(data.xT, o, 0), batch_of(data.x0, o, 0), 1000, o.seed, 0);
      const auto& report = t.advance();
      CHECK(report.step == 1);
      CHECK(report.steps == 1);
      CHECK(report.learning_rate == 0.25);
      REQUIRE(report.terms.size() == 3);
      for (index_t k = 0; k < 3; ++k)
        CHECK(report.terms[std::size_t(k)] == doctest::Approx(double(e.terms(0, k))).epsilon(tolerance));
      CHECK(report.loss == doctest::Approx(loss_of(problem.objective(), e.terms)).epsilon(tolerance));

      double norm = 0;
      for (index_t k = 0; k < model.size(); ++k) norm += double(e.gradient(0, k)) * double(e.gradient(0, k));
      norm = std::sqrt(norm);
      REQUIRE(norm > 0.06);
      const double factor = clip > 0 && clip < norm ? clip / norm : 1;
      matrix<T> applied = t.weights(), expected(1, model.size());
      double applied_norm = 0;
      for (index_t k = 0; k < model.size(); ++k) {
        applied(0, k) = (before(0, k) - applied(0, k)) / T(0.25);
        expected(0, k) = T(factor) * e.gradient(0, k);
        applied_norm += double(applied(0, k)) * double(applied(0, k));
      }
      CHECK(relative_difference(applied, expected) < tolerance);
      CHECK(std::sqrt(applied_norm) == doctest::Approx(factor * norm).epsilon(10 * tolerance));
    }
}

TEST_CASE("trainer: one step of sgd applies the clipped gradient of its batch") {
  SUBCASE("reference double") { check_step<reference_backend<double>>(1e-12); }
  SUBCASE("reference float") { check_step<reference_backend<float>>(1e-5); }
#if defined(EIGEN_DONT_PARALLELIZE)
  SUBCASE("eigen double") { check_step<kdm::eigen_backend<double>>(1e-12); }
  SUBCASE("eigen float") { check_step<kdm::eigen_backend<float>>(1e-5); }
#endif
}

TEST_CASE("trainer: the average follows its recurrence and the rate its schedule") {
  const pairs<double> data;
  train_options o = options_of(40, 16);
  o.average.decay = 0.6;
  trainer t(distillation(small_model(), all_terms()), kdm::momentum{}, o, data.xT.view(), data.x0.view(),
            reference_backend<double>{});
  matrix<double> expected = t.weights();
  CHECK(same_bytes(t.average(), expected));
  for (int k = 0; k < o.steps; ++k) {
    t.advance();
    CHECK(t.report().learning_rate == doctest::Approx(1e-3 * 0.5 * (1 + std::cos(std::acos(-1.) * k / 40))));
    const matrix<double> w = t.weights();
    const double d = std::min(0.6, (1. + k) / (10. + k));
    for (index_t i = 0; i < w.size(); ++i) expected.data()[i] = d * expected.data()[i] + (1 - d) * w.data()[i];
    CHECK(relative_difference(t.average(), expected) < 1e-14);
  }
  CHECK(relative_difference(t.average(), t.weights()) > 1e-6);
}

TEST_CASE("trainer: without decay the average is the weights") {
  const pairs<float> data;
  train_options o = options_of(3, 16);
  o.average.decay = 0;
  trainer t(distillation(small_model(), all_terms()), kdm::adam{}, o, data.xT.view(), data.x0.view(),
            reference_backend<float>{});
  t.run();
  CHECK(same_bytes(t.average(), t.weights()));
}

// Resuming.

template <class T, class Rule>
void check_resume(Rule rule) {
  const pairs<T> data;
  train_options o = options_of(12, 33, {8, 2});
  o.clip_norm = 0.5;
  const auto make = [&] {
    return trainer(distillation(small_model(), all_terms(0.4)), rule, o, data.xT.view(), data.x0.view(),
                   reference_backend<T>{});
  };
  auto whole = make();
  kdm::training_state<T> middle;
  whole.run([&](auto& t, const kdm::step_report& r) {
    if (r.step == 5) middle = t.state();
  });
  CHECK(middle.step == 5);
  CHECK(middle.slots.rows() == Rule::slots);
  auto second = make();
  second.restore(middle);
  CHECK(same_state(second.state(), middle));
  second.run();
  CHECK(second.step() == 12);
  CHECK(same_state(second.state(), whole.state()));
  CHECK(second.report().loss == whole.report().loss);
  // Back to the middle in the same trainer.
  whole.restore(middle);
  whole.run();
  CHECK(same_state(whole.state(), second.state()));
}

TEST_CASE("trainer: a restored run continues bit for bit") {
  SUBCASE("adam float") { check_resume<float>(kdm::adam{}); }
  SUBCASE("adamw double") { check_resume<double>(kdm::adamw()); }
  SUBCASE("momentum") { check_resume<float>(kdm::momentum{}); }
  SUBCASE("sgd") { check_resume<double>(kdm::sgd{}); }
}

TEST_CASE("trainer: two trainers of one seed agree and of two seeds differ") {
  const auto one = state_after<reference_backend<float>>(kdm::adam{}, options_of(5, 20), kdm::serial{}, 2);
  auto o = options_of(5, 20);
  CHECK(same_state(state_after<reference_backend<float>>(kdm::adam{}, o, kdm::serial{}, 2), one));
  o.seed = 6;
  CHECK(!same_bytes(state_after<reference_backend<float>>(kdm::adam{}, o, kdm::serial{}, 2).weights, one.weights));
}

TEST_CASE("trainer: a state of another model or rule is refused") {
  const pairs<double> data;
  trainer t(distillation(small_model(), all_terms()), kdm::adam{}, options_of(5, 8), data.xT.view(), data.x0.view(),
            reference_backend<double>{});
  const index_t size = t.model().size();
  const auto message = [&](auto change) {
    auto s = t.state();
    change(s);
    return message_of<kdm::shape_error>([&] { t.restore(s); });
  };
  const auto before = t.state();
  CHECK(message([](auto& s) { s.weights = matrix<double>(1, 4); }) ==
        kdm::concat("training state: number of weights is 4, expected ", size));
  CHECK(message([](auto& s) { s.average = matrix<double>(1, 5); }) ==
        kdm::concat("training state: number of averaged weights is 5, expected ", size));
  CHECK(message([&](auto& s) { s.slots = matrix<double>(1, size); }) ==
        "training state: slots per weight is 1, expected 2");
  CHECK(message([](auto& s) { s.slots = matrix<double>(2, 3); }) ==
        kdm::concat("training state: weights with slots is 3, expected ", size));
  CHECK(same_state(t.state(), before));
}

// Callbacks.

TEST_CASE("trainer: callbacks see every step and may stop the run") {
  const pairs<double> data;
  trainer t(distillation(small_model(), all_terms()), kdm::adam{}, options_of(10, 8), data.xT.view(), data.x0.view(),
            reference_backend<double>{});
  std::vector<index_t> seen, asked;
  const auto watch = [&](auto& who, const kdm::step_report& r) {
    CHECK(&who == &t);
    CHECK(who.step() == r.step);
    seen.push_back(r.step);
  };
  auto stop_at_4 = [&](auto&, const kdm::step_report& r) {
    asked.push_back(r.step);
    return r.step == 4 ? kdm::verdict::stop : kdm::verdict::go_on;
  };
  t.run(stop_at_4, watch);
  CHECK(t.step() == 4);
  CHECK(seen == std::vector<index_t>{1, 2, 3, 4});  // the last one too, although the first callback said stop
  CHECK(asked == seen);
  t.run(watch);
  CHECK(t.step() == 10);
  CHECK(seen.size() == 10);
  t.run(watch);
  CHECK(seen.size() == 10);
}

TEST_CASE("trainer: changed weights go on in the weights and in their average") {
  const pairs<float> data;
  trainer t(distillation(small_model(), all_terms()), kdm::adam{}, options_of(10, 8), data.xT.view(), data.x0.view(),
            reference_backend<float>{});
  for (int k = 0; k < 3; ++k) t.advance();
  const auto before = t.state();
  REQUIRE(!same_bytes(before.weights, before.average));
  t.change_weights([&](kdm::view<float> w) {
    const auto op = t.model().operator_weights(w);
    std::fill_n(op.p, op.size(), 0.5f);
  });
  const auto after = t.state();
  CHECK(after.step == 3);
  CHECK(same_bytes(after.slots, before.slots));
  const index_t first = t.model().encoder_noise.size(), count = t.model().koopman.size();
  for (index_t k = 0; k < t.model().size(); ++k) {
    const bool changed = k >= first && k < first + count;
    CHECK(after.weights(0, k) == (changed ? 0.5f : before.weights(0, k)));
    CHECK(after.average(0, k) == (changed ? 0.5f : before.average(0, k)));
  }
}

// Errors.

TEST_CASE("trainer: what does not fit is named") {
  const auto message = [](index_t noise, index_t data, index_t rows_T, index_t rows_0, auto change) {
    train_options o = options_of(5, 8);
    change(o);
    const auto xT = random_matrix<double>(rows_T, noise, 1), x0 = random_matrix<double>(rows_0, data, 2);
    return message_of<kdm::error>([&] {
      trainer t(distillation(small_model(), all_terms()), kdm::adam{}, o, xT.view(), x0.view(),
                reference_backend<double>{});
    });
  };
  const auto none = [](train_options&) {};
  CHECK(message(4, 2, 9, 9, none) == "trainer: columns of xT is 4, expected 3");
  CHECK(message(3, 1, 9, 9, none) == "trainer: columns of x0 is 1, expected 2");
  CHECK(message(3, 2, 8, 9, none) == "trainer: rows of xT is 8, expected 9");
  CHECK(message(3, 2, 0, 0, none) == "trainer: no pairs, expected at least 1");
  const auto wrong = [&](auto change) { return message(3, 2, 9, 9, change); };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(wrong([](auto& o) { o.steps = -1; }) == "trainer: steps is -1, expected 0 or more");
  CHECK(wrong([](auto& o) { o.batch = 0; }) == "trainer: batch is 0, expected at least 1");
  CHECK(wrong([](auto& o) { o.learning_rate = 0; }) == "trainer: learning_rate is 0, expected a finite number above 0 that double can hold");
  CHECK(wrong([&](auto& o) { o.learning_rate = nan; }) == "trainer: learning_rate is nan, expected a finite number above 0 that double can hold");
  CHECK(wrong([](auto& o) { o.clip_norm = -1; }) == "trainer: clip_norm is -1, expected 0 or a finite number above it that double can hold");
  CHECK(wrong([](auto& o) { o.average.decay = 1; }) == "moving_average: decay is 1, expected in [0, 1)");
  CHECK(wrong([](auto& o) { o.average.decay = -0.1; }) == "moving_average: decay is -0.1, expected in [0, 1)");
  CHECK(wrong([](auto& o) { o.slices.rows = -2; }) == "slicing: -2 rows and 0 groups, expected 0 (chosen) or more");
  CHECK(wrong(none) == "(nothing of that type was thrown)");
}

TEST_CASE("trainer: a loss that is not finite names the step and the term") {
  pairs<double> data;
  const auto train = [&](auto rule, double rate) {
    train_options o = options_of(200, 50);
    o.learning_rate = rate;
    o.schedule = kdm::schedules::constant();
    return message_of<kdm::numeric_error>([&] {
      trainer t(distillation(small_model(), objective(0, terms::reconstruction<>{.name = "mine"}, terms::latent<>{})),
                rule, o, data.xT.view(), data.x0.view(), reference_backend<double>{});
      t.run();
    });
  };
  CHECK(train(kdm::adam{}, 1e-3) == "(nothing of that type was thrown)");
  const std::string blown_up = train(kdm::sgd{}, 1e6);
  CHECK(blown_up.find("training: the term mine is ") == 0);
  CHECK(blown_up.find(", expected a finite number; try a lower learning rate") != std::string::npos);
  CHECK(blown_up.find(" at step 1,") == std::string::npos);
  data.x0(17, 1) = 1e200;
  CHECK(train(kdm::adam{}, 1e-3) ==
        "training: the term mine is inf at step 1, expected a finite number; no step has been made yet: look at the size "
        "of the pairs' numbers and at the weights that the run starts from");
  data.x0(17, 1) = 0;
  data.xT(3, 2) = std::numeric_limits<double>::quiet_NaN();
  CHECK(train(kdm::adam{}, 1e-3).find("training: the term latent is ") == 0);
}

// Learning.

template <class B>
void check_learning() {
  using T = kdm::value_t<B>;
  const auto xT = random_matrix<T>(200, 3, 1);
  matrix<T> x0(200, 2);
  for (index_t i = 0; i < 200; ++i) x0(i, 0) = std::sin(xT(i, 0) + xT(i, 1)), x0(i, 1) = std::abs(xT(i, 2)) - T(0.5);
  train_options o = options_of(300, 64);
  o.learning_rate = 1e-2;
  trainer t(distillation(small_model(true, 3, 2, 5, 16), all_terms(0.1)), kdm::adam{}, o, xT.view(), x0.view(), B{});
  const double first = t.advance().loss;
  t.run();
  CHECK(t.report().loss < 0.2 * first);
}

TEST_CASE("trainer: the loss of a small task decreases") {
  SUBCASE("reference double") { check_learning<reference_backend<double>>(); }
  SUBCASE("reference float") { check_learning<reference_backend<float>>(); }
#if defined(EIGEN_DONT_PARALLELIZE)
  SUBCASE("eigen double") { check_learning<kdm::eigen_backend<double>>(); }
  SUBCASE("eigen float") { check_learning<kdm::eigen_backend<float>>(); }
#endif
}

template <class B>
double linear_pair_error() {
  using T = kdm::value_t<B>;
  const auto xT = random_matrix<T>(300, 2, 1);
  matrix<T> x0(300, 2);
  for (index_t i = 0; i < 300; ++i) {
    x0(i, 0) = T(1.5) * xT(i, 0) - T(0.5) * xT(i, 1);
    x0(i, 1) = xT(i, 0) + T(0.7) * xT(i, 1);
  }
  train_options o = options_of(3000, 64);
  o.learning_rate = 2e-2;
  const auto model = linear_model(2, 2, 4);
  trainer t(distillation(model, objective(0, terms::latent<>{}, terms::reconstruction<>{}, terms::prediction<>{})),
            kdm::adam{}, o, xT.view(), x0.view(), B{});
  t.run();
  kdm::generator<std::decay_t<decltype(model)>, B> g(model, t.weights().view());
  const auto y = g.push(xT.view());
  double sum = 0;
  for (index_t k = 0; k < y.size(); ++k) sum += std::pow(double(y.data()[k]) - double(x0.data()[k]), 2);
  return std::sqrt(sum / double(y.rows()));
}

TEST_CASE("trainer: a linear model learns a linear map exactly") {
  CHECK(linear_pair_error<reference_backend<double>>() < 1e-6);
#if defined(EIGEN_DONT_PARALLELIZE)
  CHECK(linear_pair_error<kdm::eigen_backend<double>>() < 1e-6);
  CHECK(linear_pair_error<kdm::eigen_backend<float>>() < 1e-5);
#endif
}

}  // namespace
