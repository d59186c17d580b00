// Options, schedules, rules and executors that a trainer refuses, and weights that never leave it.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>

#include "kdm/backend/reference.hpp"
#include "kdm/koopman/generator.hpp"
#include "kdm/koopman/terms.hpp"
#include "kdm/train/train.hpp"
#include "koopman/models.hpp"

namespace {

using namespace kdm_test;
using kdm::adam;
using kdm::distillation;
using kdm::momentum;
using kdm::numeric_error;
using kdm::objective;
using kdm::option_error;
using kdm::reference_backend;
using kdm::sgd;
using kdm::train_options;
using kdm::trainer;
namespace terms = kdm::terms;

const double infinity = std::numeric_limits<double>::infinity();
const double not_a_number = std::numeric_limits<double>::quiet_NaN();
const std::string nothing = "(nothing of that type was thrown)";

auto loss_of(double weight = 1, double latent_noise = 0) {
  return objective{latent_noise, terms::latent<>{.weight = weight}, terms::prediction<>{}};
}

/// Trains on numbers of about 1, times `size`; the trainer is handed to `after` where the run ended well.
template <class T, class Objective = decltype(loss_of()), class Rule = adam, class After = int>
void train(train_options o, Objective loss = loss_of(), Rule rule = {}, double size = 1, After after = {}) {
  o.batch = 32;
  matrix<T> xT(100, 3), x0(100, 2);
  for (index_t i = 0; i < xT.size(); ++i) xT.data()[i] = T(std::sin(3. * double(i)));
  for (index_t i = 0; i < x0.size(); ++i) x0.data()[i] = T(size * std::cos(5. * double(i)));
  trainer t{distillation{small_model(), loss}, rule, o, xT.view(), x0.view(), reference_backend<T>{}};
  t.run();
  if constexpr (!std::is_same_v<After, int>) after(t);
}

template <class T, class Change>
std::string refused(Change change) {
  return message_of<option_error>([&] {
    train_options o{.steps = 1};
    change(o);
    train<T>(o);
  });
}

template <class T, class Rule>
std::string refused_rule(Rule rule) {
  return message_of<option_error>([&] { train<T>({.steps = 1}, loss_of(), rule); });
}

/// An executor that does what it is told, right or wrong.
struct odd_executor {
  int count = 1, lane = 0;
  int lanes() const { return count; }
  template <class F>
  void for_chunks(index_t n, index_t grain, F&& f) const {
    for (index_t first = 0; first < n; first += grain) f(first, std::min(n, first + grain), lane);
  }
};

/// A rule of a user's that spoils one weight at the last of ten steps, without an option that anybody could check.
struct spoiling {
  static constexpr int slots = 0;
  template <class T>
  struct update {
    T number;
    void operator()(T, T& w, T*) const { w = number; }
  };
  template <class T>
  update<T> at(index_t step, T) const {
    return {step < 9 ? T(1) : T(0) / T(0)};
  }
};

}  // namespace

TEST_CASE_TEMPLATE("trainer: an option must be in its range in the type that computes", T, float, double) {
  const std::string kind = sizeof(T) == 4 ? "float" : "double";
  const double huge = sizeof(T) == 4 ? 1e39 : infinity, tiny = sizeof(T) == 4 ? 1e-46 : 1e-310;
  CHECK(refused<T>([](auto&) {}) == nothing);
  for (const double rate : {0., -1e-3, infinity, -infinity, not_a_number, huge, tiny}) {
    CAPTURE(rate);
    CHECK(refused<T>([&](auto& o) { o.learning_rate = rate; }) ==
          kdm::concat("trainer: learning_rate is ", rate, ", expected a finite number above 0 that ", kind, " can hold"));
  }
  for (const double norm : {-1., infinity, not_a_number, huge, tiny, sizeof(T) == 4 ? 1e-25 : 1e-200}) {
    CAPTURE(norm);
    CHECK(refused<T>([&](auto& o) { o.clip_norm = norm; }).starts_with("trainer: clip_norm is "));
  }
  for (const double decay : {1., -0.1, not_a_number, infinity}) {
    CAPTURE(decay);
    CHECK(refused<T>([&](auto& o) { o.average.decay = decay; }).starts_with("moving_average: decay is "));
  }
  const std::string nearly = refused<T>([](auto& o) { o.average.decay = 1 - 1e-10; });
  CHECK(nearly == (sizeof(T) == 4 ? "moving_average: decay is 0.9999999999, expected in [0, 1), also in float" : nothing));
  CHECK(refused<T>([](auto& o) { o.schedule = {}; }) ==
        "trainer: schedule is empty, expected one such as schedules::constant()");
  CHECK_THROWS_AS(train<T>({.steps = std::numeric_limits<index_t>::max()}), kdm::shape_error);

  const auto with_weight = [](double weight) {
    return message_of<option_error>([&] { train<T>({.steps = 1}, loss_of(weight)); });
  };
  CHECK(with_weight(0) == nothing);
  CHECK(with_weight(not_a_number) == "objective: the weight of the term latent is nan, expected a finite number");
  CHECK(with_weight(infinity) == "objective: the weight of the term latent is inf, expected a finite number");
  if (sizeof(T) == 4)
    CHECK(with_weight(1e39) ==
          "trainer: the weight of the term latent is 1e+39, expected a finite number that float can hold");
  CHECK(with_weight(tiny).starts_with("trainer: the weight of the term latent is "));
  const auto with_noise = [](double noise) {
    return message_of<option_error>([&] { train<T>({.steps = 1}, loss_of(1, noise)); });
  };
  for (const double noise : {infinity, not_a_number, -0.1, huge, tiny}) {
    CAPTURE(noise);
    CHECK(with_noise(noise) != nothing);
  }
}

