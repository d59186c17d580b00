// expect: has_slots
// lines: 30
#include "kdm/nn/update_rule.hpp"

struct sign_descent {
  template <class T>
  struct update {
    T rate;
    void operator()(T g, T& w, T*) const { w -= g > 0 ? rate : -rate; }
  };
  template <class T>
  update<T> at(kdm::index_t, T rate) const {
    return {rate};
  }
};

void train_with(const kdm::update_rule<float> auto&) {}

int main() { train_with(sign_descent{}); }
