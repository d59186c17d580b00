/// The ODE solver concept, and the Euler, Heun and Runge-Kutta solvers.
#pragma once

#include <concepts>

#include "kdm/core/view.hpp"

namespace kdm {

namespace detail {
/// Stands for any velocity when a solver is checked.
template <class T>
struct velocity_probe {
  void operator()(const_view<T> /*x*/, T /*t*/, view<T> /*out*/) const {}
};
}  // namespace detail

/// stages: how often one step evaluates the velocity.
template <class S>
concept has_stages = requires {
  { S::stages } -> std::convertible_to<int>;
};

/// work_rows(n): rows of scratch that one step of n samples needs.
template <class S>
concept has_work_rows = requires(const S& s, index_t n) {
  { s.work_rows(n) } -> std::same_as<index_t>;
};

/// step(v, x, t, dt, work): moves x [n, d] from time t to t + dt in place; work [work_rows(n), d] is scratch.
template <class S, class T>
concept has_step = requires(const S& s, const detail::velocity_probe<T>& v, view<T> x, T t) { s.step(v, x, t, t, x); };

/// One step of integration, for any velocity v(x, t, out) with x and out not overlapping.
///
/// step is const, allocates nothing and may run on several threads at once; rows do not influence each other.
/// Time runs from noise to data, so dt is negative. Example: examples/custom_solver.cpp
template <class S, class T>
concept ode_solver = has_stages<S> && has_work_rows<S> && has_step<S, T>;

/// How often `steps` steps of a path evaluate the field: the last of them is always one Euler step.
template <has_stages S>
index_t evaluations(const S& /*solver*/, index_t steps) {
  return index_t(S::stages) * (steps - 1) + 1;
}

namespace detail {

/// x += a * y
template <class T>
void add_scaled(view<T> x, T a, const_view<T> y) {
  for (index_t i = 0; i < x.rows; ++i)
    for (index_t j = 0; j < x.cols; ++j) x(i, j) += a * y(i, j);
}

}  // namespace detail

/// First order, one evaluation a step.
struct euler {
  static constexpr int stages = 1;
  index_t work_rows(index_t n) const { return n; }

  template <class T, class V>
  void step(const V& v, view<T> x, T t, T dt, view<T> work) const {
    const view<T> k = work.row_range(0, x.rows);
    v(x, t, k);
    detail::add_scaled<T>(x, dt, k);
  }
};

/// Second order, two evaluations a step: Euler forward, then the mean of both velocities (the trapezoid rule).
///
/// Source.    Karras et al. 2022, algorithm 1.
struct heun {
  static constexpr int stages = 2;
  index_t work_rows(index_t n) const { return 2 * n; }

  template <class T, class V>
  void step(const V& v, view<T> x, T t, T dt, view<T> work) const {
    const view<T> k1 = work.row_range(0, x.rows), k2 = work.row_range(x.rows, x.rows);
    v(x, t, k1);
    detail::add_scaled<T>(x, dt, k1);
    v(x, t + dt, k2);
    for (index_t i = 0; i < x.rows; ++i)
      for (index_t j = 0; j < x.cols; ++j) x(i, j) += dt / 2 * (k2(i, j) - k1(i, j));
  }
};

/// Fourth order, four evaluations a step: the classical Runge-Kutta method.
///
/// Source.    Hairer, Norsett, Wanner 1993, "Solving ordinary differential equations I", table II.1.2.
struct rk4 {
  static constexpr int stages = 4;
  index_t work_rows(index_t n) const { return 3 * n; }

  template <class T, class V>
  void step(const V& v, view<T> x, T t, T dt, view<T> work) const {
    const index_t n = x.rows;
    const view<T> at = work.row_range(0, n), k = work.row_range(n, n), sum = work.row_range(2 * n, n);
    const T half = dt / 2;
    v(x, t, sum);
    move(at, x, half, sum);
    v(at, t + half, k);
    detail::add_scaled<T>(sum, 2, k);
    move(at, x, half, k);
    v(at, t + half, k);
    detail::add_scaled<T>(sum, 2, k);
    move(at, x, dt, k);
    v(at, t + dt, k);
    detail::add_scaled<T>(sum, 1, k);
    detail::add_scaled<T>(x, dt / 6, sum);
  }

 private:
  /// at = x + a * y
  template <class T>
  static void move(view<T> at, view<T> x, T a, view<T> y) {
    for (index_t i = 0; i < x.rows; ++i)
      for (index_t j = 0; j < x.cols; ++j) at(i, j) = x(i, j) + a * y(i, j);
  }
};

static_assert(ode_solver<euler, float> && ode_solver<heun, double> && ode_solver<rk4, float>);

}  // namespace kdm
