// expect: b\.gemm\(|not satisfied for class template .trainer.
// lines: 40
#include "kdm/core/host.hpp"
#include "kdm/koopman/terms.hpp"
#include "kdm/train/trainer.hpp"

struct plain : kdm::host_backend<float> {};

// Compilers list every way to deduce a class template, and clang 14 gives no reason for a constraint that fails there.
void train(const kdm::matrix<float>& xT, const kdm::matrix<float>& x0) {
  using namespace kdm;
  const koopman_model model{dense_layer(2, 4), dense_layer(2, 4), linear_operator(4), dense_layer(4, 2)};
  trainer t{distillation{model, objective{0, terms::latent<>{}}}, adam{}, {}, xT, x0, plain{}};
}

int main() {}
