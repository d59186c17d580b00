/// The machine's own limits, measured in the same run.
#pragma once

#include "protocol.hpp"

namespace kdm_benchmark {

/// Fused multiply-adds in registers. variant "512" or "256": bits of a register; anything else: the faster one.
answer run_peak(const request& r);

/// a = b + s c over arrays that no cache holds.
answer run_triad(const request& r);

}  // namespace kdm_benchmark
