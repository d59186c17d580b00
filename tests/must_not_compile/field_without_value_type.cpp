// expect: has_field_value
// lines: 30
#include "kdm/teacher/field.hpp"

struct still {
  kdm::index_t dimension() const { return 2; }
  void velocity(kdm::const_view<float>, float, kdm::view<float>) const {}
};

void teach(const kdm::velocity_field auto&) {}

int main() { teach(still{}); }
