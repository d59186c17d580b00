// expect: temporary .* destroyed at the end of the full-expression
#include "kdm/core/matrix.hpp"

#pragma clang diagnostic error "-Wdangling"

// A warning in a user's build, and of clang alone: g++ has no attribute for it.
float first() {
  const kdm::const_view<float> x = kdm::matrix<float>(4, 2);
  return x(0, 0);
}

int main() {}
