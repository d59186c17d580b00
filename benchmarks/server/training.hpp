/// The training that every backend is measured on.
#pragma once

#include <utility>

#include "kdm/koopman/terms.hpp"
#include "kdm/train/trainer.hpp"
#include "student.hpp"

namespace kdm_benchmark {

/// A trainer of the student of the request, at its weights and before its first step.
template <kdm::backend B, kdm::executor E>
auto trainer_on(const request& r, B b, E e) {
  kdm::distillation problem(student(),
                            kdm::objective(0.4, kdm::terms::latent<>{}, kdm::terms::reconstruction<>{}));
  kdm::train_options options{.batch = r.batch, .learning_rate = 3e-4, .schedule = kdm::schedules::constant()};
  const pair_table& data = pairs();
  kdm::trainer train{std::move(problem), kdm::adam{}, options,     data.noise.view(),
                     data.data.view(),   b,           std::move(e)};
  const kdm::matrix<float> w = student_weights(r);
  train.restore({0, w, w, kdm::matrix<float>(kdm::adam::slots, w.size())});
  return train;
}

}  // namespace kdm_benchmark
