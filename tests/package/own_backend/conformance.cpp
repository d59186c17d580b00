#include <cstdlib>
#include <iostream>

#include "kdm/testing/conformance.hpp"
#include "my_backend.hpp"
#include "my_device.hpp"

template <class B>
bool conforms(const B& b) {
  const auto report = kdm::testing::check_backend(b);
  std::cout << report << '\n';
  return report.passed();
}

int main() {
  const bool host = conforms(my_backend<float>{}) && conforms(my_backend<double>{});
  const bool device = conforms(my_device<float>{}) && conforms(my_device<double>{});
  return host && device ? EXIT_SUCCESS : EXIT_FAILURE;
}
