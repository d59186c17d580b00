// expect: third argument is no kdm::activation: expected a functor with a static `name`(.|\n)*has_value_and_slope
// lines: 30
#include "kdm/nn/dense.hpp"

int main() {
  kdm::dense_layer layer(2, 8, [](float z) { return z > 0 ? z : 0; });
  return layer.size() == 0;
}
