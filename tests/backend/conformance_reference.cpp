// The conformance suite on the reference backend.
#include "backend/conforms.hpp"
#include "backend/count_allocations.hpp"
#include "kdm/backend/reference.hpp"

TEST_CASE_TEMPLATE("reference backend conforms", B, kdm::reference_backend<float>, kdm::reference_backend<double>) {
  kdm_test::check_conforms(B{}, kdm_test::counting_allocations());
}

TEST_CASE("reference backend: supported operations") {
  kdm_test::check_column<kdm::reference_backend<float>, kdm::reference_backend<double>>();
}
