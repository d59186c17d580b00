// Uses one thing of each component asked for.
#include <cstdio>

#include "kdm/backend/eigen.hpp"
#include "kdm/core/matrix.hpp"
#include "kdm/exec/openmp.hpp"
#include "kdm/exec/serial.hpp"

#if !defined(EIGEN_DONT_PARALLELIZE)
#error "kdm::eigen must define EIGEN_DONT_PARALLELIZE"
#endif

template <kdm::executor E>
int covered(const E& executor) {
  kdm::matrix<float> seen(1, 10);
  executor.for_chunks(10, 3, [&](kdm::index_t first, kdm::index_t last, int) {
    for (kdm::index_t i = first; i < last; ++i) seen(0, i) += 1;
  });
  int count = 0;
  for (kdm::index_t i = 0; i < 10; ++i) count += seen(0, i) == 1 ? 1 : 0;
  return count;
}

int main() {
  const int total = covered(kdm::serial{}) + covered(kdm::openmp(2));
  std::printf("kdm %d.%d.%d: %d of 20 covered\n", KDM_VERSION_MAJOR, KDM_VERSION_MINOR, KDM_VERSION_PATCH, total);
  return total == 20 ? 0 : 1;
}
