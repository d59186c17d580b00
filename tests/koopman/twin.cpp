// The same small model in PyTorch (fixtures/torch_twin.py): values, gradients, Adam steps, and the names of tensors.
#if __has_include(<nlohmann/json.hpp>)
#include <doctest/doctest.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "kdm/io/safetensors.hpp"
#include "kdm/nn/gradient_check.hpp"
#include "kdm/nn/runner.hpp"
#include "kdm/train/trainer.hpp"
#include "koopman/models.hpp"

namespace {

using namespace kdm_test;

std::filesystem::path twin_file(const std::string& name) {
#if defined(KDM_TEST_FIXTURES)
  return std::filesystem::path(KDM_TEST_FIXTURES) / "twin" / name;
#else
  return std::filesystem::path(__FILE__).parent_path().parent_path() / "fixtures" / "twin" / name;
#endif
}

auto twin_model() {
  using kdm::dense_layer;
  const kdm::activations::silu silu;
  return kdm::koopman_model{kdm::sequential{dense_layer(3, 16, silu), dense_layer(16, 16, silu), dense_layer(16, 5)},
                            kdm::sequential{dense_layer(2, 16, silu), dense_layer(16, 5)}, kdm::linear_operator(5),
                            kdm::sequential{dense_layer(5, 16, silu), dense_layer(16, 16, silu), dense_layer(16, 2)}};
}

/// The tensors `prefix` + name of a file, as one flat buffer.
template <class T>
matrix<T> flat(const kdm::io::safetensors& file, const kdm::manifest& m, const std::string& prefix = "") {
  matrix<T> w(1, m.size());
  for (const auto& e : m) file.copy_to(prefix + e.name, kdm::tensor_of(w.view(), e));
  return w;
}

template <class T>
matrix<T> get(const kdm::io::safetensors& file, const std::string& name) {
  return matrix<T>(file.get<T>(name).as_matrix());
}

/// Largest difference over the largest number of b: no floor at 1, gradients are small.
template <class T>
double scaled_difference(const matrix<T>& a, const matrix<T>& b) {
  return kdm::detail::largest_difference(a, b);
}

/// Forward pass by hand with the layers alone.
template <class T, class L>
matrix<T> apply(const L& layer, const matrix<T>& w, index_t offset, const matrix<T>& x) {
  kdm::runner<L, kdm::reference_backend<T>> run(layer, w.view().col_range(offset, layer.size()));
  return run(x.view());
}

template <class T>
matrix<T> plus(matrix<T> x, const matrix<T>& y) {
  for (index_t k = 0; k < x.size(); ++k) x.data()[k] += y.data()[k];
  return x;
}

template <class B>
void check_twin(double tolerance) {
  using T = kdm::value_t<B>;
  const auto file = kdm::io::load_safetensors(twin_file("twin.safetensors"));
  const auto weights = kdm::io::load_safetensors(twin_file("weights.safetensors"));
  const auto model = twin_model();
  const kdm::manifest m = kdm::manifest_of(model);
  const matrix<T> w = flat<T>(weights, m), x0 = get<T>(file, "x0"), xT = get<T>(file, "xT");
  const double huber = 0.03;

  for (index_t slice : {1000, 5, 4}) {
    CAPTURE(slice);
    {
      const kdm::distillation problem(model, kdm::objective(0, kdm::terms::latent<>{}, kdm::terms::reconstruction<>{},
                                                            kdm::terms::prediction<>{}));
      const auto e = evaluate(B{}, problem, w, xT, x0, slice);
      CHECK(scaled_difference(e.terms, matrix<T>(get<T>(file, "plain.terms").view().reshaped(1, 3))) < tolerance);
      const matrix<T> expected = flat<T>(file, m, "plain.grad.");
      for (const auto& t : m) {
        CAPTURE(t.name);
        CHECK(scaled_difference(matrix<T>(kdm::tensor_of(e.gradient.view(), t)),
                                matrix<T>(kdm::tensor_of(expected.view(), t))) < tolerance);
      }
    }
    {
      const kdm::distillation problem(
          model, kdm::objective(0.4, kdm::terms::latent<>{0.7},
                                kdm::terms::reconstruction<kdm::distances::pseudo_huber>{1.3, {huber}},
                                kdm::terms::prediction<kdm::distances::absolute>{0.5}));
      const auto e = evaluate(B{}, problem, w, xT, x0, slice, 0x123456789ABCDEF0u, 7);
      CHECK(scaled_difference(e.terms, matrix<T>(get<T>(file, "noisy.terms").view().reshaped(1, 3))) < tolerance);
      const matrix<T> expected = flat<T>(file, m, "noisy.grad.");
      for (const auto& t : m) {
        CAPTURE(t.name);
        CHECK(scaled_difference(matrix<T>(kdm::tensor_of(e.gradient.view(), t)),
                                matrix<T>(kdm::tensor_of(expected.view(), t))) < tolerance);
      }
    }
  }
}

TEST_CASE("twin: the model takes a PyTorch state dict by name") {
  const auto file = kdm::io::load_safetensors(twin_file("weights.safetensors"));
  std::vector<kdm::io::tensor_label> expected;
  for (const auto& e : kdm::manifest_of(twin_model()))
    expected.push_back({e.name, e.is_bias() ? kdm::io::shape_t{e.cols} : kdm::io::shape_t{e.rows, e.cols}});
  CHECK(expected.size() == 18);
  CHECK(expected.front().name == "encoder_noise.0.weight");
  CHECK(expected.back().name == "encoder_data.1.bias");
  CHECK_NOTHROW(file.require(expected));
}

TEST_CASE("twin: forward values are those of PyTorch") {
  const auto file = kdm::io::load_safetensors(twin_file("twin.safetensors"));
  const auto model = twin_model();
  const auto w = flat<double>(kdm::io::load_safetensors(twin_file("weights.safetensors")), kdm::manifest_of(model));
  const auto x0 = get<double>(file, "x0"), xT = get<double>(file, "xT");
  const index_t at_operator = model.encoder_noise.size(), at_decoder = at_operator + model.koopman.size();
  for (const std::string name : {"plain.", "noisy."}) {
    CAPTURE(name);
    const auto eps = [&](const char* which) {
      return name == "plain." ? matrix<double>(13, 5) : get<double>(file, name + which);
    };
    const auto z0 = apply(model.encoder_data, w, at_decoder + model.decoder.size(), x0);
    const auto zT = apply(model.encoder_noise, w, 0, xT);
    const auto z0_push = apply(model.koopman, w, at_operator, plus(zT, eps("eps_pushed")));
    const auto x0_rec = apply(model.decoder, w, at_decoder, plus(z0, eps("eps")));
    const auto x0_push = apply(model.decoder, w, at_decoder, z0_push);
    CHECK(scaled_difference(z0, get<double>(file, name + "z0")) < 1e-12);
    CHECK(scaled_difference(zT, get<double>(file, name + "zT")) < 1e-12);
    CHECK(scaled_difference(z0_push, get<double>(file, name + "z0_push")) < 1e-12);
    CHECK(scaled_difference(x0_rec, get<double>(file, name + "x0_rec")) < 1e-12);
    CHECK(scaled_difference(x0_push, get<double>(file, name + "x0_push")) < 1e-12);
  }
}

TEST_CASE("twin: the latent noise is that of Philox written in numpy") {
  const auto file = kdm::io::load_safetensors(twin_file("twin.safetensors"));
  matrix<double> z(13, 5);
  for (const auto& [stream, name] : {std::pair(kdm::streams::latent_noise_pushed, "noisy.eps_pushed"),
                                     std::pair(kdm::streams::latent_noise_data, "noisy.eps")}) {
    kdm::fill_normals(kdm::random_table{0x123456789ABCDEF0u, stream, 7}, 0, z.view());
    for (index_t k = 0; k < z.size(); ++k) z.data()[k] *= 0.4;
    CHECK(scaled_difference(z, get<double>(file, name)) < 1e-14);
  }
}

TEST_CASE("twin: values and gradients are those of PyTorch") {
  SUBCASE("reference double") { check_twin<kdm::reference_backend<double>>(1e-12); }
  SUBCASE("reference float") { check_twin<kdm::reference_backend<float>>(2e-5); }
#if defined(EIGEN_DONT_PARALLELIZE)
  SUBCASE("eigen double") { check_twin<kdm::eigen_backend<double>>(1e-12); }
  SUBCASE("eigen float") { check_twin<kdm::eigen_backend<float>>(2e-5); }
#endif
}

TEST_CASE("twin: three Adam steps of the trainer are those of PyTorch") {
  const auto file = kdm::io::load_safetensors(twin_file("twin.safetensors"));
  const auto model = twin_model();
  const kdm::manifest m = kdm::manifest_of(model);
  kdm::train_options options;
  options.steps = 3;
  options.batch = 13;  // every batch is all the data, in another order
  options.schedule = kdm::schedules::constant();
  options.slices = {4, 2};
  const auto objective =
      kdm::objective(0, kdm::terms::latent<>{}, kdm::terms::reconstruction<>{}, kdm::terms::prediction<>{});
  const auto run = [&](auto backend) {
    using T = typename decltype(backend)::value_type;
    const auto x0 = get<T>(file, "x0"), xT = get<T>(file, "xT");
    kdm::trainer t(kdm::distillation(model, objective), kdm::adam{}, options, xT.view(), x0.view(), backend);
    auto state = t.state();
    state.weights = flat<T>(kdm::io::load_safetensors(twin_file("weights.safetensors")), m);
    t.restore(state);
    t.run();
    return scaled_difference(t.weights(), flat<T>(file, m, "adam."));
  };
  CHECK(run(kdm::reference_backend<double>{}) < 1e-9);
  CHECK(run(kdm::reference_backend<float>{}) < 1e-4);
}

}  // namespace
#endif
