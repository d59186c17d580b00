// The same source trains on every backend and every executor: two template arguments change, nothing else does.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "kdm/backend/eigen.hpp"
#include "kdm/backend/reference.hpp"
#include "kdm/backend/xtensor.hpp"
#include "kdm/exec/onetbb.hpp"
#include "kdm/exec/openmp.hpp"
#include "kdm/koopman/terms.hpp"
#include "kdm/math/random.hpp"
#include "kdm/train/trainer.hpp"

struct result {
  kdm::matrix<float> weights;
  double loss;
};

// What a program of yours would contain, with one backend and one executor instead of the arguments.
template <kdm::backend Backend, kdm::executor Executor>
result train_on(const char* backend, const char* executor, Executor run) {
  using namespace kdm;
  matrix<float> xT(1000, 2), x0(1000, 2);  // data: the noise, turned by an angle that grows with its radius
  fill_normals({/*seed=*/3}, 0, xT.view());
  for (index_t i = 0; i < xT.rows(); ++i) {
    const float a = std::hypot(xT(i, 0), xT(i, 1)), c = std::cos(a), s = std::sin(a);
    x0(i, 0) = c * xT(i, 0) - s * xT(i, 1), x0(i, 1) = s * xT(i, 0) + c * xT(i, 1);
  }

  const activations::silu act;
  const koopman_model model{dense_layer(2, 48, act), dense_layer(2, 48, act), linear_operator(48), dense_layer(48, 2)};
  const objective loss{0.1, terms::latent<>{}, terms::prediction<>{}};
  const train_options options{.steps = 150, .batch = 256, .learning_rate = 1e-2};
  trainer t{distillation{model, loss}, adam{}, options, xT, x0, Backend{}, run};
  t.run();
  std::printf("%-10s %-7s %d lanes   loss %.9f\n", backend, executor, run.lanes(), t.report().loss);
  return {t.weights(), t.report().loss};
}

bool same_bits(const kdm::matrix<float>& a, const kdm::matrix<float>& b) {
  return std::memcmp(a.data(), b.data(), std::size_t(a.size()) * sizeof(float)) == 0;
}

// The result on one backend; `agree` becomes false when an executor changes a bit of it.
template <kdm::backend Backend>
result train_on_all_executors(const char* name, bool& agree) {
  result alone = train_on<Backend>(name, "serial", kdm::serial{});
  const result openmp = train_on<Backend>(name, "openmp", kdm::openmp(3));
  const result onetbb = train_on<Backend>(name, "onetbb", kdm::onetbb(2));
  agree = agree && same_bits(openmp.weights, alone.weights) && same_bits(onetbb.weights, alone.weights);
  return alone;
}

int main() {
  bool agree = true;
  const result reference = train_on_all_executors<kdm::reference_backend<float>>("reference", agree);
  const result eigen = train_on_all_executors<kdm::eigen_backend<float>>("eigen", agree);
  const result xtensor = train_on_all_executors<kdm::xtensor_backend<float>>("xtensor", agree);

  const auto difference = [&](const result& r) { return std::abs(r.loss / reference.loss - 1); };
  std::printf("executors: %s; backends: losses differ by %.1e (eigen) and %.1e (xtensor)\n",
              agree ? "the same bits" : "DIFFERENT BITS", difference(eigen), difference(xtensor));
  return agree && difference(eigen) < 1e-4 && difference(xtensor) < 1e-4 ? EXIT_SUCCESS : EXIT_FAILURE;
}
