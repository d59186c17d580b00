#include <cmath>
#include <cstdlib>
#include <iostream>

#include "kdm/kdm.hpp"
#include "my_backend.hpp"
#include "my_device.hpp"

// Trains the same student on any backend and returns its last loss.
template <class B>
double loss_on(const B& b) {
  using namespace kdm;
  const auto pairs = generate(flow_path{}, ring_of_gaussians<float>(8, 3, 0.2), heun{}, {.samples = 500, .steps = 10});
  const koopman_model model{dense_layer(2, 16, activations::silu{}), dense_layer(2, 16, activations::silu{}),
                            linear_operator(16), dense_layer(16, 2)};
  const distillation problem{model, objective{0, terms::latent<>{}, terms::reconstruction<>{}}};
  const train_options options{.steps = 100, .batch = 50, .learning_rate = 1e-2};
  trainer train{problem, adam{}, options, pairs.noise(), pairs.data(), b};
  train.run();
  return train.report().loss;
}

int main() {
  const double expected = loss_on(kdm::reference_backend<float>{});
  const double host = loss_on(my_backend<float>{}), device = loss_on(my_device<float>{});
  std::cout << "reference " << expected << ", my backend " << host << ", my device " << device << '\n';
  const auto near = [=](double loss) { return std::abs(loss - expected) < 1e-3 * expected; };
  return near(host) && near(device) ? EXIT_SUCCESS : EXIT_FAILURE;
}
