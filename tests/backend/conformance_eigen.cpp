// The conformance suite on the Eigen backend.
#include "backend/conforms.hpp"
#include "backend/count_allocations.hpp"
#include "kdm/backend/eigen.hpp"

TEST_CASE_TEMPLATE("Eigen backend conforms", B, kdm::eigen_backend<float>, kdm::eigen_backend<double>) {
  kdm_test::check_conforms(B{}, kdm_test::counting_allocations());
}

TEST_CASE("Eigen backend: supported operations") {
  kdm_test::check_column<kdm::eigen_backend<float>, kdm::eigen_backend<double>>();
}
