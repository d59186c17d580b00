/// The bridge from spectral penalties to models: pushes the spectrum of an operator, once or during training.
#pragma once

#include <utility>

#include "kdm/backend/reference.hpp"
#include "kdm/core/finite.hpp"
#include "kdm/fit/spectral_penalty.hpp"
#include "kdm/koopman/operator.hpp"

namespace kdm {

namespace detail {

/// The gradient in an operator's weights, for a gradient in its matrix: the operator's own backward pass over the rows
/// of the identity. One more row of zeros takes back what the bias would get.
template <class Operator>
matrix<double> weight_gradient(const Operator& op, const_view<double> w, const matrix<double>& da) {
  using B = reference_backend<double>;
  const index_t n = op.latent();
  B b;
  arena<B> memory(b);
  auto frame = kdm::planned(memory, [&](arena<B>& a) { return op.plan(a, n + 1, pass::training); });
  matrix<double> x(n + 1, op.inputs()), y(n + 1, n), dy(n + 1, n), dw(1, op.size());
  for (index_t i = 0; i < n; ++i) {
    x(i, i) = 1;
    for (index_t j = 0; j < n; ++j) {
      dy(i, j) = da(j, i);
      dy(n, j) -= da(j, i);
    }
  }
  op.forward(b, w, const_view<double>(x), y.view(), frame);
  op.backward(b, w, dw.view(), const_view<double>(x), const_view<double>(y), dy.view(), view<double>{}, 0., frame);
  return dw;
}

}  // namespace detail

/// Moves an operator's weights down the gradient of a penalty on its spectrum by `strength` times value / |gradient|^2.
///
/// That is the step to 0 of a function that falls linearly; these penalties fall quadratically, so that strength 1
/// about halves the excess and 2 removes most of it. It needs no learning rate, works for every operator, whatever its
/// weights mean, and shortens by itself where eigenvalues are sensitive. Where the penalty is 0 nothing is touched; the
/// bias never is. The result tells the penalty before the step.
/// Shapes.    w [1, op.size()] on the host.
/// Cost.      one spectral_penalty, one forward and backward pass of the operator over latent + 1 rows.
/// Throws.    option_error unless strength is positive and finite; as spectral_penalty.
/// Source.    Polyak 1969, "Minimization of unsmooth functionals", USSR Comput. Math. Math. Phys. 9 (the step length)
template <koopman_operator<reference_backend<double>> Operator, class Penalty>
spectral_penalty_result push_spectrum(const Operator& op, view<double> w, const Penalty& penalty, double strength = 1) {
  if (!(strength > 0 && is_finite(strength)))
    fail<option_error>("push_spectrum: strength is ", strength, ", expected a finite number above 0");
  require_size("push_spectrum: number of weights", w.size(), op.size());
  spectral_penalty_result result = kdm::spectral_penalty(op.affine(w).a.view(), penalty);
  if (!(result.value > 0)) return result;
  const matrix<double> dw = detail::weight_gradient(op, w, result.gradient);
  double square = 0;
  for (index_t k = 0; k < dw.size(); ++k) square += dw.data()[k] * dw.data()[k];
  if (!(square > 0)) return result;
  for (index_t k = 0; k < dw.size(); ++k) w.p[k] -= strength * result.value / square * dw.data()[k];
  return result;
}

/// A training callback that pushes the spectrum of the model's operator every so many steps, the last included.
///
/// The push is decoupled from the update rule, as weight decay is in AdamW: Adam's running moments do not see it, and
/// its size does not depend on the learning rate. The moving average takes over the pushed weights. It depends on step
/// and weights alone, so a resumed run goes on bit for bit if the callback comes before checkpoint_every.
/// Cost.      one push_spectrum each time, on the host.
/// Throws.    option_error unless every >= 1.
/// Example.   docs/concepts/koopman_operator.md
template <class Penalty>
class penalise_spectrum {
 public:
  penalise_spectrum(index_t every, Penalty penalty, double strength = 1)
      : every_(every), penalty_(std::move(penalty)), strength_(strength) {
    if (every < 1) fail<option_error>("penalise_spectrum: every ", every, " steps, expected at least 1");
  }

  template <class Trainer, class Report>
  void operator()(Trainer& t, const Report& r) {
    if (r.step % every_ != 0 && r.step != r.steps) return;
    t.change_weights([&](auto w) {
      using T = typename decltype(w)::value_type;
      const view<T> place = t.model().operator_weights(w);
      matrix<double> weights{place};
      result_ = kdm::push_spectrum(t.model().koopman, weights.view(), penalty_, strength_);
      if (!(result_.value > 0)) return;
      for (index_t k = 0; k < place.cols; ++k) place.p[k] = T(weights.data()[k]);
    });
  }

  /// The penalty before the last push.
  const spectral_penalty_result& result() const { return result_; }

 private:
  index_t every_;
  Penalty penalty_;
  double strength_;
  spectral_penalty_result result_;
};

}  // namespace kdm
