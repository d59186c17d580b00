// The whole objective against central differences and against sums by hand.
#include "kdm/koopman/objective.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <type_traits>
#include <vector>

#include "kdm/nn/gradient_check.hpp"
#include "koopman/models.hpp"

namespace {

using namespace kdm_test;
using kdm::distillation;
using kdm::objective;
using kdm::reference_backend;
namespace terms = kdm::terms;
namespace distances = kdm::distances;

/// Largest difference between the gradient and central differences of the loss, over the largest gradient.
template <class Model, class Objective>
double gradient_error(const distillation<Model, Objective>& problem, index_t slice = 1000) {
  const reference_backend<double> b;
  const auto& model = problem.model();
  const auto xT = random_matrix<double>(6, model.noise_dimension(), 1);
  const auto x0 = random_matrix<double>(6, model.data_dimension(), 2);
  auto w = some_weights<double>(model);
  const auto exact = evaluate(b, problem, w, xT, x0, slice).gradient;
  matrix<double> differences(1, w.cols());
  const double h = 1e-5;
  for (index_t k = 0; k < w.cols(); ++k) {
    const double at = w(0, k);
    w(0, k) = at + h;
    const double above = loss_of(problem.objective(), evaluate(b, problem, w, xT, x0).terms);
    w(0, k) = at - h;
    const double below = loss_of(problem.objective(), evaluate(b, problem, w, xT, x0).terms);
    w(0, k) = at;
    differences(0, k) = (above - below) / (2 * h);
  }
  return kdm::detail::largest_difference(exact, differences);
}

template <class Distance>
void check_subsets(Distance distance) {
  const terms::latent<Distance> lat{0.7, distance};
  const terms::reconstruction<Distance> rec{1.3, distance};
  const terms::prediction<Distance> pred{0.4, distance};
  for (bool bias : {true, false})
    for (double noise : {0., 0.4}) {
      CAPTURE(bias);
      CAPTURE(noise);
      const auto model = small_model(bias, 3, 2, 3, 4);
      const auto check = [&](auto... t) { CHECK(gradient_error(distillation(model, objective(noise, t...))) < 1e-7); };
      check(lat);
      check(rec);
      check(pred);
      check(lat, rec, pred);
      if constexpr (std::is_same_v<Distance, distances::squared>) {
        check(lat, rec);
        check(lat, pred);
        check(rec, pred);
        auto again = lat;
        again.name = "latent again";
        check(pred, lat, rec, again);
      }
    }
}

TEST_CASE("objective: the gradient of any terms meets central differences") {
  SUBCASE("squared") { check_subsets(distances::squared{}); }
  SUBCASE("absolute") { check_subsets(distances::absolute{}); }
  SUBCASE("pseudo-Huber") { check_subsets(distances::pseudo_huber{}); }
}

TEST_CASE("objective: a sliced gradient meets central differences of the whole batch") {
  const distillation problem(small_model(), objective(0.4, terms::latent<>{}, terms::reconstruction<>{},
                                                      terms::prediction<distances::pseudo_huber>{2}));
  for (index_t slice : {1, 2, 4, 5}) CHECK(gradient_error(problem, slice) < 1e-7);
}

template <class B>
void check_slicing(double tolerance) {
  using T = kdm::value_t<B>;
  const distillation problem(small_model(), objective(0.4, terms::latent<distances::absolute>{0.5},
                                                      terms::reconstruction<>{}, terms::prediction<>{3}));
  const auto w = some_weights<T>(problem.model());
  const auto xT = random_matrix<T>(37, 3, 1), x0 = random_matrix<T>(37, 2, 2);
  const auto whole = evaluate(B{}, problem, w, xT, x0, 37, 9, 4);
  for (index_t slice : {1, 2, 3, 8, 16, 36}) {
    CAPTURE(slice);
    const auto cut = evaluate(B{}, problem, w, xT, x0, slice, 9, 4);
    CHECK(kdm::detail::largest_difference(cut.terms, whole.terms) < tolerance);
    CHECK(kdm::detail::largest_difference(cut.gradient, whole.gradient) < tolerance);
  }
  // The noise is that of the seed and the step.
  CHECK(kdm::detail::largest_difference(evaluate(B{}, problem, w, xT, x0, 37, 9, 5).terms, whole.terms) > 1e-3);
  CHECK(kdm::detail::largest_difference(evaluate(B{}, problem, w, xT, x0, 37, 8, 4).terms, whole.terms) > 1e-3);
}

TEST_CASE("objective: values and gradients do not depend on the slices") {
  SUBCASE("reference double") { check_slicing<reference_backend<double>>(1e-13); }
  SUBCASE("reference float") { check_slicing<reference_backend<float>>(1e-5); }
#if defined(EIGEN_DONT_PARALLELIZE)
  SUBCASE("eigen double") { check_slicing<kdm::eigen_backend<double>>(1e-13); }
  SUBCASE("eigen float") { check_slicing<kdm::eigen_backend<float>>(1e-5); }
#endif
}

TEST_CASE("objective: a gradient written afresh is the one added to zeros") {
  const auto check = [](const auto& model, auto... t) {
    const distillation problem(model, objective(0.4, t...));
    const auto xT = random_matrix<double>(9, model.noise_dimension(), 1);
    const auto x0 = random_matrix<double>(9, model.data_dimension(), 2);
    const auto w = some_weights<double>(model);
    const reference_backend<double> b;
    const auto added = evaluate(b, problem, w, xT, x0, 4), afresh = evaluate(b, problem, w, xT, x0, 4, 1, 0, true);
    CHECK(relative_difference(afresh.gradient, added.gradient) == 0);
    CHECK(relative_difference(afresh.terms, added.terms) == 0);
  };
  const auto check_terms = [&](const auto& model) {
    check(model, terms::latent<>{});  // which leaves the decoder alone
    check(model, terms::reconstruction<>{});
    check(model, terms::prediction<>{});
    check(model, terms::latent<>{}, terms::reconstruction<>{}, terms::prediction<>{});
  };
  check_terms(small_model());          // chains
  check_terms(linear_model(3, 2, 4));  // single layers
}

TEST_CASE("objective: one linear number a part has the loss and gradient worked out by hand") {
  // zT = a xT, z0 = b x0, z0_push = c (zT + s e'), x0_rec = d (z0 + s e), x0_push = d z0_push.
  const index_t n = 11;
  const auto xT = random_matrix<double>(n, 1, 1), x0 = random_matrix<double>(n, 1, 2);
  const double a = 0.8, c = -1.2, d = 0.6, b = 1.7;  // in the order of the model's weights
  matrix<double> w(1, 4);
  w(0, 0) = a, w(0, 1) = c, w(0, 2) = d, w(0, 3) = b;
  const double u = 0.7, v = 1.3, p = 0.4;
  for (double s : {0., 0.4}) {
    CAPTURE(s);
    const distillation problem(linear_model(1, 1, 1), objective(s, terms::latent<>{u}, terms::reconstruction<>{v},
                                                                terms::prediction<distances::absolute>{p}));
    const kdm::random_table pushed{1, kdm::streams::latent_noise_pushed, 0};
    const kdm::random_table data{1, kdm::streams::latent_noise_data, 0};
    double lat = 0, rec = 0, pred = 0, da = 0, db = 0, dc = 0, dd = 0;
    for (index_t i = 0; i < n; ++i) {
      const double zT = a * xT(i, 0) + s * pushed.normal<double>(i, 0), z0 = b * x0(i, 0);
      const double z0_noisy = z0 + s * data.normal<double>(i, 0);
      const double l = c * zT - z0, r = d * z0_noisy - x0(i, 0), q = d * c * zT - x0(i, 0), sign = q > 0 ? 1 : -1;
      lat += l * l, rec += r * r, pred += std::abs(q);
      da += 2 * u * l * c * xT(i, 0) + p * sign * d * c * xT(i, 0);
      db += -2 * u * l * x0(i, 0) + 2 * v * r * d * x0(i, 0);
      dc += 2 * u * l * zT + p * sign * d * zT;
      dd += 2 * v * r * z0_noisy + p * sign * c * zT;
    }
    const auto e = evaluate(reference_backend<double>{}, problem, w, xT, x0, 4);
    CHECK(e.terms(0, 0) == doctest::Approx(lat / n).epsilon(1e-12));
    CHECK(e.terms(0, 1) == doctest::Approx(rec / n).epsilon(1e-12));
    CHECK(e.terms(0, 2) == doctest::Approx(pred / n).epsilon(1e-12));
    CHECK(e.gradient(0, 0) == doctest::Approx(da / n).epsilon(1e-12));
    CHECK(e.gradient(0, 1) == doctest::Approx(dc / n).epsilon(1e-12));
    CHECK(e.gradient(0, 2) == doctest::Approx(dd / n).epsilon(1e-12));
    CHECK(e.gradient(0, 3) == doctest::Approx(db / n).epsilon(1e-12));
  }
}

TEST_CASE("objective: means run over rows and columns") {
  // Identity parts in three dimensions: z0 = x0, z0_push = xT; every term has a closed form.
  const kdm::dense_layer<> identity(3, 3, {}, false, kdm::initializer::identity);
  const kdm::koopman_model model{identity, identity, kdm::linear_operator(3, false, kdm::initializer::identity),
                                 identity};
  const distillation problem(model, objective(0, terms::latent<>{}, terms::reconstruction<distances::absolute>{},
                                              terms::prediction<distances::pseudo_huber>{1, {0.5}}));
  const auto w = kdm::initial_weights<double>(kdm::manifest_of(model), 1);
  matrix<double> xT(2, 3), x0(2, 3);
  for (index_t k = 0; k < 6; ++k) xT.data()[k] = double(k);  // differences 0 .. 5
  const auto e = evaluate(reference_backend<double>{}, problem, w, xT, x0);
  double huber = 0;
  for (int k = 0; k < 6; ++k) huber += std::sqrt(k * k + 0.25) - 0.5;
  CHECK(e.terms(0, 0) == doctest::Approx(55. / 6));
  CHECK(e.terms(0, 1) == 0);
  CHECK(e.terms(0, 2) == doctest::Approx(huber / 6));
}

TEST_CASE("objective: a latent noise below the smallest float reads no uninitialised memory") {
  const distillation problem(small_model(), objective(1e-60, terms::latent<>{}, terms::reconstruction<>{}));
  const distillation silent(small_model(), objective(0, terms::latent<>{}, terms::reconstruction<>{}));
  const auto w = some_weights<float>(problem.model());
  const auto xT = random_matrix<float>(5, 3, 1), x0 = random_matrix<float>(5, 2, 2);
  const reference_backend<float> b;
  CHECK(relative_difference(evaluate(b, problem, w, xT, x0).gradient, evaluate(b, silent, w, xT, x0).gradient) == 0);
}

TEST_CASE("objective: names are words of their own") {
  const auto named = [](std::string name) {
    return message_of<kdm::option_error>([&] { objective(0, terms::latent<>{.name = name}, terms::reconstruction<>{}); });
  };
  CHECK(named("mine") == "(nothing of that type was thrown)");
  for (const char* taken : {"reconstruction", "loss", "step", "seconds", ""})
    CHECK(named(taken) == "objective: a term is named '" + std::string(taken) + "', expected a name of its own");
  CHECK(named("a\"b").find("quote") != std::string::npos);
}

TEST_CASE("objective: names and weights come in the order of the terms") {
  const objective o(0.25, terms::prediction<>{.weight = 0.5}, terms::latent<>{.name = "mine"});
  CHECK(o.names() == std::vector<std::string>{"prediction", "mine"});
  CHECK(o.weights() == std::vector<double>{0.5, 1});
  CHECK(o.count() == 2);
  CHECK(o.latent_noise() == 0.25);
  static_assert(decltype(o)::reads_prediction && !decltype(o)::reads_reconstruction);
}

TEST_CASE("objective: what no term reads is not decoded") {
  const auto bytes = [](auto... t) {
    kdm::arena<reference_backend<double>> memory{reference_backend<double>{}};
    const distillation problem(small_model(), objective(0, t...));
    (void)problem.plan(memory, 100);
    return memory.bytes();
  };
  const index_t none = bytes(terms::latent<>{}), one = bytes(terms::latent<>{}, terms::prediction<>{});
  const index_t two = bytes(terms::latent<>{}, terms::prediction<>{}, terms::reconstruction<>{});
  CHECK(none < one);
  CHECK(one < two);
  CHECK(two - one == one - none);
}

TEST_CASE("objective: a negative latent noise is refused") {
  CHECK(message_of<kdm::option_error>([] { objective(-0.5, terms::latent<>{}); }) ==
        "objective: latent noise is -0.5, expected 0 or a finite number above it");
  CHECK(message_of<kdm::option_error>([] { objective(std::nan(""), terms::latent<>{}); }) ==
        "objective: latent noise is nan, expected 0 or a finite number above it");
}

}  // namespace
