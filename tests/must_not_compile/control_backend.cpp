#include "kdm/core/backend.hpp"
#include "kdm/core/host.hpp"

struct plain : kdm::host_backend<float> {
  void gemm(kdm::op, kdm::op, float, kdm::const_view<float>, kdm::const_view<float>, float, kdm::view<float>) {}
};

void compute_on(const kdm::backend auto&) {}

int main() { compute_on(plain{}); }
