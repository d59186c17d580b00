// Runs the tests where there is a device; otherwise says so and exits with what ctest takes for "skipped".
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>

#include "kdm/backend/cuda.cuh"

int main(int argc, char** argv) {
  if (kdm::cuda_device_count() == 0) {
    std::puts("skipped: no device");
    return 77;
  }
  return doctest::Context(argc, argv).run();
}
