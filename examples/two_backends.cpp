// Two backends in one program: training and sampling run on Eigen in float, the check on the reference backend in
// double.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "kdm/backend/eigen.hpp"
#include "kdm/backend/reference.hpp"
#include "kdm/kdm.hpp"

int main() {
  using namespace kdm;
  const auto pairs =
      generate(flow_path{}, ring_of_gaussians<float>(8, 3, 0.2), heun{}, {.samples = 4000, .steps = 20, .seed = 1});

  // A model is sizes alone, no numbers: the same object serves every backend and both precisions.
  const sequential encoder{dense_layer(2, 32, activations::silu{}), dense_layer(32, 16)};
  const sequential decoder{dense_layer(16, 32, activations::silu{}), dense_layer(32, 2)};
  const koopman_model model{encoder, encoder, linear_operator(16), decoder};
  const objective loss{0.1, terms::latent<>{}, terms::reconstruction<>{}, terms::prediction<>{}};

  trainer train{distillation{model, loss}, adam{}, {.steps = 1000, .batch = 128, .learning_rate = 5e-3},
                pairs.noise(), pairs.data(), eigen_backend<float>{}};
  train.run();

  // Weights move through the host, as a kdm::matrix: from any backend to any other, here to double on the way.
  const matrix<float> weights = train.average();
  const matrix<double> wide_weights{weights.view()};
  generator fast{model, weights.view(), 1, eigen_backend<float>{}};
  generator exact{model, wide_weights.view(), 1, reference_backend<double>{}};

  // Both draw the same noise from the same seed: what differs is the rounding of the network.
  const index_t n = 5000;
  const matrix<float> samples = fast.sample(n, /*seed=*/7);
  const matrix<double> expected = exact.sample(n, /*seed=*/7);
  double worst = 0;
  for (index_t k = 0; k < samples.size(); ++k)
    worst = std::max(worst, std::abs(double(samples.data()[k]) - expected.data()[k]));

  const double error = pair_error(fast.push(pairs.noise()), pairs.data()).mean_squared;
  std::printf("loss %.4f, mean squared pair error %.3f\n", train.report().loss, error);
  std::printf("Eigen in float and plain loops in double: %ld samples differ by %.1e at most\n", long(n), worst);
  return worst > 0 && worst < 1e-4 ? EXIT_SUCCESS : EXIT_FAILURE;
}
