// Your own field: a velocity, the way a trained flow-matching network would come in.
#include <cmath>
#include <cstdio>

#include "kdm/teacher/teacher.hpp"

// The flow that carries N(0, I) to a ring: a point keeps its direction, and its radius moves to `radius` on a
// straight line, x_t = (1 - t) x_0 + t x_1 with x_0 = radius x_1 / |x_1|.
struct to_ring {
  using value_type = float;
  float radius = 3;

  kdm::index_t dimension() const { return 2; }

  void velocity(kdm::const_view<float> x, float t, kdm::view<float> out) const {
    for (kdm::index_t i = 0; i < x.rows; ++i) {
      const float length = std::hypot(x(i, 0), x(i, 1));
      const float start = (length - (1 - t) * radius) / t;  // |x_1|
      const float speed = length > 0 ? (start - radius) / length : 0;
      for (kdm::index_t j = 0; j < 2; ++j) out(i, j) = speed * x(i, j);
    }
  }
};
static_assert(kdm::velocity_field<to_ring>);

int main() {
  const to_ring field;
  const auto paths = kdm::generate(kdm::flow_path{}, field, kdm::heun{},
                                   {.samples = 1000, .steps = 10, .snapshots = 6, .seed = 1});
  for (kdm::index_t k = 0; k < paths.snapshots; ++k) {
    double mean = 0;
    for (kdm::index_t i = 0; i < paths.n; ++i)
      mean += std::hypot(double(paths.at(k)(i, 0)), double(paths.at(k)(i, 1))) / double(paths.n);
    std::printf("t = %.3f   mean radius %.4f\n", paths.times[std::size_t(k)], mean);
  }
  double worst = 0;
  for (kdm::index_t i = 0; i < paths.n; ++i)
    worst = std::fmax(worst, std::fabs(std::hypot(paths.data()(i, 0), paths.data()(i, 1)) - field.radius));
  std::printf("largest distance from the ring: %.2g\n", worst);
  return worst < 1e-3 ? 0 : 1;
}
