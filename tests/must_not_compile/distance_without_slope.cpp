// expect: elementwise_distance(.|\n)*has_value_and_slope
// lines: 30
#include "kdm/koopman/terms.hpp"

struct fourth_power {
  template <class T>
  constexpr T operator()(T e) const {
    return e * e * e * e;
  }
};

int main() {
  kdm::terms::prediction<fourth_power> term;
  return term.weight == 0;
}
