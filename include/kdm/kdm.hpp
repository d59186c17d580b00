/// The library on the standard library alone: the reference and native backends, one thread, no files.
///
/// What needs more is included by itself: backend/eigen.hpp, exec/openmp.hpp, fit/, io/, report/, train/checkpoint.hpp.
#pragma once

#include "kdm/backend/reference.hpp"
#include "kdm/core/core.hpp"
#include "kdm/exec/serial.hpp"
#include "kdm/koopman/koopman.hpp"
#include "kdm/math/math.hpp"
#include "kdm/metrics/metrics.hpp"
#include "kdm/nn/nn.hpp"
#include "kdm/teacher/teacher.hpp"
#include "kdm/train/train.hpp"

#if defined(__GNUC__) && !defined(__CUDACC__)
#include "kdm/backend/native.hpp"  // vector extensions, which nvcc does not know
#endif
