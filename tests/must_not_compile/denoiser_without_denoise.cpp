// expect: has_denoise
// lines: 30
#include "kdm/teacher/field.hpp"

// It forgets alpha, the scale of the data.
struct origin {
  using value_type = float;
  kdm::index_t dimension() const { return 2; }
  void denoise(kdm::const_view<float>, float, kdm::view<float>) const {}
};

void teach(const kdm::denoiser auto&) {}

int main() { teach(origin{}); }
