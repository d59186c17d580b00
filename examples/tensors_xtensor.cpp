// An xtensor user's tensors go to the trainer, and samples come back into an xtensor, without a copy.
#include <cstdio>

#include "kdm/backend/xtensor.hpp"  // with xt::xtensor and xt::xarray, wherever their version keeps them
#include "kdm/kdm.hpp"

int main() {
  using namespace kdm;

  // Pairs from anywhere, one row a sample: here a quarter turn and a stretch of the noise.
  auto noise = xt::xtensor<float, 2>::from_shape({2000, 2});
  auto data = xt::xtensor<float, 2>::from_shape({2000, 2});
  fill_normals({/*seed=*/3}, 0, as_view(noise));
  for (std::size_t i = 0; i < noise.shape(0); ++i) {
    data(i, 0) = -2 * noise(i, 1);
    data(i, 1) = noise(i, 0);
  }

  const koopman_model model{dense_layer(2, 16, activations::silu{}), dense_layer(2, 16, activations::silu{}),
                            linear_operator(16), dense_layer(16, 2)};
  const objective loss{0, terms::latent<>{}, terms::reconstruction<>{}, terms::prediction<>{}};
  const xtensor_backend<float> backend;
  trainer train{distillation{model, loss}, adam{}, {.steps = 1000, .batch = 100, .learning_rate = 1e-2},
                as_view(noise), as_view(data), backend};
  train.run();

  // The student writes into the user's tensor.
  auto samples = xt::xtensor<float, 2>::from_shape(noise.shape());
  generator student{model, train.average().view(), 1, backend};
  student.push(as_view(noise), as_view(samples));

  const double error = xt::mean(xt::square(samples - data))(), size = xt::mean(xt::square(data))();
  std::printf("mean squared error %.5f of %.2f; sample (%.2f, %.2f), data (%.2f, %.2f)\n", error, size, samples(0, 0),
              samples(0, 1), data(0, 0), data(0, 1));
  return error < 0.01 * size ? 0 : 1;
}
