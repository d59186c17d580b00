// expect: b\.gemm\(
// lines: 29
#include "kdm/core/backend.hpp"
#include "kdm/core/host.hpp"

// All the rest comes from the base.
struct plain : kdm::host_backend<float> {};

void compute_on(const kdm::backend auto&) {}

int main() { compute_on(plain{}); }
