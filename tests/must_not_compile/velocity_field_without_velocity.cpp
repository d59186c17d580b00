// expect: has_velocity
// lines: 30
#include "kdm/teacher/field.hpp"

// It returns what it should write.
struct still {
  using value_type = float;
  kdm::index_t dimension() const { return 2; }
  kdm::const_view<float> velocity(kdm::const_view<float> x, float) const { return x; }
};

void teach(const kdm::velocity_field auto&) {}

int main() { teach(still{}); }
