// The headers of kdm::eigen compile with the definitions of that target.
#include "kdm/backend/eigen.hpp"
int main() {}
