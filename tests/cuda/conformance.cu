// The conformance suite on the device.
#include "backend/conforms.hpp"
#include "kdm/backend/cuda.cuh"

TEST_CASE_TEMPLATE("cuda backend conforms", B, kdm::cuda_backend<float>, kdm::cuda_backend<double>) {
  kdm_test::check_conforms(B{});
}

TEST_CASE("cuda backend: supported operations") {
  kdm_test::check_column<kdm::cuda_backend<float>, kdm::cuda_backend<double>>();
}
