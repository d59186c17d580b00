/// Cases without a backend: teachers and metrics.
#pragma once

#include "protocol.hpp"

namespace kdm_benchmark {

/// `batch` pairs of the exact checkerboard teacher, 20 Heun steps each.
answer run_teacher(const request& r);

/// Sliced Wasserstein between two sets of `batch` samples, 512 directions.
answer run_sliced_wasserstein(const request& r);

}  // namespace kdm_benchmark
