// Distils the exact checkerboard teacher into a small one-step student and samples from it.
#include <cstdio>

#include <kdm/kdm.hpp>

int main() {
  using namespace kdm;

  // The teacher: 5,000 trajectories from noise to data, of which the student sees the two ends.
  const auto board = checkerboard<float>();
  const auto pairs = generate(flow_path{}, board, heun{}, {.samples = 5000, .steps = 20, .seed = 1});

  // The student: two encoders, a Koopman operator, a decoder. Any layers will do.
  const sequential encoder{dense_layer(2, 32, activations::silu{}), dense_layer(32, 32, activations::silu{})};
  const sequential decoder{dense_layer(32, 32, activations::silu{}), dense_layer(32, 2)};
  const koopman_model model{encoder, encoder, linear_operator(32), decoder};
  const objective loss{0.1, terms::latent<>{}, terms::reconstruction<>{}, terms::prediction<>{}};

  trainer train{distillation{model, loss}, adam{}, {.steps = 300, .batch = 64, .learning_rate = 5e-3},
                pairs.noise(), pairs.data(), reference_backend<float>{}};
  const double before = train.advance().loss;
  train.run();

  // One push per sample.
  generator student{model, train.average().view(), 1, reference_backend<float>{}};
  const matrix<float> samples = student.sample(1000, /*seed=*/7);

  const double error = pair_error(student.push(pairs.noise()), pairs.data()).mean_squared;
  std::printf("loss %.3f -> %.3f, mean squared pair error %.3f, first sample (%.2f, %.2f)\n", before,
              train.report().loss, error, samples(0, 0), samples(0, 1));
  return train.report().loss < 0.5 * before ? 0 : 1;
}
