// The conformance suite on a backend with the six clauses alone, in a memory space of its own.
#include "backend/conforms.hpp"
#include "backend/count_allocations.hpp"
#include "backend/six_clauses.hpp"

TEST_CASE_TEMPLATE("a backend of six clauses conforms", B,
                   kdm_test::six_clauses<float>, kdm_test::six_clauses<double>) {
  kdm_test::check_conforms(B{}, kdm_test::counting_allocations());
}

TEST_CASE("a backend of six clauses: supported operations") {
  kdm_test::check_column<kdm_test::six_clauses<float>, kdm_test::six_clauses<double>>();
}
