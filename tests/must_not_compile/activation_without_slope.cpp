// expect: has_value_and_slope
// lines: 30
#include "kdm/math/activations.hpp"

struct cube {
  static constexpr const char* name = "cube";
  template <class T>
  constexpr T operator()(T z) const {
    return z * z * z;
  }
};

void activate(const kdm::activation<float> auto&) {}

int main() { activate(cube{}); }
