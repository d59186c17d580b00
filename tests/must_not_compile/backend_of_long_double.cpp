// expect: float_or_double
#include "kdm/backend/reference.hpp"

int main() { kdm::reference_backend<long double> b; }
