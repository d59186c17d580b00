// expect: koopman_operator
// lines: 30
#include "kdm/backend/reference.hpp"
#include "kdm/koopman/generator.hpp"

int main() {
  using layer = kdm::dense_layer<>;
  using model = kdm::koopman_model<layer, layer, layer, layer>;
  kdm::generator<model, kdm::reference_backend<float>>* g = nullptr;
  return g != nullptr;
}
