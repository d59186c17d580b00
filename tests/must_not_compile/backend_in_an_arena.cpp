// expect: b\.gemm\(
// lines: 29
#include "kdm/core/arena.hpp"
#include "kdm/core/host.hpp"

struct plain : kdm::host_backend<float> {};

// Named, as in a layer's plan.
void plan(kdm::arena<plain>& memory) { (void)memory; }

int main() {}
