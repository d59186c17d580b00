// Pairs in std::vector, as they come from a file or another program, and samples back into a std::vector: no copy.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "kdm/kdm.hpp"

int main() {
  using namespace kdm;

  // One number after the other, sample by sample: n x 1 for the noise, n x 2 for the data, points on a spiral.
  const index_t n = 2000;
  std::vector<float> noise, data;
  for (index_t i = 0; i < n; ++i) {
    const float z = random_table{3}.normal<float>(i, 0);
    noise.push_back(z);
    data.push_back((1 + z / 4) * std::cos(z));
    data.push_back((1 + z / 4) * std::sin(z));
  }

  // A vector says how many numbers it has, not how many rows: so as_view is told, and refuses what does not fit.
  const auto xT = as_view(noise, n, 1), x0 = as_view(data, n, 2);

  const activations::tanh act;
  const koopman_model model{sequential{dense_layer(1, 32, act), dense_layer(32, 8)},
                            sequential{dense_layer(2, 32, act), dense_layer(32, 8)}, linear_operator(8),
                            sequential{dense_layer(8, 32, act), dense_layer(32, 2)}};
  const objective loss{0, terms::latent<>{}, terms::reconstruction<>{}, terms::prediction<>{}};
  const reference_backend<float> backend;
  trainer train{distillation{model, loss}, adam{}, {.steps = 1000, .batch = 100, .learning_rate = 1e-2},
                xT, x0, backend};
  train.run();

  // Every third sample, written into the user's memory: a leading dimension skips the rows in between.
  std::vector<float> samples(std::size_t(n / 3) * 2);
  const const_view<float> third(noise.data(), n / 3, 1, /*ld=*/3);
  generator student{model, train.average().view(), 1, backend};
  student.push(third, as_view(samples, n / 3, 2));

  const const_view<float> expected(data.data(), n / 3, 2, /*ld=*/6);
  const double error = pair_error(as_view(samples, n / 3, 2), expected).mean_squared;
  std::printf("mean squared error %.5f; sample (%.2f, %.2f), data (%.2f, %.2f)\n", error, double(samples[0]),
              double(samples[1]), double(data[0]), double(data[1]));

  try {
    as_view(data, n, 3);
  } catch (const shape_error& e) {
    std::printf("refused: %s\n", e.what());
    return error < 0.01 ? EXIT_SUCCESS : EXIT_FAILURE;
  }
  return EXIT_FAILURE;
}
