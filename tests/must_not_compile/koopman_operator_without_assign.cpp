// expect: has_assign
// lines: 30
#include "kdm/backend/reference.hpp"
#include "kdm/koopman/operator.hpp"

struct scaling : kdm::dense_layer<> {
  explicit scaling(kdm::index_t latent) : dense_layer(latent, latent) {}
  kdm::index_t latent() const { return inputs(); }
  bool takes_bias() const { return true; }
  kdm::affine_map affine(kdm::const_view<double>) const { return {}; }
};

void use(const kdm::koopman_operator<kdm::reference_backend<float>> auto&) {}

int main() { use(scaling(3)); }
