/// The exponential moving average of the weights.
#pragma once

#include <algorithm>

#include "kdm/core/error.hpp"
#include "kdm/core/finite.hpp"

namespace kdm {

/// average = d average + (1 - d) w after every step, with d = min(decay, (1 + t) / (10 + t)) at step t = 0, 1, ...
///
/// The ramp keeps the initial weights from lingering in the average of a short run. decay = 0 makes the average the
/// weights themselves.
/// Source.    Polyak, Juditsky 1992; the ramp is that of TensorFlow's ExponentialMovingAverage(num_updates)
struct moving_average {
  double decay = 0.999;

  double at(index_t step) const {
    if (!is_finite(decay) || !(decay >= 0 && decay < 1))
      fail<option_error>("moving_average: decay is ", decay, ", expected in [0, 1)");
    return std::min(decay, (1 + double(step)) / (10 + double(step)));
  }

  /// Throws option_error unless decay is in [0, 1) in T as well: with 1 the average would stay at the initial weights.
  template <class T>
  void check() const {
    at(0);
    if (!(T(decay) < 1)) fail<option_error>("moving_average: decay is ", decay, ", expected in [0, 1), also in float");
  }
};

}  // namespace kdm
