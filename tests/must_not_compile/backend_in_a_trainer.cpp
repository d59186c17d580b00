// expect: b\.gemm\(
// lines: 29
#include "kdm/core/host.hpp"
#include "kdm/koopman/terms.hpp"
#include "kdm/train/trainer.hpp"

struct plain : kdm::host_backend<float> {};

using layer = kdm::dense_layer<>;
using model = kdm::koopman_model<layer, layer, kdm::linear_operator, layer>;
using goal = kdm::objective<kdm::terms::latent<>>;

// Named. Deduced from arguments, the message is longer in g++, and clang 14 names no verb.
void train(kdm::trainer<model, goal, kdm::adam, plain>& t) { t.run(); }

int main() {}
