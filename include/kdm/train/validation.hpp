/// How the averaged student does on held-out pairs, during training: pair by pair, and as a distribution.
#pragma once

#include <algorithm>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "kdm/koopman/generator.hpp"
#include "kdm/metrics/halves.hpp"
#include "kdm/metrics/pair_error.hpp"
#include "kdm/metrics/wasserstein.hpp"
#include "kdm/train/progress.hpp"
#include "kdm/train/trainer.hpp"

namespace kdm {

/// A callback that pushes held-out noise through the averaged weights every so many steps, and after the last.
///
/// A trainer with a member push_average(xT) -> x0 is left to do so itself; for others a generator is made on the
/// trainer's backend.
///
/// The pair error and the distribution may part: a student that blurs has the lower pair error where it cannot know the
/// pair, and one that is crisp has the better samples. So both are measured. The distance is the sliced Wasserstein-2
/// distance over 64 directions, from the student's samples for the noise of one half of the pairs to the data of the other
/// half, as the mean of both ways; its floor is that between the data of the two halves. Halves have at most 2,500 rows.
/// With fewer than 4 pairs there is no distance.
/// Shapes.    xT [n, noise], x0 [n, data]: host views that outlive the callback.
/// Cost.      one pass of the student over the held-out pairs each time, and 256 sorts of a half on the executor.
template <class T, class E = serial>
class validation {
 public:
  validation(const_view<T> xT, const_view<T> x0, index_t every, E executor = {})
      : xT_(xT), x0_(x0), every_(every), executor_(executor) {
    if (every < 1) fail<option_error>("validation: every ", every, " steps, expected at least 1");
    require_size("validation: rows of xT", xT.rows, x0.rows);
    if (x0.rows < 1) fail<shape_error>("validation: no pairs, expected at least 1");
  }

  template <class Trainer>
  void operator()(Trainer& t, const step_report& r) {
    require_size("validation: columns of xT", xT_.cols, t.model().noise_dimension());
    require_size("validation: columns of x0", x0_.cols, t.model().data_dimension());
    if (r.step % every_ != 0 && r.step != r.steps) return;
    const matrix<T> samples = samples_of_average(t);
    errors_ = pair_error(samples, x0_);
    distance_ = distance_of(samples);
    logged_ = {};
    step_ = r.step;
  }

  /// The errors now, whatever the step.
  template <class Trainer>
  pair_errors measure(Trainer& t) const {
    return kdm::pair_error(samples_of_average(t), x0_);
  }

  /// The distance now, whatever the step; NaN with fewer than 4 pairs.
  template <class Trainer>
  double measure_distance(Trainer& t) {
    return distance_of(samples_of_average(t));
  }

  /// The step of the last errors; -1 before the first.
  index_t step() const { return step_; }

  /// The last errors; NaN before the first.
  const pair_errors& errors() const { return errors_; }

  /// The last sliced Wasserstein-2 distance between the halves, and what it is for the data alone; NaN before the first.
  double sliced_wasserstein() const { return distance_; }
  double sliced_wasserstein_floor() const { return floor_; }

  /// For a log: the mean squared error, its standard error, the share of the variance that is missed, or the distance the
  /// first time after it was measured, then NaN.
  double unlogged() { return once(logged_.error, errors_.mean_squared); }
  double unlogged_standard_error() { return once(logged_.standard_error, errors_.standard_error); }
  double unlogged_unexplained() { return once(logged_.unexplained, errors_.unexplained); }
  double unlogged_sliced_wasserstein() { return once(logged_.distance, distance_); }

  /// For a progress line: "  held out 1.23e-03".
  std::string text() const {
    return is_finite(errors_.mean_squared) ? "  held out " + detail::scientific(errors_.mean_squared, 2) : "";
  }

 private:
  static constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
  static constexpr sliced_options directions{.directions = 64};

  struct seen {
    bool error = false, standard_error = false, unexplained = false, distance = false;
  };

  static double once(bool& done, double value) { return std::exchange(done, true) ? unknown : value; }

  static pair_errors nothing() {
    pair_errors e;
    for (double* figure : {&e.mean_squared, &e.root_mean_squared, &e.mean_distance, &e.median_distance, &e.share_off,
                           &e.standard_error, &e.spread, &e.unexplained, &e.worst_unexplained})
      *figure = unknown;
    return e;
  }

  template <class Trainer>
  matrix<T> samples_of_average(Trainer& t) const {
    if constexpr (requires { t.push_average(xT_); }) {
      return t.push_average(xT_);
    } else {
      // Held-out pairs are few beside what a device runs at a time: no more memory than they need.
      using B = std::remove_cvref_t<decltype(t.backend())>;
      const index_t slice = std::min(default_slice<B>(), xT_.rows);
      generator student(t.model(), t.average().view(), 1, t.backend(), executor_, slice);
      return student.push(xT_);
    }
  }

  /// The data are cut once they are known to be finite.
  double distance_of(const matrix<T>& samples) {
    if (x0_.rows < 4) return unknown;
    if (first_.size() == 0) {
      halves_ = halves_of(x0_.rows, {.limit = 2'500}, 0);
      first_ = detail::rows_of(x0_, halves_.first);
      second_ = detail::rows_of(x0_, halves_.second);
      floor_ = kdm::sliced_wasserstein(first_, second_, directions, executor_);
    }
    const const_view<T> x = samples.view();
    const double there = kdm::sliced_wasserstein(detail::rows_of(x, halves_.first), second_, directions, executor_);
    const double back = kdm::sliced_wasserstein(detail::rows_of(x, halves_.second), first_, directions, executor_);
    return (there + back) / 2;
  }

  const_view<T> xT_, x0_;
  index_t every_, step_ = -1;
  E executor_;
  pair_errors errors_ = nothing();
  halves halves_;
  matrix<T> first_, second_;  // the data of the halves
  double distance_ = unknown, floor_ = unknown;
  seen logged_{true, true, true, true};
};

}  // namespace kdm
