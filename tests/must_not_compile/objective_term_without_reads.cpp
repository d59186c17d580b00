// expect: has_reads
// lines: 30
#include <string>

#include "kdm/backend/reference.hpp"
#include "kdm/koopman/objective.hpp"

struct nothing {
  double weight = 1;
  std::string name = "nothing";
  template <kdm::backend B>
  void operator()(B&, const kdm::episode<B>&, const kdm::adjoint<B>&, const kdm::term_value<B>&) const {}
};

void use(const kdm::objective_term<kdm::reference_backend<float>> auto&) {}

int main() { use(nothing{}); }
