// A loss term of your own: it draws every latent number of the noise towards size one.
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <string>

#include "kdm/backend/reference.hpp"
#include "kdm/koopman/terms.hpp"
#include "kdm/train/trainer.hpp"

/// mean over batch and dimensions of (z^2 - 1)^2 / 4 for z = zT: smallest where every z is 1 or -1. What a term
/// needs is its value on a slice, and its derivative (z^2 - 1) z added to the adjoint of what it reads.
struct unit_size {
  double weight = 0.1;
  std::string name = "unit size";
  static constexpr bool reads_reconstruction = false, reads_prediction = false;

  struct value_of {
    template <class T>
    KDM_HD T operator()(T z) const {
      return (z * z - T(1)) * (z * z - T(1)) / T(4);
    }
  };
  template <class T>
  struct add_slope {
    T factor;
    KDM_HD T operator()(T d, T z) const { return d + factor * (z * z - T(1)) * z; }
  };

  template <kdm::backend B>
  void operator()(B& b, const kdm::episode<B>& e, const kdm::adjoint<B>& d, const kdm::term_value<B>& v) const {
    using T = kdm::value_t<B>;
    const T share = T(1) / T(e.batch * e.zT.cols);
    // Column sums of this slice, then their share of the mean over the whole batch.
    const auto sums = v.scratch.col_range(0, e.zT.cols);
    b.sum_rows(value_of{}, T(0), sums, e.zT);
    b.sum_rows(kdm::ops::scaled<T>{share}, T(1), v.value, kdm::const_view_of<B>(sums.reshaped(sums.cols, 1)));
    kdm::ops::map(b, add_slope<T>{T(weight) * share}, d.zT, d.zT, e.zT);
  }
};
static_assert(kdm::objective_term<unit_size, kdm::reference_backend<float>>);

int main() {
  using namespace kdm;
  // Noise on a line, data on a circle: x_0 = (cos x_T, sin x_T).
  const random_table random{7};
  matrix<float> xT(500, 1), x0(500, 2);
  for (index_t i = 0; i < xT.rows(); ++i) {
    xT(i, 0) = random.normal<float>(i, 0);
    x0(i, 0) = float(std::cos(xT(i, 0))), x0(i, 1) = float(std::sin(xT(i, 0)));
  }

  const activations::tanh act;
  const koopman_model model{sequential{dense_layer(1, 16, act), dense_layer(16, 4)},
                            sequential{dense_layer(2, 16, act), dense_layer(16, 4)}, linear_operator(4),
                            sequential{dense_layer(4, 16, act), dense_layer(16, 2)}};
  train_options options{.steps = 500, .batch = 100, .learning_rate = 1e-2};
  trainer t(distillation(model, objective(0, terms::latent<>{}, terms::reconstruction<>{}, terms::prediction<>{},
                                          unit_size{})),
            adam{}, options, xT, x0, reference_backend<float>{});

  const step_report first = t.advance();
  t.run();
  const step_report& last = t.report();
  const auto names = t.objective().names();
  for (std::size_t k = 0; k < names.size(); ++k)
    std::cout << names[k] << ": " << first.terms[k] << " -> " << last.terms[k] << '\n';
  return last.terms[3] < 0.5 * first.terms[3] && last.loss < 0.2 * first.loss ? EXIT_SUCCESS : EXIT_FAILURE;
}
