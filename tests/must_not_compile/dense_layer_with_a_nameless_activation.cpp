// expect: third argument is no kdm::activation(.|\n)*has_function_name
// lines: 30
#include "kdm/nn/chain.hpp"
#include "kdm/nn/dense.hpp"

struct cube {
  template <class T>
  constexpr kdm::activated<T> operator()(T z) const {
    return {z * z * z, 3 * z * z};
  }
};

int main() {
  kdm::sequential net{kdm::dense_layer(2, 8, cube{}), kdm::dense_layer(8, 2)};
  return net.size() == 0;
}
