// Fitted operators against exact maps, against the objective they minimise, and inside a training run.
#include "kdm/fit/initialize.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "kdm/exec/serial.hpp"
#include "kdm/train/trainer.hpp"
#include "koopman/models.hpp"

namespace test_initialize {

using namespace kdm_test;
using kdm::distillation;
using kdm::eigen_backend;
using kdm::fit_status;
using kdm::initialize_operator;
using kdm::objective;
using kdm::operator_fit_options;
using kdm::reference_backend;
namespace terms = kdm::terms;

template <class T, class Model>
kdm::affine_map operator_of(const Model& model, const matrix<T>& w) {
  return model.koopman.affine(matrix<double>(model.operator_weights(w.view())).view());
}

/// The unweighted latent term of a model without noise.
template <class T, class Model>
double latent_loss(const Model& model, const matrix<T>& w, const matrix<T>& xT, const matrix<T>& x0) {
  const distillation problem(model, objective(0, terms::latent<>{}));
  return double(evaluate(eigen_backend<T>{}, problem, w, xT, x0).terms(0, 0));
}

/// Data that a bent map of the noise makes, so that there is something to learn.
template <class T>
matrix<T> bent(const matrix<T>& xT) {
  matrix<T> x0(xT.rows(), 2);
  for (index_t i = 0; i < xT.rows(); ++i) {
    x0(i, 0) = T(std::sin(xT(i, 0)) + T(0.3) * xT(i, 1));
    x0(i, 1) = xT(i, 1) * xT(i, 2) - T(0.5) + T(0.2) * xT(i, 0);
  }
  return x0;
}

/// Encoders that are the identity, so that latents are the data.
auto identity_model(index_t n, bool bias) {
  const kdm::dense_layer<> identity(n, n, {}, false, kdm::initializer::identity);
  return kdm::koopman_model{identity, identity, kdm::linear_operator(n, bias), identity};
}

TEST_CASE("initialize_operator: the exact affine map between the latents of linear encoders is recovered") {
  for (bool bias : {true, false}) {
    CAPTURE(bias);
    // E_T and E_0 are square, so z_0 = E_0 M E_T^-1 z_T + E_0 m exactly when x_0 = M x_T + m.
    const kdm::koopman_model model{kdm::dense_layer(4, 4, kdm::activations::identity{}, false),
                                   kdm::dense_layer(4, 4, kdm::activations::identity{}, false),
                                   kdm::linear_operator(4, bias), kdm::dense_layer(4, 4)};
    auto w = some_weights<double>(model);
    const auto before = w;
    const auto xT = random_matrix<double>(1000, 4, 1), m = random_matrix<double>(4, 4, 2);
    matrix<double> x0(1000, 4);
    for (index_t i = 0; i < 1000; ++i)
      for (index_t j = 0; j < 4; ++j) {
        x0(i, j) = bias ? 0.5 * double(j) - 2 : 0;
        for (index_t k = 0; k < 4; ++k) x0(i, j) += m(j, k) * xT(i, k);
      }
    const auto report = initialize_operator(model, w.view(), xT, x0, {.ridge = 0});
    CHECK(report.pairs == 1000);
    CHECK(report.residual_before > 0.1);
    CHECK(report.residual < 1e-13);
    CHECK(report.rank == (bias ? 5 : 4));
    CHECK(report.status == fit_status::ok);

    const auto et = model.encoder_noise.weight(model.noise_weights(w.view()));
    const auto e0 = model.encoder_data.weight(model.data_weights(w.view()));
    const kdm::affine_map map = operator_of(model, w);
    matrix<double> a_et(4, 4), e0_m(4, 4), shift(1, 4);
    for (index_t i = 0; i < 4; ++i)
      for (index_t j = 0; j < 4; ++j) {
        shift(0, i) += e0(i, j) * (bias ? 0.5 * double(j) - 2 : 0);
        for (index_t k = 0; k < 4; ++k) {
          a_et(i, j) += map.a(i, k) * et(k, j);
          e0_m(i, j) += e0(i, k) * m(k, j);
        }
      }
    CHECK(relative_difference(a_et, e0_m) < 1e-10);
    CHECK(relative_difference(map.c, shift) < 1e-10);
    CHECK(latent_loss(model, w, xT, x0) < 1e-20);
    // The other parts are as they were.
    const index_t first = model.encoder_noise.size(), last = first + model.koopman.size();
    for (index_t k = 0; k < w.size(); ++k)
      if (k < first || k >= last) CHECK(w(0, k) == before(0, k));
  }
}

TEST_CASE("initialize_operator: without noise or ridge the latent term's gradient vanishes at the fit") {
  for (bool bias : {true, false}) {
    const auto model = small_model(bias);
    auto w = some_weights<double>(model);
    const auto xT = random_matrix<double>(300, 3, 1), x0 = bent(xT);
    const distillation problem(model, objective(0, terms::latent<>{}));
    const auto gradient = [&] {
      const auto e = evaluate(reference_backend<double>{}, problem, w, xT, x0);
      double largest = 0;
      const auto part = model.operator_weights(e.gradient.view());
      for (index_t k = 0; k < part.cols; ++k) largest = std::max(largest, std::abs(part(0, k)));
      return largest;
    };
    const double before = gradient();
    initialize_operator(model, w.view(), xT, x0, {.ridge = 0});
    CHECK(before > 1e-3);
    CHECK(gradient() < 1e-13);
  }
}

/// The latent term expected over the noise s eps' on z_T: |z_T A' + c - z_0|^2 + n s^2 |A|^2, over n latent.
double expected_latent_loss(const matrix<double>& zT, const matrix<double>& z0, const kdm::affine_map& map, double s) {
  double sum = 0, squares = 0;
  for (index_t i = 0; i < zT.rows(); ++i)
    for (index_t j = 0; j < z0.cols(); ++j) {
      double d = map.c(0, j) - z0(i, j);
      for (index_t k = 0; k < zT.cols(); ++k) d += map.a(j, k) * zT(i, k);
      sum += d * d;
    }
  for (index_t k = 0; k < map.a.size(); ++k) squares += map.a.data()[k] * map.a.data()[k];
  return (sum + double(zT.rows()) * s * s * squares) / double(z0.size());
}

TEST_CASE("initialize_operator: with latent noise the expected latent term has its minimum at the fit") {
  const double s = 0.4;
  const auto model = small_model();
  auto w = some_weights<double>(model);
  const auto xT = random_matrix<double>(300, 3, 1), x0 = bent(xT);
  kdm::runner noise(model.encoder_noise, model.noise_weights(kdm::const_view<double>(w.view())),
                    reference_backend<double>{});
  kdm::runner data(model.encoder_data, model.data_weights(kdm::const_view<double>(w.view())),
                   reference_backend<double>{});
  const matrix<double> zT = noise(xT.view()), z0 = data(x0.view());

  // The closed form of the expectation is that of the objective itself, averaged over its noise.
  const kdm::affine_map any = operator_of(model, w);
  const distillation problem(model, objective(s, terms::latent<>{}));
  double mean = 0;
  const int draws = 400;
  for (int k = 0; k < draws; ++k)
    mean += evaluate(eigen_backend<double>{}, problem, w, xT, x0, 1000, 1, std::uint32_t(k)).terms(0, 0) / draws;
  CHECK(mean == doctest::Approx(expected_latent_loss(zT, z0, any, s)).epsilon(0.01));

  // Central differences of a quadratic are exact.
  const auto gradient = [&](const kdm::affine_map& at) {
    double largest = 0;
    for (matrix<double> kdm::affine_map::* part : {&kdm::affine_map::a, &kdm::affine_map::c})
      for (index_t k = 0; k < (at.*part).size(); ++k) {
        kdm::affine_map above = at, below = at;
        (above.*part).data()[k] += 0.01;
        (below.*part).data()[k] -= 0.01;
        largest = std::max(largest, std::abs(expected_latent_loss(zT, z0, above, s) -
                                             expected_latent_loss(zT, z0, below, s)) / 0.02);
      }
    return largest;
  };
  initialize_operator(model, w.view(), xT, x0, {.ridge = 0, .latent_noise = s});
  CHECK(gradient(any) > 1e-2);
  CHECK(gradient(operator_of(model, w)) < 1e-12);
  // The fit without noise is another operator, and worse by this measure.
  auto silent = w;
  initialize_operator(model, silent.view(), xT, x0, {.ridge = 0});
  CHECK(gradient(operator_of(model, silent)) > 1e-3);
  CHECK(expected_latent_loss(zT, z0, operator_of(model, silent), s) >
        expected_latent_loss(zT, z0, operator_of(model, w), s));
}

TEST_CASE("initialize_operator: random encoders get a better operator than they began with") {
  const auto xT = random_matrix<double>(700, 3, 1);
  const auto x0 = bent(xT);
  const auto model = small_model();
  auto w = kdm::initial_weights<double>(kdm::manifest_of(model), 1);
  const double before = latent_loss(model, w, xT, x0);
  const auto report = initialize_operator(model, w.view(), xT, x0);
  const double after = latent_loss(model, w, xT, x0);
  CHECK(after < 0.5 * before);
  // Both residuals are those of the latent term, relative to z_0.
  CHECK(report.residual / report.residual_before == doctest::Approx(std::sqrt(after / before)).epsilon(1e-10));

  SUBCASE("in float too") {
    const matrix<float> fT(xT.view()), f0(x0.view());
    auto f = kdm::initial_weights<float>(kdm::manifest_of(model), 1);
    const auto single = initialize_operator(model, f.view(), fT, f0);
    CHECK(single.residual == doctest::Approx(report.residual).epsilon(1e-4));
    CHECK(latent_loss(model, f, fT, f0) == doctest::Approx(after).epsilon(1e-3));
  }
  SUBCASE("and the slices and the backend do not matter") {
    for (index_t slice : {1, 64, 5000}) {
      auto v = kdm::initial_weights<double>(kdm::manifest_of(model), 1);
      initialize_operator(model, v.view(), xT, x0, {.slice = slice}, reference_backend<double>{}, kdm::serial{});
      CHECK(relative_difference(v, w) < 1e-10);
    }
  }
  SUBCASE("and a second call finds nothing to improve") {
    const auto again = initialize_operator(model, w.view(), xT, x0);
    CHECK(again.residual_before == doctest::Approx(report.residual).epsilon(1e-12));
    CHECK(again.residual == doctest::Approx(report.residual).epsilon(1e-12));
  }
}

TEST_CASE("initialize_operator: max_pairs takes evenly spaced pairs") {
  const auto model = identity_model(2, true);
  const auto xT = random_matrix<double>(101, 2, 1), x0 = random_matrix<double>(101, 2, 2);
  auto thinned = some_weights<double>(model), picked = thinned;
  const auto report = initialize_operator(model, thinned.view(), xT, x0, {.max_pairs = 40});
  CHECK(report.pairs == 34);  // every third
  CHECK(kdm::operator_fit_report{5000, 0.931, 0.0214, 33, 1234, fit_status::ok}.text() ==
        "operator of rank 33 fitted to 5000 pairs, ok: residual 0.93 -> 0.021, condition 1.2e+03");
  matrix<double> yT(34, 2), y0(34, 2);
  for (index_t i = 0; i < 34; ++i)
    for (index_t j = 0; j < 2; ++j) yT(i, j) = xT(3 * i, j), y0(i, j) = x0(3 * i, j);
  initialize_operator(model, picked.view(), yT, y0);
  CHECK(relative_difference(thinned, picked) < 1e-14);
  CHECK(initialize_operator(model, thinned.view(), xT, x0, {.max_pairs = 101}).pairs == 101);
  CHECK(initialize_operator(model, thinned.view(), xT, x0, {.max_pairs = 1000}).pairs == 101);
  CHECK(initialize_operator(model, thinned.view(), xT, x0, {.max_pairs = 1}).pairs == 1);
}

TEST_CASE("initialize_operator: degenerate pairs leave a finite operator and a status") {
  const auto model = identity_model(3, true);
  const auto w = some_weights<double>(model);
  const auto fit = [&](const matrix<double>& xT, const matrix<double>& x0, double ridge = 1e-6) {
    auto v = w;
    const auto report = initialize_operator(model, v.view(), xT, x0, {.ridge = ridge});
    CHECK(relative_difference(v, w) < 100);
    return report;
  };
  const auto x0 = random_matrix<double>(30, 3, 2);
  SUBCASE("one pair and two pairs") {
    for (index_t n : {1, 2}) {
      const auto report = fit(random_matrix<double>(n, 3, 1), random_matrix<double>(n, 3, 2));
      CHECK(report.status == fit_status::fewer_rows_than_columns);
      CHECK(report.rank == n);
      CHECK(report.residual < 1e-5);
    }
  }
  SUBCASE("a collapsed encoder") {
    for (double ridge : {0., 1e-6}) {
      const auto report = fit(matrix<double>(30, 3), x0, ridge);
      CHECK(report.status == fit_status::rank_deficient);
      CHECK(report.rank == 1);
    }
  }
  SUBCASE("a constant latent") {
    auto xT = random_matrix<double>(30, 3, 1);
    for (index_t i = 0; i < 30; ++i) xT(i, 1) = 0.7;
    for (double ridge : {0., 1e-6}) CHECK(fit(xT, x0, ridge).rank == 3);
  }
  SUBCASE("data that are zero") {
    const auto report = fit(random_matrix<double>(30, 3, 1), matrix<double>(30, 3));
    CHECK(report.residual == 0);
  }
}

TEST_CASE("initialize_operator: latents that are not finite leave the weights as they were") {
  const auto model = identity_model(3, true);
  auto w = some_weights<double>(model);
  const auto before = w;
  auto xT = random_matrix<double>(30, 3, 1);
  const auto x0 = random_matrix<double>(30, 3, 2);
  xT(17, 1) = std::numeric_limits<double>::infinity();
  CHECK(message_of<kdm::numeric_error>([&] { initialize_operator(model, w.view(), xT, x0); }).find(
            "snapshot_qr: row 17 of a has ") == 0);
  CHECK(relative_difference(w, before) == 0);
}

TEST_CASE("initialize_operator: shapes and options that do not fit are named") {
  const auto model = small_model();
  auto w = some_weights<double>(model);
  const auto call = [&](index_t weights, index_t xT_rows, index_t xT_cols, index_t x0_rows, index_t x0_cols) {
    return message_of<kdm::shape_error>([&] {
      initialize_operator(model, w.view().col_range(0, weights), matrix<double>(xT_rows, xT_cols),
                          matrix<double>(x0_rows, x0_cols));
    });
  };
  const index_t size = model.size();
  CHECK(call(size - 1, 4, 3, 4, 2) ==
        kdm::concat("initialize_operator: number of weights is ", size - 1, ", expected ", size));
  CHECK(call(size, 4, 2, 4, 2) == "initialize_operator: columns of xT is 2, expected 3");
  CHECK(call(size, 4, 3, 4, 3) == "initialize_operator: columns of x0 is 3, expected 2");
  CHECK(call(size, 5, 3, 4, 2) == "initialize_operator: rows of xT is 5, expected 4");
  CHECK(call(size, 0, 3, 0, 2) == "initialize_operator: no pairs, expected at least 1");
  const auto option = [&](operator_fit_options o) {
    return message_of<kdm::option_error>(
        [&] { initialize_operator(model, w.view(), matrix<double>(4, 3), matrix<double>(4, 2), o); });
  };
  CHECK(option({.max_pairs = -1}) ==
        "initialize_operator: max_pairs is -1 and slice 256, expected at least 0 and 1");
  CHECK(option({.slice = 0}) == "initialize_operator: max_pairs is 0 and slice 0, expected at least 0 and 1");
  CHECK(option({.ridge = -1}) == "least_squares: ridge is -1 and input_noise 0, expected finite numbers, 0 or more");
}

/// An operator that can only be diagonal: the fit's nearest is its diagonal.
class diagonal_operator : public kdm::linear_operator {
 public:
  using linear_operator::linear_operator;
  void assign(const kdm::affine_map& fit, kdm::view<double> w) const {
    kdm::affine_map diagonal{matrix<double>(latent(), latent()), fit.c};
    for (index_t k = 0; k < latent(); ++k) diagonal.a(k, k) = fit.a(k, k);
    linear_operator::assign(diagonal, w);
  }
};

TEST_CASE("initialize_operator: the residual is that of the operator as it could be set") {
  const kdm::dense_layer<> identity(3, 3, {}, false, kdm::initializer::identity);
  const kdm::koopman_model model{identity, identity, diagonal_operator(3), identity};
  auto w = some_weights<double>(model);
  const auto xT = random_matrix<double>(40, 3, 1), x0 = random_matrix<double>(40, 3, 2);
  const auto report = initialize_operator(model, w.view(), xT, x0);
  // z_0 = x_0 E', with E not quite the identity: the loss is measured where the latents are.
  matrix<double> z0(40, 3);
  kdm::runner run(model.encoder_data, model.data_weights(kdm::const_view<double>(w.view())), eigen_backend<double>{});
  run(x0.view(), z0.view());
  double size = 0;
  for (index_t k = 0; k < z0.size(); ++k) size += z0.data()[k] * z0.data()[k];
  CHECK(report.residual == doctest::Approx(std::sqrt(latent_loss(model, w, xT, x0) * 120 / size)).epsilon(1e-10));
}

template <class T>
struct recorder {
  std::vector<double> latent;
  template <class Trainer>
  void operator()(Trainer& /*trainer*/, const kdm::step_report& r) {
    latent.push_back(r.terms[0]);
  }
};

template <class T, class... Callbacks>
auto train(const matrix<T>& xT, const matrix<T>& x0, Callbacks&... callbacks) {
  kdm::train_options options;
  options.steps = 40;
  options.batch = 256;
  options.learning_rate = 1e-4;
  kdm::trainer t(distillation(small_model(), objective(0, terms::latent<>{}, terms::reconstruction<>{})),
                 kdm::adam{}, options, xT.view(), x0.view(), eigen_backend<T>{});
  t.run(callbacks...);
  return t;
}

template <class T>
void check_refits() {
  const auto xT = random_matrix<T>(512, 3, 1);
  const matrix<T> x0 = bent(xT);
  recorder<T> plain, refitted;
  kdm::refit_every<T> refit(10, xT.view(), x0.view());
  CHECK(refit.report().pairs == 0);
  auto without = train(xT, x0, plain);
  auto with = train(xT, x0, refit, refitted);
  // The same run up to the first refit, a lower loss from then on.
  for (std::size_t k = 0; k < 10; ++k) CHECK(refitted.latent[k] == plain.latent[k]);
  CHECK(refitted.latent[10] < 0.5 * plain.latent[10]);
  CHECK(refitted.latent[39] < 0.5 * plain.latent[39]);
  CHECK(refit.report().pairs == 512);
  CHECK(refit.report().residual < refit.report().residual_before);
}

TEST_CASE("refit_every: a run with refits has a lower latent loss") {
  SUBCASE("double") { check_refits<double>(); }
  SUBCASE("float") { check_refits<float>(); }
}

/// What refit_every asks of a trainer.
struct fake_trainer {
  decltype(small_model()) m = small_model();
  matrix<double> w = some_weights<double>(small_model());
  int changes = 0;
  const auto& model() const { return m; }
  template <class F>
  void change_weights(F f) {
    f(w.view());
    ++changes;
  }
};

TEST_CASE("refit_every: fits after every so many steps but not after the last") {
  fake_trainer t;
  const auto xT = random_matrix<double>(50, 3, 1), x0 = bent(xT);
  kdm::refit_every<double> refit(3, xT.view(), x0.view(), {.max_pairs = 25});
  kdm::step_report report;
  report.steps = 9;
  std::vector<int> changes;
  for (report.step = 1; report.step <= 9; ++report.step) {
    refit(t, report);
    changes.push_back(t.changes);
  }
  CHECK(changes == std::vector<int>{0, 0, 1, 1, 1, 2, 2, 2, 2});
  CHECK(refit.report().pairs == 25);
  CHECK(message_of<kdm::option_error>([&] { kdm::refit_every<double>(0, xT.view(), x0.view()); }) ==
        "refit_every: every 0 steps, expected at least 1");
  CHECK(message_of<kdm::shape_error>([&] {
          kdm::refit_every<double>(1, xT.view(), x0.view().row_range(0, 3));
        }) == "refit_every: rows of xT is 50, expected 3");
}

}  // namespace test_initialize
