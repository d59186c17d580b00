// The BLAS that xtensor-blas is linked with; compiled where CMake has found both.
#include "kdm/backend/xtensor.hpp"

#include "cases_of.hpp"

namespace kdm_benchmark {
backend_cases xtensor_cases() { return cases_of<kdm::xtensor_backend<float>>("xtensor"); }
}  // namespace kdm_benchmark
