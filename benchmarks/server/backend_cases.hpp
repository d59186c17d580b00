/// The cases that a backend has, behind plain functions: every backend is compiled in a file of its own.
#pragma once

#include "protocol.hpp"

namespace kdm_benchmark {

/// Null for a case that it has not.
struct backend_cases {
  const char* name;
  answer (*gemm)(const request&);
  answer (*step)(const request&);
  answer (*sample)(const request&);
  answer (*latency)(const request&);
  answer (*memory)(const request&);
};

// Each in its own file; main.cpp lists those of this build.
backend_cases eigen_cases();
backend_cases native_cases();
backend_cases xtensor_cases();
backend_cases dnnl_cases();
backend_cases frozen_cases();

}  // namespace kdm_benchmark
