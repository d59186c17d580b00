#include "kdm/koopman/terms.hpp"

struct fourth_power {
  template <class T>
  constexpr kdm::activated<T> operator()(T e) const {
    return {e * e * e * e, 4 * e * e * e};
  }
};

int main() {
  kdm::terms::prediction<fourth_power> term{.weight = 0.5};
  return term.weight == 0;
}
