// Sums a row on the device; without one the backend says so.
#include <cstdio>

#include "kdm/backend/cuda.cuh"
#include "kdm/core/arena.hpp"

int main() {
  try {
    kdm::cuda_backend<double> b;
    kdm::arena<kdm::cuda_backend<double>> memory(b);
    const auto x = kdm::planned(memory, [](auto& a) { return a.take(3, 1); });
    kdm::ops::fill(b, 2.0, x);
    b.sum_rows(kdm::ops::take_first{}, 0, x.row(0), x);
    kdm::matrix<double> sum(1, 1);
    b.download(x.row(0), sum.view());
    b.synchronize();
    std::printf("sum %g\n", sum(0, 0));
    return sum(0, 0) == 6 ? 0 : 1;
  } catch (const kdm::device_error& e) {
    std::puts(e.what());
    return kdm::cuda_device_count() == 0 ? 0 : 1;
  }
}
