// DMD with control: an unstable system identified while it is pushed, and data that cannot identify it.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>

#include "kdm/fit/dmdc.hpp"
#include "kdm/math/random.hpp"

using kdm::index_t;
using kdm::matrix;

// x(next) = A x + B u with A = [[1.5 0] [0 0.1]], B = [1; 0] (Proctor, Brunton, Kutz 2016, SIAM J. Appl. Dyn. Syst.
// 15). The input at step t is input(x, t); states [steps + 1, 2] and inputs [steps, 1] are written down.
template <class Input>
void run(Input input, matrix<double>& x, matrix<double>& u) {
  for (index_t t = 0; t < u.rows(); ++t) {
    u(t, 0) = input(&x(t, 0), t);
    x(t + 1, 0) = 1.5 * x(t, 0) + u(t, 0);
    x(t + 1, 1) = 0.1 * x(t, 1);
  }
}

double error_of(const matrix<double>& a, std::initializer_list<double> exact) {
  double worst = 0;
  for (index_t k = 0; k < a.size(); ++k) worst = std::max(worst, std::abs(a.data()[k] - exact.begin()[k]));
  return worst;
}

void print(const char* name, const kdm::controlled_dynamics& d) {
  const matrix<double> a = d.state_transition(), b = d.input_matrix();
  std::printf("%-24s %-16s rank %td of %td   A = [%7.4f %7.4f; %7.4f %7.4f]  B = [%7.4f; %7.4f]\n", name,
              name_of(d.verdict).data(), d.data_rank, d.unknown_rank,
              a(0, 0), a(0, 1), a(1, 0), a(1, 1), b(0, 0), b(1, 0));
}

int main() {
  const kdm::random_table random{4};
  matrix<double> x(31, 2), u(30, 1);
  x(0, 0) = 4, x(0, 1) = 7;

  // Under feedback the input is a function of the state: no data of this kind can tell A from B.
  run([](const double* z, index_t) { return -z[0]; }, x, u);
  const auto fed_back = kdm::pairs_from_trajectory(x, u);
  const auto ambiguous = kdm::dmdc(fed_back);
  print("feedback:", ambiguous);
  matrix<double> known(1, 2);  // unless B is known, here as a row
  known(0, 0) = 1;
  const auto with_b = kdm::dmdc(fed_back, {.b = known});
  print("feedback, B given:", with_b);

  // A little noise on top of the feedback is enough, and keeps the unstable system near 0 while it is measured.
  run([&](const double* z, index_t t) { return -z[0] + 0.1 * random.normal<double>(t, 0); }, x, u);
  const auto model = kdm::dmdc(kdm::pairs_from_trajectory(x, u));
  print("feedback and noise:", model);

  // What was identified designs a feedback: of the unstable eigenvalue, -gain puts 0.5 in its place.
  const double unstable = model.state_transition()(0, 0), gain = (unstable - 0.5) / model.input_matrix()(0, 0);
  matrix<double> controlled(21, 2), pushes(20, 1);
  controlled(0, 0) = 4, controlled(0, 1) = 7;
  run([&](const double* z, index_t) { return -gain * z[0]; }, controlled, pushes);
  const auto predicted = model.simulate(controlled.view().row(0), pushes);
  double off = 0;
  for (index_t t = 0; t < predicted.rows(); ++t)
    off = std::max(off, std::hypot(predicted(t, 0) - controlled(t, 0), predicted(t, 1) - controlled(t, 1)));
  std::printf("eigenvalues %.4f and %.4f; under feedback with gain %.4f the state falls from %.1f to %.1e, "
              "predicted to %.1e\n", model.free.eigenvalues[0].real(), model.free.eigenvalues[1].real(), gain,
              controlled(0, 0), controlled(20, 0), off);

  const bool verdicts = ambiguous.verdict == kdm::identifiability::not_identifiable &&
                        with_b.verdict == kdm::identifiability::identified &&
                        model.verdict == kdm::identifiability::identified;
  const double worst = std::max({error_of(with_b.state_transition(), {1.5, 0, 0, 0.1}),
                                 error_of(model.state_transition(), {1.5, 0, 0, 0.1}),
                                 error_of(model.input_matrix(), {1, 0}), off});
  return verdicts && worst < 1e-8 ? EXIT_SUCCESS : EXIT_FAILURE;
}
