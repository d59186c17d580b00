/// The pair error of the averaged student on held-out pairs, during training.
#pragma once

#include <algorithm>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>

#include "kdm/koopman/generator.hpp"
#include "kdm/metrics/pair_error.hpp"
#include "kdm/train/progress.hpp"
#include "kdm/train/trainer.hpp"

namespace kdm {

/// A callback that pushes held-out noise through the averaged weights every so many steps, and after the last.
///
/// A trainer with a member push_average(xT) -> x0 is left to do so itself; for others a generator is made on the
/// trainer's backend.
/// Shapes.    xT [n, noise], x0 [n, data]: host views that outlive the callback.
/// Cost.      one pass of the student over the held-out pairs each time.
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
    errors_ = measure(t);
    logged_ = false;
  }

  /// The errors now, whatever the step.
  template <class Trainer>
  pair_errors measure(Trainer& t) const {
    if constexpr (requires { t.push_average(xT_); }) {
      return pair_error(t.push_average(xT_), x0_);
    } else {
      // Held-out pairs are few beside what a device runs at a time: no more memory than they need.
      using B = std::remove_cvref_t<decltype(t.backend())>;
      const index_t slice = std::min(default_slice<B>(), xT_.rows);
      generator student(t.model(), t.average().view(), 1, t.backend(), executor_, slice);
      return pair_error(student.push(xT_), x0_);
    }
  }

  /// The last errors; NaN before the first.
  const pair_errors& errors() const { return errors_; }

  /// For a log: the mean squared error the first time after it was measured, then NaN.
  double unlogged() { return std::exchange(logged_, true) ? unknown : errors_.mean_squared; }

  /// For a progress line: "  held out 1.23e-03".
  std::string text() const {
    return errors_.mean_squared == errors_.mean_squared ? detail::format("  held out %.2e", errors_.mean_squared) : "";
  }

 private:
  const_view<T> xT_, x0_;
  index_t every_;
  E executor_;
  static constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
  pair_errors errors_{unknown, unknown, unknown, unknown, unknown};
  bool logged_ = true;
};

}  // namespace kdm
