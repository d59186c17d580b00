// expect: has_function_name
// lines: 30
#include "kdm/math/activations.hpp"

struct cube {
  template <class T>
  constexpr kdm::activated<T> operator()(T z) const {
    return {z * z * z, 3 * z * z};
  }
};

void activate(const kdm::activation<float> auto&) {}

int main() { activate(cube{}); }
