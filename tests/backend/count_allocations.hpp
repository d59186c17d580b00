// The heap's counter as an option of the conformance suite. For executables of one file (heap_allocations.hpp).
#pragma once

#include "heap_allocations.hpp"
#include "kdm/testing/report.hpp"

namespace kdm_test {

inline kdm::testing::conformance_options counting_allocations() {
  kdm::testing::conformance_options options;
#if !defined(KDM_TEST_HEAP_IS_TAKEN)
  options.allocations = [] { return heap_allocations.load(); };
#endif
  return options;
}

}  // namespace kdm_test
