/// The cases that a backend has, behind plain functions: every backend is compiled in a file of its own.
#pragma once

#include "protocol.hpp"

namespace kdm_benchmark {

struct backend_cases {
  const char* name;
  answer (*gemm)(const request&);
  answer (*step)(const request&);
  answer (*sample)(const request&);
  answer (*latency)(const request&);
  answer (*memory)(const request&);
};

// Each in its own file; which of them this build has, main.cpp says.
backend_cases eigen_cases();
backend_cases native_cases();
backend_cases xtensor_cases();
backend_cases dnnl_cases();

}  // namespace kdm_benchmark
