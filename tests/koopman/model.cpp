// The model's sizes, names and blocks of weights, and the dense operator read and set as a matrix.
#include "kdm/koopman/model.hpp"

#include <doctest/doctest.h>

#include <sstream>
#include <string>
#include <vector>

#include "kdm/koopman/block_diagonal_operator.hpp"
#include "kdm/koopman/controlled_operator.hpp"
#include "kdm/koopman/eigen_operator.hpp"
#include "kdm/koopman/generator_operator.hpp"
#include "kdm/koopman/low_rank_operator.hpp"
#include "kdm/koopman/orthogonal_operator.hpp"
#include "kdm/nn/architecture.hpp"
#include "kdm/nn/residual.hpp"
#include "kdm/nn/runner.hpp"
#include "kdm/nn/summary.hpp"
#include "koopman/models.hpp"

namespace {

using namespace kdm_test;
using kdm::dense_layer;
using kdm::koopman_model;
using kdm::linear_operator;
using kdm::reference_backend;
using kdm::shape_error;

/// An operator that is no square map: only its sizes matter.
struct wide_operator : dense_layer<> {
  explicit wide_operator(index_t in, index_t out) : dense_layer(in, out) {}
};

TEST_CASE("model: parts that do not fit are named") {
  const auto make = [](index_t noise_out, index_t data_out, index_t op_out, index_t dec_in, index_t dec_out) {
    return message_of<shape_error>([=] {
      koopman_model{dense_layer(3, noise_out), dense_layer(2, data_out), wide_operator(5, op_out),
                    dense_layer(dec_in, dec_out)};
    });
  };
  CHECK(make(4, 5, 5, 5, 2) == "koopman_model: outputs of encoder_noise is 4, expected 5");
  CHECK(make(5, 6, 5, 5, 2) == "koopman_model: outputs of encoder_data is 6, expected 5");
  CHECK(make(5, 5, 7, 5, 2) == "koopman_model: outputs of the operator is 7, expected 5");
  CHECK(make(5, 5, 5, 8, 2) == "koopman_model: inputs of the decoder is 8, expected 5");
  CHECK(make(5, 5, 5, 5, 3) == "koopman_model: outputs of the decoder is 3, expected 2");
  CHECK(make(5, 5, 5, 5, 2) == "(nothing of that type was thrown)");
}

TEST_CASE("model: sizes and tensors in the documented order") {
  const auto model = small_model();
  CHECK(model.latent() == 5);
  CHECK(model.noise_dimension() == 3);
  CHECK(model.data_dimension() == 2);
  const kdm::manifest m = kdm::manifest_of(model);
  CHECK(m.size() == model.size());
  std::vector<std::string> names;
  for (const auto& e : m) names.push_back(e.name);
  CHECK(names == std::vector<std::string>{
                     "encoder_noise.0.weight", "encoder_noise.0.bias", "encoder_noise.1.weight", "encoder_noise.1.bias",
                     "encoder_noise.2.weight", "encoder_noise.2.bias", "koopman.weight", "koopman.bias",
                     "decoder.0.weight", "decoder.0.bias", "decoder.1.weight", "decoder.1.bias",
                     "encoder_data.0.weight", "encoder_data.0.bias", "encoder_data.1.weight", "encoder_data.1.bias"});
  CHECK(kdm::manifest_of(model, "student").entries().front().name == "student.encoder_noise.0.weight");
  CHECK(kdm::summary<float>(model).find("koopman.bias") != std::string::npos);
}

TEST_CASE("model: the four blocks cut the weights without gap or overlap") {
  const auto model = small_model();
  const auto w = some_weights<double>(model);
  const auto check = [&](const_view<double> block, const char* first, index_t size) {
    CHECK(block.p - w.data() == kdm::manifest_of(model).find(first).offset);
    CHECK(block.size() == size);
  };
  check(model.noise_weights(w.view()), "encoder_noise.0.weight", model.encoder_noise.size());
  check(model.operator_weights(w.view()), "koopman.weight", 30);
  check(model.decoder_weights(w.view()), "decoder.0.weight", model.decoder.size());
  check(model.data_weights(w.view()), "encoder_data.0.weight", model.encoder_data.size());
  CHECK(model.step().size() == model.size() - model.encoder_data.size());
  CHECK(model.step().inputs() == 3);
  CHECK(model.step().outputs() == 2);
}

TEST_CASE("operator: the map read from the weights is what the layer does") {
  for (bool bias : {true, false}) {
    CAPTURE(bias);
    const linear_operator op(4, bias);
    CHECK(op.takes_bias() == bias);
    const auto w = random_matrix<double>(1, op.size(), 3), z = random_matrix<double>(6, 4, 4);
    const kdm::affine_map map = op.affine(w.view());
    kdm::runner<linear_operator, reference_backend<double>> run(op, w.view());
    const auto moved = run(z.view());
    matrix<double> expected(6, 4);
    for (index_t i = 0; i < 6; ++i)
      for (index_t j = 0; j < 4; ++j) {
        expected(i, j) = map.c(0, j);
        for (index_t k = 0; k < 4; ++k) expected(i, j) += z(i, k) * map.a(j, k);
      }
    CHECK(relative_difference(moved, expected) < 1e-14);

    matrix<double> again(1, op.size());
    op.assign(map, again.view());
    CHECK(relative_difference(again, w) == 0);
  }
}

/// A layer that says nothing of itself.
struct silent : dense_layer<> {
  silent() : dense_layer(3, 3) {}
  void text() const {}
};

TEST_CASE("model: printing it names the layers by their tensors with sizes and activations") {
  namespace activations = kdm::activations;
  const dense_layer in(2, 4, activations::silu{});
  const koopman_model model{
      kdm::sequential{in, kdm::residual(kdm::sequential{dense_layer(4, 3, activations::leaky_relu{0.25}), silent(),
                                                        dense_layer(3, 4)})},
      in, kdm::eigen_operator(4),
      kdm::sequential{kdm::stack(std::vector{dense_layer(4, 4, activations::tanh{})}), dense_layer(4, 2, {}, false)}};
  std::ostringstream out;
  out << model;
  CHECK(out.str() ==
        "encoder_noise.0: dense_layer 2 -> 4, silu\n"
        "encoder_noise.1: residual\n"
        "encoder_noise.1.0: dense_layer 4 -> 3, leaky_relu(0.25)\n"
        "encoder_noise.1.1: 3 -> 3, a layer of 12 weights\n"
        "encoder_noise.1.2: dense_layer 3 -> 4, identity\n"
        "koopman: eigen_operator 4, 0 real eigenvalues\n"
        "decoder.0.0: dense_layer 4 -> 4, tanh\n"
        "decoder.1: dense_layer 4 -> 2, identity, without bias\n"
        "encoder_data: dense_layer 2 -> 4, silu");
  CHECK(kdm::architecture(kdm::stack(std::vector{in})) == kdm::architecture(kdm::sequential{in}));
  CHECK(kdm::architecture(in) == "dense_layer 2 -> 4, silu");
  CHECK(linear_operator(3, false).text() == "linear_operator 3, without bias");
  CHECK(kdm::low_rank_operator(5, 2).text() == "low_rank_operator 5, rank 2");
  CHECK(kdm::block_diagonal_operator(5).text() == "block_diagonal_operator 5, 1 real eigenvalues");
  CHECK(kdm::orthogonal_operator(3, -1).text() == "orthogonal_operator 3, determinant -1");
  CHECK(kdm::generator_operator(3, 0.5).text() == "generator_operator 3, time 0.5, bound 16");
  CHECK(kdm::controlled_operator(3, 2).text() == "controlled_operator 3, 2 controls");
}

TEST_CASE("operator: a fit of another dimension is refused before anything is written") {
  const linear_operator op(4);
  matrix<double> w(1, op.size());
  CHECK(message_of<shape_error>([&] { op.assign({matrix<double>(3, 4), matrix<double>(1, 4)}, w.view()); }) ==
        "linear_operator: rows of the fitted matrix is 3, expected 4");
  CHECK(message_of<shape_error>([&] { op.assign({matrix<double>(4, 5), matrix<double>(1, 4)}, w.view()); }) ==
        "linear_operator: columns of the fitted matrix is 5, expected 4");
  const auto a = random_matrix<double>(4, 4, 1);
  CHECK(message_of<shape_error>([&] { op.assign({a, matrix<double>()}, w.view()); }) ==
        "linear_operator: entries of the fitted bias is 0, expected 4");
  CHECK(relative_difference(w, matrix<double>(1, op.size())) == 0);
}

static_assert(kdm::koopman_operator<linear_operator, reference_backend<float>>);
static_assert(!kdm::koopman_operator<dense_layer<>, reference_backend<float>>);
static_assert(kdm::distillable<decltype(small_model()), reference_backend<double>>);

}  // namespace
