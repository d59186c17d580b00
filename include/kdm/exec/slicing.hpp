/// How a batch is cut into slices for the lanes: by size alone.
#pragma once

#include <algorithm>

#include "kdm/core/error.hpp"
#include "kdm/core/view.hpp"

namespace kdm {

/// A batch is cut into slices of `rows` rows, and the slices into `groups` consecutive groups.
///
/// A lane takes one group at a time and pushes its slices through the whole network, forward and backward, adding up
/// their gradients; the groups' gradients are then summed in order. Neither number depends on the number of threads,
/// so the bits of a result do not either. `groups` bounds how many threads can help, and costs one gradient each.
struct slicing {
  index_t rows = 0;    ///< 0: chosen from the batch
  index_t groups = 0;  ///< 0: chosen from the batch, at most 8

  /// The slicing with nothing left to choose. 256 rows of 256 activations stay in the second-level cache and are long
  /// enough for a matrix product; a smaller batch still makes four slices, down to 64 rows.
  slicing chosen_for(index_t batch) const {
    if (batch < 1) fail<option_error>("slicing: batch is ", batch, ", expected at least 1");
    if (rows < 0 || groups < 0)
      fail<option_error>("slicing: ", rows, " rows and ", groups, " groups, expected 0 (chosen) or more");
    slicing s = *this;
    if (s.rows == 0) {
      s.rows = 256;
      while (s.rows > 64 && s.rows * 4 > batch) s.rows /= 2;
    }
    s.rows = std::min(s.rows, batch);
    const index_t slices = (batch - 1) / s.rows + 1;
    s.groups = std::min(s.groups == 0 ? index_t(8) : s.groups, slices);
    return s;
  }

  /// One group: everything is one slice. What a device with its own parallelism wants.
  static slicing whole(index_t batch) { return {batch, 1}; }
};

}  // namespace kdm
