// expect: 'step'(.|\n)*train_options|train_options(.|\n)*'step'
// lines: 10
#include "kdm/kdm.hpp"

int main() {
  const kdm::dense_layer e(2, 8, kdm::activations::silu{}), d(8, 2, kdm::activations::silu{});
  const kdm::koopman_model model{e, e, kdm::linear_operator(8), d};
  const kdm::objective loss{0.1, kdm::terms::latent<>{}};
  kdm::matrix<float> x(10, 2);
  kdm::trainer train{kdm::distillation{model, loss}, kdm::adam{}, kdm::train_options{.step = 3}, x.view(), x.view(),
                     kdm::reference_backend<float>{}};
}
