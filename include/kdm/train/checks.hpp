/// What a trainer refuses: options before a run, numbers that are not finite during and after it.
#pragma once

#include <limits>
#include <string_view>

#include "kdm/core/representable.hpp"
#include "kdm/core/sizes.hpp"
#include "kdm/core/weights.hpp"
#include "kdm/train/options.hpp"

namespace kdm::detail {

/// Throws shape_error where the position of a run's last pair in the endless order is no index.
inline void count_pairs_seen(index_t steps, index_t batch) {
  checked_product("trainer: the number of pairs seen in all steps", steps, batch);
}

/// Options are given in double; they must be in their range in T, which computes with them.
template <class T>
void check_options(const train_options& o) {
  if (o.steps < 0) fail<option_error>("trainer: steps is ", o.steps, ", expected 0 or more");
  if (o.batch < 1) fail<option_error>("trainer: batch is ", o.batch, ", expected at least 1");
  count_pairs_seen(o.steps, o.batch);
  if (!o.schedule) fail<option_error>("trainer: schedule is empty, expected one such as schedules::constant()");
  kdm::require_positive<T>("trainer: learning_rate", o.learning_rate);
  kdm::require_not_negative<T>("trainer: clip_norm", o.clip_norm);
  if (o.clip_norm > 0 && o.clip_norm * o.clip_norm < double(std::numeric_limits<T>::min()))
    fail<option_error>("trainer: clip_norm is ", o.clip_norm, ", expected 0 (no clipping) or a number whose square ",
                       number_name<T>, " can hold");
  o.average.template check<T>();
}

template <class T, class Objective, class Rule>
void check_problem(const Objective& objective, const Rule& rule, const train_options& o) {
  kdm::require_not_negative<T>("trainer: the latent noise", objective.latent_noise());
  const auto names = objective.names();
  const auto weights = objective.weights();
  for (std::size_t k = 0; k < weights.size(); ++k)
    require_representable<T>(concat("trainer: the weight of the term ", names[k]), weights[k]);
  if constexpr (requires { rule.check(T(o.learning_rate)); }) rule.check(T(o.learning_rate));
}

/// The learning rate of a step, which a schedule of the user's may have spoiled.
template <class T>
T rate_of_step(const train_options& o, index_t step) {
  const double rate = o.learning_rate * o.schedule(step, o.steps);
  if (!is_not_negative(rate) || rate > double(std::numeric_limits<T>::max()))
    fail<numeric_error>("training: the schedule makes the learning rate ", rate, " at step ", step + 1,
                        ", expected 0 or a finite number above it");
  return T(rate);
}

[[noreturn, gnu::cold]] inline void fail_at_step(index_t steps_done, std::string_view what, double found) {
  fail<numeric_error>("training: ", what, " is ", found, " at step ", steps_done + 1, ", expected a finite number; ",
                      steps_done > 0 ? "try a lower learning rate"
                                     : "no step has been made yet: look at the size of the pairs' numbers and at the "
                                       "weights that the run starts from");
}

/// The average and the slots are looked at too: the next student and the next run are made of them.
template <class T>
void require_finite_state(const training_state<T>& s, const manifest& tensors) {
  const auto look = [&](std::string_view part, const matrix<T>& numbers) {
    const index_t at = first_not_finite(numbers.view());
    if (at < 0) return;
    const index_t column = at % numbers.cols();
    std::string_view tensor = "the model";
    for (const auto& e : tensors)
      if (column >= e.offset && column - e.offset < e.size()) tensor = e.name;
    fail<numeric_error>("training: ", part, " ", tensor, " has ", numbers.data()[at], " in it after step ", s.step,
                        ", expected finite numbers; try a lower learning rate");
  };
  look("the tensor", s.weights);
  look("the average of", s.average);
  look("what the update rule remembers of", s.slots);
}

}  // namespace kdm::detail
