// expect: has_feature_evaluation
// lines: 30
#include "kdm/fit/dictionary.hpp"

struct squares {
  kdm::index_t inputs() const { return 2; }
  kdm::index_t features() const { return 2; }
  void evaluate(kdm::const_view<double>, kdm::view<double>) {}  // not const
};

void lift(const kdm::dictionary auto&) {}

int main() { lift(squares{}); }
