/// Trajectories from noise to data: the teacher at work.
#pragma once

#include <algorithm>
#include <cstdint>
#include <mutex>
#include <vector>

#include "kdm/core/error.hpp"
#include "kdm/core/finite.hpp"
#include "kdm/core/matrix.hpp"
#include "kdm/core/sizes.hpp"
#include "kdm/exec/executor.hpp"
#include "kdm/exec/serial.hpp"
#include "kdm/math/random.hpp"
#include "kdm/teacher/field.hpp"
#include "kdm/teacher/path.hpp"
#include "kdm/teacher/solver.hpp"

namespace kdm {

/// n sampling paths in d dimensions, seen at `snapshots` times: 0 is the noise, the last one is the data.
template <class T>
struct trajectories {
  index_t snapshots = 0;
  index_t n = 0;
  index_t d = 0;
  std::vector<double> times;  ///< [snapshots], falling to 0
  matrix<T> values;           ///< [snapshots * n, d], one snapshot after the other

  view<T> at(index_t k) { return values.view().row_range(k * n, n); }
  const_view<T> at(index_t k) const { return values.view().row_range(k * n, n); }
  const_view<T> noise() const { return at(0); }
  const_view<T> data() const { return at(snapshots - 1); }
};

/// How many samples, how finely, and what to keep of the way.
struct generate_options {
  index_t samples = 0;
  index_t steps = 40;
  index_t snapshots = 2;  ///< 2 (both ends) to steps + 1 (everything), at equally spaced steps
  std::uint64_t seed = 0;
};

/// The progress callback that does nothing.
struct no_progress {
  void operator()(index_t /*done*/, index_t /*total*/) const {}
};

namespace detail {

/// Rows integrated together. Fixed, so that results cannot depend on the number of lanes.
inline constexpr index_t generate_grain = 512;

/// Passes on about 50 of many small advances, one at a time.
template <class Progress>
class progress_meter {
 public:
  progress_meter(Progress& report, index_t total) : report_(report), total_(total) {}

  void advance(index_t count) {
    const std::lock_guard lock(guard_);
    done_ += count;
    const index_t mark = done_ == total_ ? 50 : done_ * 49 / total_;
    if (mark == mark_) return;
    mark_ = mark;
    report_(done_, total_);
  }

