// An activation of your own: softplus, log(1 + e^z), which is smooth and positive.
#include <cmath>
#include <iostream>

#include "kdm/backend/reference.hpp"
#include "kdm/nn/dense.hpp"
#include "kdm/nn/gradient_check.hpp"

struct softplus {
  static constexpr const char* name = "softplus";

  template <class T>
  KDM_HD constexpr kdm::activated<T> operator()(T z) const {
    // log(1 + e^z) = max(z, 0) + log(1 + e^-|z|): no overflow on either side. The functions of kdm::math vectorise.
    const T magnitude = z < T(0) ? -z : z;
    const T value = (z < T(0) ? T(0) : z) + kdm::math::log(T(1) + kdm::math::exp(-magnitude));
    return {value, kdm::math::sigmoid(z)};
  }
};

static_assert(kdm::activation<softplus, float> && kdm::activation<softplus, double>);

int main() {
  double worst = 0;
  for (double z = -20; z <= 20; z += 0.25)
    worst = std::max(worst, std::abs(softplus{}(z).value - std::log1p(std::exp(z))));
  std::cout << "largest error of " << softplus::name << ": " << worst << '\n';

  const auto errors = kdm::gradient_check<kdm::reference_backend<double>>(kdm::dense_layer(3, 4, softplus{}));
  std::cout << "largest relative error of a gradient: " << errors.worst() << '\n';
  return worst < 1e-14 && errors.worst() < 1e-7 ? 0 : 1;
}
