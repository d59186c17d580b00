// expect: has_inputs
// lines: 30
#include "kdm/fit/dictionary.hpp"

struct squares {
  kdm::index_t features() const { return 2; }
  void evaluate(kdm::const_view<double>, kdm::view<double>) const {}
};

void lift(const kdm::dictionary auto&) {}

int main() { lift(squares{}); }
