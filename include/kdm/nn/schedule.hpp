/// Learning-rate schedules: the factor on the base rate at each step.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <utility>

#include "kdm/core/error.hpp"
#include "kdm/core/finite.hpp"

namespace kdm {

/// schedule(step, steps): the factor at step 0 .. steps - 1 of a run of `steps`. Any callable of that form will do.
using schedule = std::function<double(index_t step, index_t steps)>;

namespace schedules {

/// Always 1.
inline schedule constant() {
  return [](index_t, index_t) { return 1.; };
}

/// Half a cosine from 1 at the first step to `last` at the end.
///
/// Source.    Loshchilov, Hutter 2017, "SGDR: stochastic gradient descent with warm restarts"
inline schedule cosine(double last = 0) {
  if (!is_finite(last)) fail<option_error>("cosine: the last factor is ", last, ", expected a finite number");
  return [last](index_t step, index_t steps) {
    const double progress = steps > 0 ? std::min(1., double(step) / double(steps)) : 1.;
    return last + (1 - last) * 0.5 * (1 + std::cos(std::numbers::pi * progress));
  };
}

/// A straight rise over the first `rise` steps, then `then` over the rest.
inline schedule warm_up(index_t rise, schedule then) {
  if (rise < 0) fail<option_error>("warm_up: ", rise, " steps, expected 0 or more");
  if (!then) fail<option_error>("warm_up: what follows is empty, expected a schedule such as schedules::cosine()");
  return [rise, then = std::move(then)](index_t step, index_t steps) {
    return step < rise ? (double(step) + 1) / (double(rise) + 1) : then(step - rise, steps - rise);
  };
}

}  // namespace schedules
}  // namespace kdm
