// The conformance suite on the native backend.
#include "backend/conforms.hpp"
#include "backend/count_allocations.hpp"
#include "kdm/backend/native.hpp"

TEST_CASE_TEMPLATE("Native backend conforms", B, kdm::native_backend<float>, kdm::native_backend<double>) {
  kdm_test::check_conforms(B{}, kdm_test::counting_allocations());
}

TEST_CASE("Native backend: supported operations") {
  kdm_test::check_column<kdm::native_backend<float>, kdm::native_backend<double>>();
}
