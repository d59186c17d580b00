// What a small program costs the compiler: a student and its trainer. compile_time.sh compiles it for every backend.
#include <kdm/kdm.hpp>

void train(kdm::const_view<float> noise, kdm::const_view<float> data, kdm::view<float> weights) {
  using namespace kdm;
  const auto encoder = [] {
    return sequential{dense_layer(2, 256, activations::silu{}), dense_layer(256, 256, activations::silu{})};
  };
  const koopman_model model{encoder(), encoder(), linear_operator(256),
                            sequential{dense_layer(256, 256, activations::silu{}), dense_layer(256, 2)}};
  const distillation problem{model, objective{0.4, terms::latent<>{}, terms::reconstruction<>{}}};
  trainer t{problem, adam{}, {.steps = 5000, .batch = 256}, noise, data, PROGRAM_BACKEND<float>{}};
  t.run();
  reference_backend<float>{}.download(t.average(), weights);
}
