// expect: has_path_velocity
// lines: 30
#include <vector>

#include "kdm/teacher/path.hpp"

struct standstill {
  double prior_scale() const { return 1; }
  std::vector<double> times(kdm::index_t steps) const { return std::vector<double>(std::size_t(steps) + 1); }
  template <class T>
  kdm::noise_level<T> level(T) const {
    return {T(1), T(0)};
  }
};

void follow(const kdm::path<float> auto&) {}

int main() { follow(standstill{}); }
