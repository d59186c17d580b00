// Somebody else's solver: an adaptive Runge-Kutta method from Boost.odeint, wrapped as a kdm ODE solver.
#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include <boost/numeric/odeint.hpp>

#include "kdm/teacher/teacher.hpp"

// Dormand and Prince's pair of orders 5 and 4 with step control. Every sample is integrated on its own, so it gets the
// step sizes that it needs and does not influence its neighbours; a point of fixed size needs no memory from the heap.
struct adaptive {
  using point = std::array<double, 2>;
  double tolerance = 1e-6;

  static constexpr int stages = 7;  // at least, for each interval: the tolerance decides
  kdm::index_t work_rows(kdm::index_t) const { return 0; }

  template <class V>
  void step(const V& v, kdm::view<double> x, double t, double dt, kdm::view<double> /*work*/) const {
    namespace odeint = boost::numeric::odeint;
    const auto velocity = [&v](const point& p, point& out, double s) { v({p.data(), 1, 2}, s, {out.data(), 1, 2}); };
    for (kdm::index_t i = 0; i < x.rows; ++i) {
      point p{x(i, 0), x(i, 1)};
      const auto controlled = odeint::make_controlled<odeint::runge_kutta_dopri5<point>>(tolerance, tolerance);
      odeint::integrate_adaptive(controlled, velocity, p, t, t + dt, dt);
      std::copy(p.begin(), p.end(), x.row_pointer(i));
    }
  }
};
static_assert(kdm::ode_solver<adaptive, double>);

// A field that counts how often it is asked.
template <kdm::field F>
struct counted {
  using value_type = typename F::value_type;
  const F& field;
  std::atomic<long>& points;

  kdm::index_t dimension() const { return field.dimension(); }
  void denoise(kdm::const_view<double> x, double alpha, double sigma, kdm::view<double> out) const {
    points += x.rows;
    field.denoise(x, alpha, sigma, out);
  }
};

int main() {
  using namespace kdm;
  const index_t n = 500;
  const auto board = checkerboard<double>();
  std::atomic<long> points = 0;
  const counted<decltype(board)> field{board, points};
  const flow_path path;
  const auto fine = generate(path, board, rk4{}, {.samples = n, .steps = 2000, .seed = 1});

  struct result {
    double evaluations, error;  // a sample; root mean square distance to the finely integrated paths
  };
  const auto measure = [&](const char* name, const auto& solver, index_t steps) {
    points = 0;
    const auto paths = generate_from(path, field, solver, fine.noise(), {.steps = steps});
    double square = 0;
    for (index_t k = 0; k < 2 * n; ++k) square += std::pow(paths.data().p[k] - fine.data().p[k], 2);
    const result r{double(points) / double(n), std::sqrt(square / double(n))};
    std::printf("%-22s %6.1f evaluations a sample   error %.1e\n", name, r.evaluations, r.error);
    return r;
  };
  measure("heun, 20 steps", heun{}, 20);
  const result fixed = measure("heun, 100 steps", heun{}, 100);
  measure("heun, 500 steps", heun{}, 500);
  // One interval from the noise to the end of the path: the solver finds the steps inside.
  measure("odeint, tolerance 1e-3", adaptive{1e-3}, 2);
  const result found = measure("odeint, tolerance 1e-6", adaptive{1e-6}, 2);
  return found.error < fixed.error && found.evaluations < fixed.evaluations ? EXIT_SUCCESS : EXIT_FAILURE;
}
