#include <chrono>
#include <cstdlib>
#include <iostream>

#include "kdm/kdm.hpp"
#include "kdm/testing/conformance.hpp"
#include "my_faster_device.hpp"

// Milliseconds for one training step.
template <class B>
double step_on(const B& b) {
  using namespace kdm;
  const auto pairs = generate(flow_path{}, checkerboard<float>(), heun{}, {.samples = 2000, .steps = 10});
  const sequential encoder{dense_layer(2, 64, activations::silu{}), dense_layer(64, 64, activations::silu{})};
  const sequential decoder{dense_layer(64, 64, activations::silu{}), dense_layer(64, 2)};
  const koopman_model model{encoder, encoder, linear_operator(64), decoder};
  const distillation problem{model, objective{0.1, terms::latent<>{}, terms::reconstruction<>{}}};
  trainer train{problem, adam{}, {.steps = 120, .batch = 256}, pairs.noise(), pairs.data(), b};
  while (train.step() < 20) train.advance();
  const auto start = std::chrono::steady_clock::now();
  train.run();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count() / 100;
}

int main() {
  for (const auto& operation : kdm::testing::supported_operations<my_faster_device<float>>())
    std::cout << operation.name << ": " << name_of(operation.how) << '\n';
  const auto report = kdm::testing::check_backend(my_faster_device<float>{});
  std::cout << report;
  std::cout << "a step: " << step_on(my_device<float>{}) << " ms, overtaken "
            << step_on(my_faster_device<float>{}) << " ms\n";
  return report.passed() ? EXIT_SUCCESS : EXIT_FAILURE;
}
