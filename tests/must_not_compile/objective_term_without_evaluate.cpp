// expect: has_evaluate
// lines: 30
#include <string>

#include "kdm/backend/reference.hpp"
#include "kdm/koopman/objective.hpp"

struct nothing {
  double weight = 1;
  std::string name = "nothing";
  static constexpr bool reads_reconstruction = false, reads_prediction = false;
};

void use(const kdm::objective_term<kdm::reference_backend<float>> auto&) {}

int main() { use(nothing{}); }
