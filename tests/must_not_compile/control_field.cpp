#include "kdm/teacher/field.hpp"

struct still {
  using value_type = float;
  kdm::index_t dimension() const { return 2; }
  void velocity(kdm::const_view<float>, float, kdm::view<float>) const {}
};

struct origin {
  using value_type = double;
  kdm::index_t dimension() const { return 2; }
  void denoise(kdm::const_view<double>, double, double, kdm::view<double>) const {}
};

void teach(const kdm::field auto&) {}
void on_any_path(const kdm::denoiser auto&) {}
void on_its_path(const kdm::velocity_field auto&) {}

int main() {
  teach(still{});
  teach(origin{});
  on_any_path(origin{});
  on_its_path(still{});
}
