// expect: has_denoise_or_velocity
// lines: 40
#include "kdm/teacher/field.hpp"

struct nothing {
  using value_type = float;
  kdm::index_t dimension() const { return 2; }
};

void teach(const kdm::field auto&) {}

int main() { teach(nothing{}); }
