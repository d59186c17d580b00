// The conformance suite on the reference backend.
#include "backend/conformance.hpp"

TEST_CASE_TEMPLATE("reference backend conforms", B, kdm::reference_backend<float>, kdm::reference_backend<double>) {
  kdm_test::check_backend(B{});
}