TEST_CASE_TEMPLATE("trainer: an update rule that makes no step is refused", T, float, double) {
  CHECK(refused_rule<T>(sgd{}) == nothing);
  CHECK(refused_rule<T>(momentum{}) == nothing);
  for (const double beta : {1., -0.1, 2., not_a_number, infinity}) {
    CAPTURE(beta);
    CHECK(refused_rule<T>(adam{.beta1 = beta}).starts_with("adam: beta1 is "));
    CHECK(refused_rule<T>(adam{.beta2 = beta}).starts_with("adam: beta2 is "));
    CHECK(refused_rule<T>(momentum{beta}).starts_with("momentum: beta is "));
  }
  for (const double epsilon : {0., -1e-8, not_a_number, infinity, sizeof(T) == 4 ? 1e-50 : 1e-320}) {
    CAPTURE(epsilon);
    CHECK(refused_rule<T>(adam{.epsilon = epsilon}).starts_with("adam: epsilon is "));
  }
  for (const double decay : {-1., not_a_number, infinity}) {
    CAPTURE(decay);
    CHECK(refused_rule<T>(adam{.weight_decay = decay}).starts_with("adam: weight_decay is "));
  }
  CHECK(refused_rule<float>(momentum{1 - 1e-12}) == "momentum: beta is 0.999999999999, expected 0 or more and below 1 in float");
  // 1 - beta is taken in double.
  CHECK(refused_rule<float>(adam{.beta2 = 1 - 1e-12}) == nothing);
}

TEST_CASE_TEMPLATE("trainer: a schedule that leaves the finite numbers stops before the update", T, float, double) {
  for (const double factor : {not_a_number, infinity, -1., sizeof(T) == 4 ? 1e45 : 1e308 * 1e3}) {
    CAPTURE(factor);
    matrix<T> seen, after;
    const std::string said = message_of<numeric_error>([&] {
      matrix<T> xT(40, 3), x0(40, 2);
      for (index_t i = 0; i < 120; ++i) xT.data()[i] = T(std::sin(double(i)));
      trainer t{distillation{small_model(), loss_of()}, sgd{},
                {.steps = 5, .batch = 8, .schedule = [&](index_t step, index_t) { return step == 4 ? factor : 1.; }},
                xT.view(), x0.view(), reference_backend<T>{}};
      try {
        t.run([&](auto& of, const auto&) { seen = of.weights(); });
      } catch (const numeric_error&) {
        after = t.weights();
        throw;
      }
    });
    CHECK(said.starts_with("training: the schedule makes the learning rate "));
    CHECK(said.find(" at step 5,") != std::string::npos);
    REQUIRE(seen.size() == after.size());
    bool same = true;
    for (index_t i = 0; i < seen.size(); ++i) same = same && seen.data()[i] == after.data()[i];
    CHECK(same);
  }
  CHECK_THROWS_AS(kdm::schedules::cosine(not_a_number), option_error);
  CHECK_THROWS_AS(kdm::schedules::warm_up(3, {}), option_error);
}

TEST_CASE("trainer: weights that are not finite do not leave a run") {
  // The last update is looked at, also where no term reads the weight.
  const auto run = [](index_t steps) {
    return message_of<numeric_error>([&] { train<double>({.steps = steps}, loss_of(), spoiling{}); });
  };
  CHECK(run(9) == nothing);
  CHECK(run(10).starts_with("training: the tensor encoder_noise.0.weight has "));
  CHECK(run(10).ends_with(" in it after step 10, expected finite numbers; try a lower learning rate"));
  // The squared gradient of Adam overflows in float long before the loss does: the weight would never move again.
  const std::string frozen = message_of<numeric_error>([] {
    train<float>({.steps = 1}, objective{0., terms::prediction<kdm::distances::pseudo_huber>{.weight = 1e30}});
  });
  CHECK(frozen.starts_with("training: what the update rule remembers of "));
  // Weights without a gradient stay where they were.
  train<float>({.steps = 20}, objective{0., terms::prediction<>{}}, adam{}, 1, [](auto& t) {
    CHECK(kdm::first_not_finite(t.weights().view()) < 0);
    CHECK(kdm::first_not_finite(t.average().view()) < 0);
  });
}

