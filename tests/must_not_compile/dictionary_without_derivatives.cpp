// expect: has_derivatives
// lines: 40
#include "kdm/fit/dictionaries/dictionaries.hpp"

struct squares {
  kdm::index_t inputs() const { return 2; }
  kdm::index_t features() const { return 2; }
  void evaluate(kdm::const_view<double>, kdm::view<double>) const {}
};

void differentiate(const kdm::differentiable_dictionary auto&) {}

int main() { differentiate(squares{} + kdm::identity_dictionary(2)); }
