// Your own ODE solver: explicit midpoint, compared with the library's solvers on the checkerboard.
#include <cmath>
#include <cstdio>

#include "kdm/teacher/teacher.hpp"

// One step: Euler to the middle, then the whole way with the velocity found there.
struct midpoint {
  static constexpr int stages = 2;

  kdm::index_t work_rows(kdm::index_t n) const { return 2 * n; }

  template <class T, class V>
  void step(const V& v, kdm::view<T> x, T t, T dt, kdm::view<T> work) const {
    const kdm::view<T> k = work.row_range(0, x.rows), middle = work.row_range(x.rows, x.rows);
    v(x, t, k);
    for (kdm::index_t i = 0; i < x.rows; ++i)
      for (kdm::index_t j = 0; j < x.cols; ++j) middle(i, j) = x(i, j) + dt / 2 * k(i, j);
    v(middle, t + dt / 2, k);
    for (kdm::index_t i = 0; i < x.rows; ++i)
      for (kdm::index_t j = 0; j < x.cols; ++j) x(i, j) += dt * k(i, j);
  }
};
static_assert(kdm::ode_solver<midpoint, double>);

const auto board = kdm::checkerboard<double>();
const kdm::flow_path path;

// Root mean square distance to the same paths, integrated finely.
template <class Solver>
double report(const char* name, const Solver& solver, kdm::index_t steps, const kdm::trajectories<double>& fine) {
  const auto coarse = kdm::generate_from(path, board, solver, fine.noise(), {.steps = steps});
  double square = 0;
  for (kdm::index_t i = 0; i < fine.n; ++i)
    for (kdm::index_t j = 0; j < fine.d; ++j) square += std::pow(coarse.data()(i, j) - fine.data()(i, j), 2);
  const double error = std::sqrt(square / double(fine.n));
  std::printf("%-9s %3ld steps %4ld evaluations   error %.5f\n", name, long(steps),
              long(kdm::evaluations(solver, steps)), error);
  return error;
}

int main() {
  const auto fine = kdm::generate(path, board, kdm::rk4{}, {.samples = 1000, .steps = 200, .seed = 1});
  const double euler = report("euler", kdm::euler{}, 40, fine);
  report("heun", kdm::heun{}, 20, fine);
  const double coarse = report("midpoint", midpoint{}, 20, fine);
  const double better = report("midpoint", midpoint{}, 80, fine);
  // A second-order solver must beat Euler at the same cost, and gain from more steps.
  return coarse < euler && better < coarse / 3 ? 0 : 1;
}
