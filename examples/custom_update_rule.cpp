// An update rule of your own: Lion, which steps by the sign of a running mean.
//
// Source: Chen et al. 2023, "Symbolic discovery of optimization algorithms".
#include <cmath>
#include <iostream>

#include "kdm/nn/update_rule.hpp"

struct lion {
  double beta1 = 0.9;
  double beta2 = 0.99;
  static constexpr int slots = 1;  // one number remembered for each weight, zero at first

  template <class T>
  struct update {
    T rate, beta1, beta2;
    KDM_HD void operator()(T g, T& w, T* s) const {
      const T direction = beta1 * s[0] + (T(1) - beta1) * g;
      s[0] = beta2 * s[0] + (T(1) - beta2) * g;
      w -= direction > T(0) ? rate : direction < T(0) ? -rate : T(0);
    }
  };

  template <class T>
  update<T> at(kdm::index_t /*step*/, T rate) const {
    return {rate, T(beta1), T(beta2)};
  }
};

static_assert(kdm::update_rule<lion, float> && kdm::update_rule<lion, double>);

// Steps from w = 3 down the slope of (w - 1)^2.
template <class Rule>
double descend(const Rule& rule) {
  double w = 3, slots[2] = {0, 0};
  for (kdm::index_t step = 0; step < 2000; ++step) {
    const double rate = 0.01 * (1 - double(step) / 2000);
    rule.at(step, rate)(2 * (w - 1), w, slots);
  }
  return w;
}

int main() {
  const double by_lion = descend(lion{}), by_adam = descend(kdm::adam{});
  std::cout << "minimum at 1; lion found " << by_lion << ", adam " << by_adam << '\n';
  return std::abs(by_lion - 1) < 0.01 && std::abs(by_adam - 1) < 0.01 ? 0 : 1;
}
