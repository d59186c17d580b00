// expect: has_step
// lines: 30
#include "kdm/teacher/solver.hpp"

// Its step has no scratch.
struct stay {
  static constexpr int stages = 1;
  kdm::index_t work_rows(kdm::index_t) const { return 0; }
  template <class T, class V>
  void step(const V&, kdm::view<T>, T, T) const {}
};

void integrate(const kdm::ode_solver<float> auto&) {}

int main() { integrate(stay{}); }
