/// Snapshot pairs: the one form of data that every fit takes, built from matrices or from trajectories.
#pragma once

#include <array>
#include <cmath>
#include <ranges>
#include <span>
#include <string_view>
#include <type_traits>

#include "kdm/core/as_view.hpp"
#include "kdm/core/finite.hpp"
#include "kdm/core/sizes.hpp"
#include "kdm/fit/rounding.hpp"

namespace kdm {

/// Rows (x, y) of a state and of the state dt later. The order of the rows means nothing.
///
/// Shapes.    x and y [m, n]; u [m, p], the input that acted between x and y, or empty; weights [m, 1], by how much a
///            row counts in sums of squares, or empty for 1 each.
struct snapshot_pairs {
  matrix<double> x, y, u, weights;
  double dt = 1;
  data_rounding rounding = {};  ///< how exactly x, y and u are known; those who make pairs of float say so

  index_t count() const { return x.rows(); }
  index_t states() const { return x.cols(); }
  index_t inputs() const { return u.cols(); }
};

/// Throws unless `time` is a finite number above 0.
inline void require_time_step(std::string_view who, double time) {
  if (!(time > 0 && is_finite(time)))
    fail<option_error>(who, ": dt is ", time, ", expected a finite number above 0");
}

/// Throws unless a fit can read these pairs; `who` opens the message.
///
/// Throws.    shape_error for no rows, no columns, or parts that do not fit together; numeric_error naming the part,
///            row and column that is not finite, or a negative weight; option_error for dt.
inline void require_pairs(std::string_view who, const snapshot_pairs& p) {
  if (p.count() < 1 || p.states() < 1)
    fail<shape_error>(who, ": x is ", p.count(), " x ", p.states(), ", expected at least one pair of one number");
  require_size(concat(who, ": rows of y"), p.y.rows(), p.count());
  require_size(concat(who, ": columns of y"), p.y.cols(), p.states());
  if (p.u.size() > 0) require_size(concat(who, ": rows of u"), p.u.rows(), p.count());
  if (p.weights.size() > 0) {
    require_size(concat(who, ": rows of the weights"), p.weights.rows(), p.count());
    require_size(concat(who, ": columns of the weights"), p.weights.cols(), 1);
  }
  const std::array<const matrix<double>*, 4> parts{&p.x, &p.y, &p.u, &p.weights};
  constexpr std::array<std::string_view, 4> names{"x", "y", "u", "the weights"};
  for (std::size_t k = 0; k < 4; ++k)
    if (const index_t at = first_not_finite(parts[k]->view()); at >= 0)
      fail<numeric_error>(who, ": row ", at / parts[k]->cols(), ", column ", at % parts[k]->cols(), " of ", names[k],
                          " is ", parts[k]->data()[at], ", expected a finite number");
  for (index_t i = 0; i < p.weights.rows(); ++i)
    if (p.weights(i, 0) < 0) fail<numeric_error>(who, ": weight ", i, " is ", p.weights(i, 0), ", expected 0 or more");
  require_time_step(who, p.dt);
  require_rounding(who, p.rounding);
}

/// How trajectories are cut into pairs. Snapshots stand `dt` apart.
struct trajectory_options {
  double dt = 1;       ///< between two snapshots
  index_t lag = 1;     ///< y is so many snapshots after x: the pairs have dt * lag
  index_t stride = 1;  ///< from one x to the next, in snapshots
  index_t delays = 1;  ///< snapshots side by side in one row, oldest first
};

namespace detail {

/// Rows [z_t, z_(t+1), ..., z_(t+delays-1)] for t = first, first + stride, ... into `to`: one window a row.
template <class T>
void copy_windows(const_view<T> z, index_t first, index_t stride, index_t delays, view<double> to) {
  for (index_t i = 0; i < to.rows; ++i)
    for (index_t d = 0; d < delays; ++d)
      for (index_t j = 0; j < z.cols; ++j) to(i, d * z.cols + j) = double(z(first + i * stride + d, j));
}

template <class T>
void require_finite_rows(std::string_view what, const_view<T> x) {
  if (const index_t at = first_not_finite(x); at >= 0)
    fail<numeric_error>(what, ": row ", at / x.cols, ", column ", at % x.cols, " is ", x(at / x.cols, at % x.cols),
                        ", expected a finite number");
}

/// Pairs in one trajectory.
inline index_t count_pairs(index_t snapshots, const trajectory_options& o) {
  if (o.delays > snapshots || o.lag > snapshots - o.delays) return 0;
  return (snapshots - o.delays - o.lag) / o.stride + 1;
}

inline void check_options(const trajectory_options& o) {
  require_time_step("trajectory_options", o.dt);
  if (o.lag < 1 || o.stride < 1 || o.delays < 1)
    fail<option_error>("trajectory_options: lag is ", o.lag, ", stride ", o.stride, " and delays ", o.delays,
                       ", expected at least 1 each");
}

template <class T>
constexpr bool is_float(const_view<T>) {
  return std::is_same_v<T, float>;
}

/// Cuts any number of trajectories; view_at(i) and input_at(i) give the i-th.
template <class ViewAt, class InputAt>
snapshot_pairs cut_trajectories(index_t number, ViewAt view_at, InputAt input_at, const trajectory_options& o) {
  check_options(o);
  if (number < 1) fail<shape_error>("snapshot_pairs: no trajectory, expected at least 1");
  const index_t n = view_at(0).cols, p = input_at(0).cols;
  if (p > 0 && o.lag != 1) fail<option_error>("snapshot_pairs: lag is ", o.lag, ", expected 1 where there are inputs");
  index_t rows = 0;
  for (index_t i = 0; i < number; ++i) {
    const auto z = view_at(i);
    const auto u = input_at(i);
    const auto what = [&](std::string_view part) { return concat("snapshot_pairs: ", part, " of trajectory ", i); };
    if (n < 1) fail<shape_error>(what("columns"), " is 0, expected at least 1");
    require_size(what("columns"), z.cols, n);
    require_size(what("input columns"), u.cols, p);
    const index_t pairs = count_pairs(z.rows, o);
    if (pairs < 1)
      fail<shape_error>(what("snapshots"), " is ", z.rows, ", expected at least ", checked_sum("trajectory_options: delays and lag", o.delays, o.lag), " for ", o.delays,
                        " delays and lag ", o.lag);
    if (p > 0 && u.rows != z.rows && u.rows != z.rows - 1)
      fail<shape_error>(what("input rows"), " is ", u.rows, ", expected ", z.rows - 1, " or ", z.rows);
    require_finite_rows(what("a snapshot"), z);
    require_finite_rows(what("an input"), u);
    rows = checked_sum("snapshot_pairs: the number of pairs", rows, pairs);
  }
  snapshot_pairs result;
  result.dt = o.dt * double(o.lag);
  if (is_float(view_at(0)) || (p > 0 && is_float(input_at(0)))) result.rounding = data_rounding::of<float>();
  const index_t width = checked_product("snapshot_pairs: the columns of all delays", n, o.delays);
  result.x = matrix<double>(rows, width);
  result.y = matrix<double>(rows, width);
  if (p > 0) result.u = matrix<double>(rows, p);
  for (index_t i = 0, at = 0; i < number; ++i) {
    const auto z = view_at(i);
    const index_t pairs = count_pairs(z.rows, o);
    copy_windows(z, 0, o.stride, o.delays, result.x.view().row_range(at, pairs));
    copy_windows(z, o.lag, o.stride, o.delays, result.y.view().row_range(at, pairs));
    // The input that makes the newest snapshot of y acts on the newest of x.
    if (p > 0) copy_windows(input_at(i), o.delays - 1, o.stride, 1, result.u.view().row_range(at, pairs));
    at += pairs;
  }
  return result;
}

/// A tensor's view with elements that cannot be changed.
template <class X>
auto constant_view(const X& x) {
  const auto v = kdm::as_view(x);
  return const_view<typename decltype(v)::value_type>(v.p, v.rows, v.cols, v.ld);
}

}  // namespace detail

/// Pairs from matrices whose rows belong together, float or double, of any library that as_view knows.
///
/// Pairs of which a part was float are known to float's rounding; set `rounding` for other data that were rounded.
/// Shapes.    x and y [m, n]. Set u and weights on the result.
/// Throws.    as require_pairs.
template <viewable X, viewable Y>
snapshot_pairs pairs_from_matrices(const X& x, const Y& y, double dt = 1) {
  const auto x_rows = detail::constant_view(x);
  const auto y_rows = detail::constant_view(y);
  snapshot_pairs p{matrix<double>(x_rows), matrix<double>(y_rows), {}, {}, dt, {}};
  if (detail::is_float(x_rows) || detail::is_float(y_rows)) p.rounding = data_rounding::of<float>();
  require_pairs("snapshot_pairs", p);
  return p;
}

/// Pairs from one trajectory: a snapshot a row, oldest first.
///
/// With delays d a row is [x_t, x_(t+1), ..., x_(t+d-1)], the Hankel form: n d numbers, the newest snapshot last.
/// Shapes.    trajectory [times, n]; x and y [(times - delays - lag) / stride + 1, n delays].
/// Throws.    option_error; shape_error for too few snapshots; numeric_error for one that is not finite.
/// Source.    Arbabi, Mezic 2017, "Ergodic theory, dynamic mode decomposition, and computation of spectral properties
///            of the Koopman operator", SIAM J. Appl. Dyn. Syst. 16 (delays)
/// Example.   docs/fitting.md
template <viewable X>
snapshot_pairs pairs_from_trajectory(const X& trajectory, const trajectory_options& options = {}) {
  const auto none = [](index_t) { return const_view<double>(); };
  return detail::cut_trajectories(1, [&](index_t) { return detail::constant_view(trajectory); }, none, options);
}

/// The same with an input [times, p] or [times - 1, p] whose row t acts between the snapshots t and t + 1.
template <viewable X, viewable U>
snapshot_pairs pairs_from_trajectory(const X& trajectory, const U& input, const trajectory_options& options = {}) {
  return detail::cut_trajectories(1, [&](index_t) { return detail::constant_view(trajectory); },
                                  [&](index_t) { return detail::constant_view(input); }, options);
}

/// Pairs from several trajectories of any lengths, none of them across a boundary.
///
/// Shapes.    a std::vector, std::array or other random-access range of [times_i, n]. Sample i of a [times, samples, n]
///            block at p is const_view<T>(p + i * n, times, n, samples * n).
/// Throws.    as for one trajectory, naming the first trajectory that does not fit.
template <std::ranges::random_access_range R>
  requires viewable<const std::ranges::range_value_t<R>>
snapshot_pairs pairs_from_trajectories(const R& trajectories, const trajectory_options& options = {}) {
  return detail::cut_trajectories(
      index_t(std::ranges::size(trajectories)),
      [&](index_t i) { return detail::constant_view(std::ranges::begin(trajectories)[i]); },
      [](index_t) { return const_view<double>(); }, options);
}

/// The same with as many inputs as trajectories.
template <std::ranges::random_access_range R, std::ranges::random_access_range U>
  requires viewable<const std::ranges::range_value_t<R>> && viewable<const std::ranges::range_value_t<U>>
snapshot_pairs pairs_from_trajectories(const R& trajectories, const U& inputs, const trajectory_options& options = {}) {
  require_size("snapshot_pairs: number of inputs", index_t(std::ranges::size(inputs)),
               index_t(std::ranges::size(trajectories)));
  return detail::cut_trajectories(
      index_t(std::ranges::size(trajectories)),
      [&](index_t i) { return detail::constant_view(std::ranges::begin(trajectories)[i]); },
      [&](index_t i) { return detail::constant_view(std::ranges::begin(inputs)[i]); }, options);
}

/// The windows of a trajectory as features: row t is [x_t, ..., x_(t+delays-1)], what a model of delayed pairs steps.
///
/// Shapes.    trajectory [times, n]; returns [times - delays + 1, n delays].
/// Throws.    shape_error for fewer snapshots than delays.
template <viewable X>
matrix<double> delay_rows(const X& trajectory, index_t delays) {
  const auto z = detail::constant_view(trajectory);
  if (delays < 1 || z.rows < delays)
    fail<shape_error>("delay_rows: ", delays, " delays of ", z.rows, " snapshots, expected 1 to as many as snapshots");
  matrix<double> rows(z.rows - delays + 1, checked_product("delay_rows: the columns of all delays", z.cols, delays));
  detail::copy_windows(z, 0, 1, delays, rows.view());
  return rows;
}

/// The step between times, which must grow evenly: what trajectory_options::dt asks for.
///
/// Throws.    shape_error for fewer than two; numeric_error naming the first time that does not grow, or is off the
///            even grid by more than `tolerance` steps: pairs of uneven times do not share one operator.
inline double even_time_step(std::span<const double> times, double tolerance = 1e-4) {
  if (times.size() < 2) fail<shape_error>("even_time_step: ", times.size(), " times, expected at least 2");
  for (std::size_t i = 1; i < times.size(); ++i)
    if (!(times[i] > times[i - 1] && is_finite(times[i]) && is_finite(times[i - 1])))
      fail<numeric_error>("even_time_step: time ", i, " is ", times[i], " after ", times[i - 1],
                          ", expected a later one");
  const double step = (times.back() - times.front()) / double(times.size() - 1);
  for (std::size_t i = 1; i < times.size(); ++i) {
    const double even = times.front() + double(i) * step;
    if (!(std::abs(times[i] - even) <= tolerance * step))
      fail<numeric_error>("even_time_step: time ", i, " is ", times[i], ", expected ", even,
                          " on the even grid of step ", step);
  }
  return step;
}

}  // namespace kdm
