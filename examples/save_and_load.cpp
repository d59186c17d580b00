// One call saves a model, one loads it; one call saves a student for another program, and one samples from it.
#include <cstdio>

#include <kdm/io/model.hpp>
#include <kdm/kdm.hpp>

int main() {
  using namespace kdm;
  const sequential encoder{dense_layer(2, 16, activations::silu{}), dense_layer(16, 16, activations::silu{})};
  const sequential decoder{dense_layer(16, 16, activations::silu{}), dense_layer(16, 2)};
  const koopman_model model{encoder, encoder, linear_operator(16), decoder};
  const matrix<float> weights = initial_weights<float>(manifest_of(model), 1);  // of a trainer: average()

  // Architecture and weights, for a program that has the same layers.
  io::save_model("model.safetensors", model, weights.view());
  const matrix<float> again = io::load_model<float>("model.safetensors", model);

  // Of another architecture, the error names the first layer that differs.
  try {
    io::load_model<float>("model.safetensors", koopman_model{encoder, encoder, linear_operator(16, false), decoder});
  } catch (const io_error& e) {
    std::printf("%s\n", e.what());
  }

  // The step of sampling, for a program that knows nothing of the layers.
  io::save_student("student.safetensors", model, again.view());
  frozen_model student = io::load_student<float>("student.safetensors");
  matrix<float> samples(1000, student.data_dimension());
  student.sample(/*seed=*/7, /*first=*/0, samples);

  generator expected{model, weights.view(), 1, reference_backend<float>{}};
  const double difference = pair_error(samples, expected.sample(1000, 7)).unexplained;
  std::printf("first sample (%.4f, %.4f), share of the variance that differs %.1e\n", double(samples(0, 0)),
              double(samples(0, 1)), difference);
  return difference < 1e-9 ? 0 : 1;
}
