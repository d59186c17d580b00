/// What goes into a training run and what comes out of it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kdm/core/brief.hpp"
#include "kdm/core/matrix.hpp"
#include "kdm/core/print.hpp"
#include "kdm/exec/slicing.hpp"
#include "kdm/nn/schedule.hpp"
#include "kdm/train/average.hpp"

namespace kdm {

/// How to train. The defaults are the published recipe's optimiser at a batch that suits a processor.
struct train_options {
  index_t steps = 10000;           ///< of the whole run: what the schedule spans
  index_t batch = 1024;            ///< pairs a step
  double learning_rate = 1e-3;     ///< of a schedule's factor 1
  kdm::schedule schedule = schedules::cosine();
  double clip_norm = 0;            ///< largest norm of the gradient; 0 does not clip
  moving_average average = {};
  std::uint64_t seed = 1;          ///< of initial weights, batches and latent noise
  slicing slices = {};
};

/// What one step did.
struct step_report {
  index_t step = 0;               ///< steps done, this one included
  index_t steps = 0;              ///< of the whole run
  double loss = 0;                ///< the weighted sum of the terms
  std::vector<double> terms;      ///< the unweighted terms, in the objective's order
  double learning_rate = 0;

  /// "step 100 of 300, loss 0.201, learning rate 0.0025".
  std::string text() const {
    return concat("step ", step, " of ", steps, ", loss ", brief(loss), ", learning rate ", brief(learning_rate));
  }
};

/// Everything a run needs to go on: restored, it continues bit for bit.
template <class T>
struct training_state {
  index_t step = 0;
  matrix<T> weights, average;  ///< [1, weights]
  matrix<T> slots;             ///< [Rule::slots, weights]
};

/// What a callback may answer after a step.
enum class verdict { go_on, stop };

}  // namespace kdm
