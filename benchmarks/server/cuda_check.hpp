/// What the device's results are checked with: the same computation on the processor.
#pragma once

#include <cstdint>
#include <vector>

#include "kdm/core/matrix.hpp"
#include "protocol.hpp"

namespace kdm_benchmark {

/// The losses of the first steps of training from the request's weights.
std::vector<double> losses_on_host(const request& r, int steps);

/// Samples 0 .. n - 1 of a seed.
kdm::matrix<float> samples_on_host(const request& r, std::uint64_t seed, index_t n);

}  // namespace kdm_benchmark
