// expect: has_work_rows
// lines: 30
#include "kdm/teacher/solver.hpp"

struct stay {
  static constexpr int stages = 1;
  template <class T, class V>
  void step(const V&, kdm::view<T>, T, T, kdm::view<T>) const {}
};

void integrate(const kdm::ode_solver<float> auto&) {}

int main() { integrate(stay{}); }
