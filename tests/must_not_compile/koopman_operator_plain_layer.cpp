// expect: has_latent
// lines: 30
#include "kdm/backend/reference.hpp"
#include "kdm/koopman/operator.hpp"

void use(const kdm::koopman_operator<kdm::reference_backend<float>> auto&) {}

int main() { use(kdm::dense_layer(3, 3)); }
