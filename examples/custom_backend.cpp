// A backend of your own: the six clauses of the concept, here with a count of the floating-point operations.
// docs/writing_a_backend.md takes them one by one, and runs the conformance suite.
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <new>

#include "kdm/kdm.hpp"

struct counting_backend {
  using value_type = float;
  using space = kdm::host_space;  // what the pointers mean: the host's memory, or a tag of your own
  using to = kdm::view<float>;
  using from = kdm::const_view<float>;
  long* flops;

  float* allocate(kdm::index_t n) { return new (std::align_val_t(64)) float[std::size_t(n)]; }
  void deallocate(float* p, kdm::index_t) { ::operator delete[](p, std::align_val_t(64)); }

  void upload(from x, to y) { kdm::reference_backend<float>{}.upload(x, y); }  // your copy to the device
  void download(from x, to y) { upload(x, y); }
  void synchronize() {}

  template <class Kernel>
  void for_each(kdm::index_t n, Kernel kernel) {
    for (kdm::index_t i = 0; i < n; ++i) kernel(i);
  }

  template <class F, class... X>
  void sum_rows(F f, float keep, to y, from x, X... more) {
    for (kdm::index_t j = 0; j < y.cols; ++j) {
      float sum = keep == 0 ? 0 : keep * y(0, j);
      for (kdm::index_t i = 0; i < x.rows; ++i) sum += f(x(i, j), more(i, j)...);
      y(0, j) = sum;
    }
  }

  void gemm(kdm::op ta, kdm::op tb, float a, from x, from y, float keep, to z) {
    kdm::reference_backend<float>{}.gemm(ta, tb, a, x, y, keep, z);  // your matrix product
    *flops += 2 * long(z.size()) * long(ta == kdm::op::as_is ? x.cols : x.rows);
  }
};
static_assert(kdm::backend<counting_backend>);

template <kdm::backend B>
double loss_on(const B& b) {
  using namespace kdm;
  const auto pairs = generate(flow_path{}, ring_of_gaussians<float>(8, 3, 0.2), heun{}, {.samples = 500, .steps = 10});
  const koopman_model model{dense_layer(2, 16, activations::silu{}), dense_layer(2, 16, activations::silu{}),
                            linear_operator(16), dense_layer(16, 2)};
  trainer train{distillation{model, objective{0, terms::latent<>{}, terms::reconstruction<>{}}}, adam{},
                {.steps = 100, .batch = 50, .learning_rate = 1e-2}, pairs.noise(), pairs.data(), b};
  train.run();
  return train.report().loss;
}

int main() {
  long flops = 0;
  const double loss = loss_on(counting_backend{&flops}), expected = loss_on(kdm::reference_backend<float>{});
  std::cout << "loss " << loss << " here, " << expected << " on the reference backend, " << flops / 100
            << " flops in matrix products a step\n";
  return flops > 0 && std::abs(loss - expected) < 1e-3 * expected ? EXIT_SUCCESS : EXIT_FAILURE;
}
