// expect: has_dimension
// lines: 30
#include "kdm/teacher/field.hpp"

struct still {
  using value_type = float;
  void velocity(kdm::const_view<float>, float, kdm::view<float>) const {}
};

void teach(const kdm::velocity_field auto&) {}

int main() { teach(still{}); }
