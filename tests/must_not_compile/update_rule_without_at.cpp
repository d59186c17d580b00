// expect: has_update
// lines: 30
#include "kdm/nn/update_rule.hpp"

struct sign_descent {
  static constexpr int slots = 0;
};

void train_with(const kdm::update_rule<float> auto&) {}

int main() { train_with(sign_descent{}); }
