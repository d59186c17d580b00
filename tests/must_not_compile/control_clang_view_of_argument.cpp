#include "kdm/core/matrix.hpp"

#pragma clang diagnostic error "-Wdangling"

float first_of(kdm::const_view<float> x) { return x(0, 0); }

// A temporary as an argument lives as long as the call.
float first() { return first_of(kdm::matrix<float>(4, 2)) + first_of(kdm::matrix<float>(4, 2).view()); }

int main() {}
