#if __has_include("kdm/backend/native.hpp")
#include "kdm/backend/native.hpp"

#include "cases_of.hpp"

namespace kdm_benchmark {
backend_cases native_cases() { return cases_of<kdm::native_backend<float>>("native"); }
}  // namespace kdm_benchmark
#endif
