// The conformance suite on the xtensor backend.
#include "backend/conforms.hpp"
#include "backend/count_allocations.hpp"
#include "kdm/backend/xtensor.hpp"

TEST_CASE_TEMPLATE("xtensor backend conforms", B, kdm::xtensor_backend<float>, kdm::xtensor_backend<double>) {
  kdm_test::check_conforms(B{}, kdm_test::counting_allocations());
}

TEST_CASE("xtensor backend: supported operations") {
  kdm_test::check_column<kdm::xtensor_backend<float>, kdm::xtensor_backend<double>>();
}