 private:
  Progress& report_;
  index_t total_, done_ = 0, mark_ = 0;
  std::mutex guard_;
};

/// The step after which snapshot k of `snapshots` is taken.
inline index_t snapshot_step(index_t k, index_t snapshots, index_t steps) {
  return (2 * k * steps + snapshots - 1) / (2 * (snapshots - 1));
}

inline void check_generate(index_t samples, index_t steps, index_t snapshots) {
  if (samples < 1) fail<option_error>("generate: samples is ", samples, ", expected at least 1");
  if (steps < 1) fail<option_error>("generate: steps is ", steps, ", expected at least 1");
  if (snapshots < 2 || snapshots - 1 > steps)
    fail<option_error>("generate: snapshots is ", snapshots, ", expected 2 to ",
                       checked_sum("generate: the number of times", steps, 1), " for ", steps, " steps");
  // What snapshot_step multiplies and adds.
  checked_product("generate: half steps of all snapshots", checked_product("generate: half steps", 2, snapshots),
                  checked_sum("generate: the number of times", steps, 1));
}

/// Integrates rows that `start(first, last, x)` writes.
template <class T, class P, class F, class S, class E, class Progress, class Start>
trajectories<T> integrate(const P& p, const F& f, const S& solver, const generate_options& options, index_t n,
                          const E& run, Progress& progress, const Start& start) {
  const index_t d = f.dimension(), steps = options.steps, snapshots = options.snapshots;
  const std::vector<double> times = p.times(steps);
  require_size("generate: number of times from the path", index_t(times.size()), steps + 1);
  for (index_t s = 0; s < steps; ++s)
    if (!is_positive(T(times[std::size_t(s)])))
      fail<option_error>("generate: time ", s, " of the path is ", times[std::size_t(s)], ", expected a finite number above 0",
                         sizeof(T) == 4 ? ", also in float" : "");
  trajectories<T> out{snapshots, n, d, {}, matrix<T>(checked_product("generate: rows of all snapshots", snapshots, n), d)};
  for (index_t k = 0; k < snapshots; ++k)
    out.times.push_back(times[std::size_t(snapshot_step(k, snapshots, steps))]);

  const auto v = kdm::velocity_of(p, f);
  const index_t grain = std::min(generate_grain, n);
  const index_t lane_rows = std::max(solver.work_rows(grain), euler{}.work_rows(grain));
  const int lanes = count_lanes("generate", run);
  matrix<T> work(checked_product("generate: rows of all lanes", lanes, lane_rows), d);
  progress_meter<Progress> meter(progress, n);
  for_lanes("generate", run, lanes, n, grain, [&](index_t first, index_t last, int lane) {
    const view<T> scratch = work.view().row_range(lane * lane_rows, lane_rows);
    // The last snapshot's rows hold the current state; the others get copies on the way.
    const view<T> x = out.at(snapshots - 1).row_range(first, last - first);
    start(first, last, x);
    index_t next = 0;
    for (index_t s = 0; s <= steps; ++s) {
      if (next < snapshots - 1 && snapshot_step(next, snapshots, steps) == s) {
        std::copy_n(x.p, x.size(), out.at(next).row_pointer(first));
        ++next;
      }
      if (s == steps) break;
      const T t = T(times[std::size_t(s)]), dt = T(times[std::size_t(s + 1)] - times[std::size_t(s)]);
      if (s + 1 < steps) solver.step(v, x, t, dt, scratch);
      else euler{}.step(v, x, t, dt, scratch);
    }
    if (const index_t at = first_not_finite(x); at >= 0)
      fail<numeric_error>("generate: sample ", first + at / d, " is not finite in column ", at % d, " after ", steps,
                          " steps");
    meter.advance(last - first);
  });
  return out;
}

}  // namespace detail

/// Draws noise and follows the field from there to data.
///
/// The noise of sample i is a function of the seed and i: the same whatever the number of samples, and never that of a
/// student (koopman/generator.hpp) with the same seed. Slices of fixed size go to the executor, so the results are the
/// same bits for any number of lanes. The last of the steps, to t = 0, is an Euler step for every solver (see path).
/// `progress(done, total)` counts samples; it is called at most 50 times, from the lanes but never twice at once.
/// What it throws ends the run and reaches the caller.
/// Cost.      samples * evaluations(solver, steps) rows through the field; memory for the snapshots and one slice of
///            scratch a lane.
/// Throws.    option_error for samples, steps or snapshots out of range, numeric_error for a sample that is not finite.
template <class P, field F, class S, executor E = serial, class Progress = no_progress>
  requires path<P, typename F::value_type> && ode_solver<S, typename F::value_type>
trajectories<typename F::value_type> generate(const P& p, const F& f, const S& solver, const generate_options& options,
                                              const E& run = {}, Progress progress = {}) {
  using T = typename F::value_type;
  detail::check_generate(options.samples, options.steps, options.snapshots);
  const random_table random{options.seed, streams::teacher};
  const T scale = T(p.prior_scale());
  const auto draw = [random, scale](index_t first, index_t last, view<T> x) {
    for (index_t i = first; i < last; ++i)
      for (index_t j = 0; j < x.cols; j += 4) {
        const auto normals = random.normals<T>(i, j / 4);
        for (index_t c = 0; c < std::min<index_t>(4, x.cols - j); ++c) x(i - first, j + c) = scale * normals.z[c];
      }
  };
  return detail::integrate<T>(p, f, solver, options, options.samples, run, progress, draw);
}

/// Follows the field from given noise x_T (already at the path's prior scale); samples and seed are not used.
///
/// Throws.    as generate; shape_error when the noise has not the field's dimension.
template <class P, field F, class S, executor E = serial, class Progress = no_progress>
  requires path<P, typename F::value_type> && ode_solver<S, typename F::value_type>
trajectories<typename F::value_type> generate_from(const P& p, const F& f, const S& solver,
                                                   const_view<typename F::value_type> noise,
                                                   const generate_options& options, const E& run = {},
                                                   Progress progress = {}) {
  using T = typename F::value_type;
  if (noise.cols != f.dimension())
    fail<shape_error>("generate_from: noise has ", noise.cols, " columns, expected ", f.dimension());
  detail::check_generate(noise.rows, options.steps, options.snapshots);
  const auto copy = [noise](index_t first, index_t last, view<T> x) {
    for (index_t i = first; i < last; ++i) std::copy_n(noise.row_pointer(i), x.cols, x.row_pointer(i - first));
  };
  return detail::integrate<T>(p, f, solver, options, noise.rows, run, progress, copy);
}

}  // namespace kdm
