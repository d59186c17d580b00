#include "kdm/backend/eigen.hpp"

#include "cases_of.hpp"

namespace kdm_benchmark {
backend_cases eigen_cases() { return cases_of<kdm::eigen_backend<float>>("eigen"); }
}  // namespace kdm_benchmark