TEST_CASE("trainer: what was wrong before the first step is not blamed on the learning rate") {
  const std::string said =
      message_of<numeric_error>([] { train<float>({.steps = 3}, loss_of(), sgd{}, 1e30); });
  CHECK(said.starts_with("training: the term "));
  CHECK(said.find(" is inf at step 1, expected a finite number; no step has been made yet") != std::string::npos);
  CHECK(said.find("learning rate") == std::string::npos);
  const std::string weighted = message_of<numeric_error>([] {
    train<double>({.steps = 3}, objective{0., terms::prediction<>{.weight = 1e300}}, sgd{}, 1e10);
  });
  CHECK(weighted.starts_with("training: the weighted loss is inf at step 1, expected a finite number"));
}

TEST_CASE("trainer: a gradient whose squares overflow or vanish is clipped to the norm asked for") {
  // One step of sgd moves the weights by rate * clip_norm, whatever the size of the gradient.
  for (const double weight : {1., 1e15, 1e20, 1e30, 1e36}) {
    CAPTURE(weight);
    matrix<float> before, after;
    train<float>({.steps = 0}, objective{0., terms::prediction<>{.weight = weight}}, sgd{}, 10,
                 [&](auto& t) { before = t.weights(); });
    train<float>({.steps = 1, .learning_rate = 0.5, .schedule = kdm::schedules::constant(), .clip_norm = 1e-3},
                 objective{0., terms::prediction<>{.weight = weight}}, sgd{}, 10, [&](auto& t) { after = t.weights(); });
    double square = 0;
    for (index_t i = 0; i < before.size(); ++i)
      square += std::pow(double(after.data()[i]) - double(before.data()[i]), 2);
    CHECK(std::sqrt(square) / 0.5e-3 == doctest::Approx(1).epsilon(1e-3));
  }
}

TEST_CASE("trainer and runner and generator: an executor keeps its word about lanes") {
  matrix<float> xT(64, 3), x0(64, 2);
  const auto start = [&](odd_executor e) {
    trainer t{distillation{small_model(), loss_of()}, sgd{}, {.steps = 1, .batch = 64}, xT.view(), x0.view(),
              reference_backend<float>{}, e};
    t.run();
  };
  CHECK_NOTHROW(start({1, 0}));
  CHECK(message_of<option_error>([&] { start({0, 0}); }) == "trainer: the executor has 0 lanes, expected at least 1");
  CHECK(message_of<option_error>([&] { start({2, 2}); }) ==
        "trainer: the executor runs a chunk in lane 2, expected 0 to 1, below its lanes()");
  CHECK_THROWS_AS(start({2, -1}), option_error);

  const auto model = small_model();
  const matrix<float> weights(1, model.size());
  const auto push = [&](odd_executor e) {
    kdm::generator g(model, weights.view(), 1, reference_backend<float>{}, e);
    g.push(xT.view());
  };
  CHECK_NOTHROW(push({3, 2}));
  CHECK(message_of<option_error>([&] { push({-1, 0}); }) == "runner: the executor has -1 lanes, expected at least 1");
  CHECK(message_of<option_error>([&] { push({1, 1}); }) ==
        "runner: the executor runs a chunk in lane 1, expected 0 to 0, below its lanes()");
}

TEST_CASE("generators can be assigned and a moved-from one says so") {
  matrix<float> noise(5, 3), weights(1, small_model().size());
  for (index_t i = 0; i < noise.size(); ++i) noise.data()[i] = float(i) / 15;
  for (index_t i = 0; i < weights.size(); ++i) weights.data()[i] = float(std::sin(double(i)));
  const auto make = [&] { return kdm::generator(small_model(), weights.view(), 1, reference_backend<float>{}); };
  auto g = make(), other = make();
  const matrix<float> expected = g.push(noise.view());
  weights.data()[0] += 1;
  g = make();
  other = std::move(g);
  const matrix<float> found = other.push(noise.view());
  bool same = true;
  for (index_t i = 0; i < found.size(); ++i) same = same && found.data()[i] == expected.data()[i];
  CHECK_FALSE(same);
  CHECK(message_of<option_error>([&] { g.push(noise.view()); }) ==
        "runner: used after its memory was moved to another");
}

TEST_CASE("a trainer without a backend takes the native one in the numbers of the pairs") {
  matrix<double> xT(20, 3), x0(20, 2);
  xT(0, 0) = 1;
  const train_options o{.steps = 3, .batch = 8};
  trainer t{distillation{small_model(), loss_of()}, adam{}, o, xT, x0};
  trainer of_views{distillation{small_model(), loss_of()}, adam{}, o, xT.view(), std::as_const(x0).view()};
  static_assert(std::is_same_v<decltype(t), decltype(of_views)>);
  static_assert(std::is_same_v<typename decltype(t)::T, double>);
  t.run();
  of_views.run();
  CHECK(t.report().loss == of_views.report().loss);
}
