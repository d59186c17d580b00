// Models and students as files, each in one call.
#include "kdm/io/model.hpp"

#include "files.hpp"
#include "kdm/backend/reference.hpp"
#include "kdm/koopman/generator.hpp"
#include "kdm/nn/chain.hpp"

using namespace kdm_test;
using kdm::dense_layer;
using kdm::io::load_model;
using kdm::io::load_student;
using kdm::io::save_model;
using kdm::io::save_student;
namespace activations = kdm::activations;

namespace {

template <class Act = activations::silu>
auto model_of(kdm::index_t hidden = 7, Act act = {}) {
  const kdm::sequential encoder{dense_layer(2, hidden, act), dense_layer(hidden, 5)};
  return kdm::koopman_model{encoder, encoder, kdm::linear_operator(5),
                            kdm::sequential{dense_layer(5, hidden, act), dense_layer(hidden, 2)}};
}

}  // namespace

TEST_CASE("model files: weights come back and the file says what they belong to") {
  const temporary_folder folder;
  const auto model = model_of();
  const auto w = random_matrix<float>(1, model.size(), 1);
  save_model(folder / "m.safetensors", model, w.view(), {{"note", "step 3"}});
  const auto back = load_model<float>(folder / "m.safetensors", model);
  CHECK(relative_difference(back, w) == 0);
  CHECK(relative_difference(load_model<double>(folder / "m.safetensors", model), w) == 0);
  const auto file = kdm::io::load_safetensors(folder / "m.safetensors");
  CHECK(file.metadata().at("note") == "step 3");
  CHECK(file.metadata().at("architecture") ==
        "encoder_noise.0: dense_layer 2 -> 7, silu\n"
        "encoder_noise.1: dense_layer 7 -> 5, identity\n"
        "koopman: linear_operator 5\n"
        "decoder.0: dense_layer 5 -> 7, silu\n"
        "decoder.1: dense_layer 7 -> 2, identity\n"
        "encoder_data.0: dense_layer 2 -> 7, silu\n"
        "encoder_data.1: dense_layer 7 -> 5, identity");
  CHECK(file.entry("decoder.1.weight").shape == kdm::io::shape_t{2, 7});
}

TEST_CASE("model files: the first layer that differs is named") {
  const temporary_folder folder;
  const auto path = folder / "m.safetensors";
  const auto model = model_of();
  save_model(path, model, random_matrix<float>(1, model.size(), 1).view());
  const auto problem = [&](const auto& other) {
    return message_of<kdm::io_error>([&] { load_model<float>(path, other); });
  };
  const std::string file = path.string();
  CHECK(problem(model_of(7, activations::tanh{})) ==
        file + ": the architecture has \"encoder_noise.0: dense_layer 2 -> 7, silu\", expected \"encoder_noise.0: "
               "dense_layer 2 -> 7, tanh\"");
  CHECK(problem(model_of(8)).find("has \"encoder_noise.0: dense_layer 2 -> 7, silu\", expected") != std::string::npos);
  CHECK(problem(model.encoder_noise).find("expected \"0: dense_layer 2 -> 7, silu\"") != std::string::npos);

  // A layer more, a layer less.
  const kdm::sequential one{dense_layer(2, 2)};
  const kdm::sequential two{dense_layer(2, 2), dense_layer(2, 2)};
  save_model(path, two, random_matrix<float>(1, two.size(), 2).view());
  CHECK(problem(one) == file + ": the architecture has \"1: dense_layer 2 -> 2, identity\", expected no further layer");
  save_model(path, one, random_matrix<float>(1, one.size(), 2).view());
  CHECK(problem(two) == file + ": the architecture has no further layer, expected \"1: dense_layer 2 -> 2, identity\"");
}

TEST_CASE("model files: a file that states no architecture is asked for its tensors") {
  const temporary_folder folder;
  const auto model = model_of();
  const auto w = random_matrix<double>(1, model.size(), 3);
  kdm::io::save_weights<double>(folder / "m.safetensors", kdm::manifest_of(model), w.view());
  CHECK(relative_difference(load_model<double>(folder / "m.safetensors", model), w) == 0);
  CHECK(message_of<kdm::io_error>([&] { load_model<double>(folder / "m.safetensors", model_of(8)); })
            .find("encoder_noise.0.weight") != std::string::npos);
}

TEST_CASE("model files: one call saves a student and one call samples from it") {
  const temporary_folder folder;
  const auto model = model_of();
  const auto w = random_matrix<double>(1, model.size(), 4);
  kdm::generator expected(model, w.view(), 3, kdm::reference_backend<double>{});
  save_student(folder / "s.safetensors", model, w.view(), 3);
  auto student = load_student<double>(folder / "s.safetensors");
  kdm::matrix<double> x(50, 2);
  student.sample(9, 0, x);
  CHECK(relative_difference(x, expected.sample(50, 9)) < 1e-12);

  save_student(folder / "s.safetensors", model, w.view());
  kdm::generator standard(model, w.view(), 1, kdm::reference_backend<double>{});
  load_student<double>(folder / "s.safetensors").sample(9, 0, x);
  CHECK(relative_difference(x, standard.sample(50, 9)) < 1e-12);

  kdm::matrix<double> mean(1, 2), deviations(1, 2);
  mean(0, 0) = 3, deviations(0, 0) = 2, deviations(0, 1) = 0.5;
  const kdm::normal_prior prior(mean, deviations);
  kdm::generator shifted(model, w.view(), prior, kdm::reference_backend<double>{});
  save_student(folder / "s.safetensors", model, w.view(), prior);
  load_student<double>(folder / "s.safetensors").sample(9, 0, x);
  CHECK(relative_difference(x, shifted.sample(50, 9)) < 1e-12);
  CHECK(message_of<kdm::io_error>([&] { load_student<float>(folder / "none.safetensors"); })
            .find("none.safetensors") != std::string::npos);
}
