// Update rules against recurrences in long double, and the learning-rate schedules.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "kdm/nn/schedule.hpp"
#include "kdm/nn/update_rule.hpp"
#include "support.hpp"

using kdm::index_t;

namespace {

/// A gradient that changes sign and size.
double gradient_at(int step) { return std::sin(1.3 * step + 0.4) * (1 + 0.1 * step); }

/// The weight after each of 50 steps of `rule`, beside `expected(step, g)` in long double.
template <class T, class Rule, class Expected>
void check_recurrence(const Rule& rule, T rate, Expected expected) {
  T w = T(0.75), s[2] = {0, 0};
  double worst = 0;
  for (int step = 0; step < 50; ++step) {
    const T g = T(gradient_at(step));
    rule.at(step, rate)(g, w, s);
    const long double right = expected(step, static_cast<long double>(g));
    worst = std::max(worst, double(std::abs(w - right) / std::max(1.L, std::abs(right))));
  }
  CHECK(worst < 50 * double(std::numeric_limits<T>::epsilon()));
}

}  // namespace

TEST_CASE_TEMPLATE("sgd and momentum follow their recurrences", T, float, double) {
  const T rate = T(0.01);
  long double w = 0.75L, v = 0;
  check_recurrence<T>(kdm::sgd{}, rate, [&](int, long double g) { return w -= rate * g; });
  w = 0.75L;
  check_recurrence<T>(kdm::momentum{0.8}, rate, [&](int, long double g) {
    v = 0.8L * v + g;
    return w -= rate * v;
  });
}

TEST_CASE_TEMPLATE("adam and adamw follow the paper's recurrences", T, float, double) {
  for (const kdm::adam rule : {kdm::adam{}, kdm::adamw(), kdm::adam{0.5, 0.9, 1e-3, 0.2}}) {
    const T rate = T(0.01);
    const long double b1 = rule.beta1, b2 = rule.beta2;
    long double w = 0.75L, m = 0, v = 0;
    check_recurrence<T>(rule, rate, [&](int step, long double g) {
      m = b1 * m + (1 - b1) * g;
      v = b2 * v + (1 - b2) * g * g;
      const long double mean = m / (1 - std::pow(b1, step + 1.L)), variance = v / (1 - std::pow(b2, step + 1.L));
      return w -= rate * (rule.weight_decay * w + mean / (std::sqrt(variance) + rule.epsilon));
    });
  }
  CHECK(kdm::adamw().weight_decay == 0.01);
}

TEST_CASE_TEMPLATE("the first step of adam is the rate in the direction of the gradient", T, float, double) {
  for (double g : {1e-3, -0.5, 40., -3e4}) {
    T w = 0, s[2] = {0, 0};
    kdm::adam{}.at(0, T(0.25))(T(g), w, s);
    // epsilon takes 1e-8 / |g| of it.
    CHECK(double(w) == doctest::Approx(g > 0 ? -0.25 : 0.25)
                           .epsilon(1e-8 / std::abs(g) + 4 * double(std::numeric_limits<T>::epsilon())));
  }
}

TEST_CASE("a constant gradient gives closed forms") {
  double w = 0, s[2] = {0, 0};
  for (int step = 0; step < 30; ++step) kdm::sgd{}.at(step, 0.1)(2., w, s);
  CHECK(w == doctest::Approx(-6).epsilon(1e-13));

  // v_k = g (1 - beta^k) / (1 - beta), summed.
  w = 0;
  for (int step = 0; step < 30; ++step) kdm::momentum{0.5}.at(step, 0.1)(2., w, s);
  CHECK(w == doctest::Approx(-0.1 * 2 * 2 * (30 - (1 - std::pow(0.5, 30)))).epsilon(1e-13));

  // Adam's corrected mean and variance are g and g^2 at every step.
  w = s[0] = s[1] = 0;
  for (int step = 0; step < 30; ++step) kdm::adam{}.at(step, 0.1)(2., w, s);
  CHECK(w == doctest::Approx(-3).epsilon(1e-7));

  // Decay alone: no gradient.
  w = 1, s[0] = s[1] = 0;
  for (int step = 0; step < 30; ++step) kdm::adamw(0.2).at(step, 0.1)(0., w, s);
  CHECK(w == doctest::Approx(std::pow(1 - 0.1 * 0.2, 30)).epsilon(1e-13));
}

TEST_CASE("the cosine falls from one to its end") {
  const auto rate = kdm::schedules::cosine(0.1);
  CHECK(rate(0, 100) == 1);
  CHECK(rate(50, 100) == doctest::Approx(0.55));
  CHECK(rate(100, 100) == doctest::Approx(0.1));
  CHECK(rate(1000, 100) == doctest::Approx(0.1));
  for (int k = 1; k <= 100; ++k) CHECK(rate(k, 100) < rate(k - 1, 100));
  CHECK(kdm::schedules::cosine()(0, 0) == doctest::Approx(0));
  CHECK(kdm::schedules::constant()(17, 100) == 1);
}

TEST_CASE("a warm-up rises and joins what follows") {
  const auto rate = kdm::schedules::warm_up(10, kdm::schedules::cosine());
  CHECK(rate(0, 100) == doctest::Approx(1. / 11));
  for (int k = 1; k <= 10; ++k) CHECK(rate(k, 100) - rate(k - 1, 100) == doctest::Approx(1. / 11));
  CHECK(rate(10, 100) == 1);
  for (int k = 11; k < 100; ++k) CHECK(rate(k, 100) < rate(k - 1, 100));
  CHECK(rate(55, 100) == doctest::Approx(0.5));
  CHECK(kdm::schedules::warm_up(0, kdm::schedules::constant())(0, 5) == 1);
  CHECK(kdm::schedules::warm_up(10, kdm::schedules::cosine())(4, 5) < 1);
  CHECK(kdm_test::message_of<kdm::option_error>([] { kdm::schedules::warm_up(-1, kdm::schedules::constant()); }) ==
        "warm_up: -1 steps, expected 0 or more");
}
