/// The operator of a system with control: z' = z A' + u B'.
#pragma once

#include "kdm/koopman/operator.hpp"

namespace kdm {

/// z' = z A' + u B' for rows [z, u] of a latent and a control.
///
/// It is a koopman_operator whose inputs are latent + controls: affine and assign speak of the motion of z, either
/// free (u = 0) or under a control that is held, which then is the bias c = u B'. A koopman_model has nowhere to take
/// u from and refuses it; run it by itself (runner, sequential), step by step for a simulation.
/// Shapes.    input [n, latent + controls], output [n, latent]. Weights: "weight" = [A B] [latent, latent + controls].
/// Cost.      2 n latent (latent + controls) flops.
/// Throws.    shape_error for fewer than one control.
/// Source.    Proctor, Brunton, Kutz 2016, "Dynamic mode decomposition with control", SIAM J. Appl. Dyn. Syst. 15
class controlled_operator : public dense_layer<activations::identity> {
 public:
  controlled_operator(index_t latent, index_t controls, initializer init = initializer::pytorch)
      : dense_layer(checked_sum("controlled_operator: states and controls", latent, checked(controls)), latent, {}, false, init) {}

  index_t latent() const { return outputs(); }
  index_t controls() const { return inputs() - outputs(); }
  bool takes_bias() const { return false; }
  std::string text() const { return concat("controlled_operator ", latent(), ", ", controls(), " controls"); }

  /// A and B inside host weights.
  template <class T, class Space>
  view<T, Space> state_weight(view<T, Space> w) const {
    return weight(w).col_range(0, latent());
  }
  template <class T, class Space>
  view<T, Space> control_weight(view<T, Space> w) const {
    return weight(w).col_range(latent(), controls());
  }

  /// The free motion, u = 0.
  affine_map affine(const_view<double> w) const {
    require_size("controlled_operator: number of weights", w.size(), size());
    return {matrix<double>(state_weight(w)), matrix<double>(1, latent())};
  }

  /// The motion under a control that is held: c = u B'.
  ///
  /// Shapes.    u [1, controls].
  affine_map affine(const_view<double> w, const_view<double> u) const {
    require_size("controlled_operator: rows of the control", u.rows, 1);
    require_size("controlled_operator: columns of the control", u.cols, controls());
    affine_map map = affine(w);
    const const_view<double> b = control_weight(w);
    for (index_t j = 0; j < latent(); ++j)
      for (index_t k = 0; k < controls(); ++k) map.c(0, j) += u(0, k) * b(j, k);
    return map;
  }

  /// Sets A to the fit's; B stays as it is.
  ///
  /// Throws.    shape_error when the fit has another dimension.
  void assign(const affine_map& fit, view<double> w) const {
    require_size("controlled_operator: number of weights", w.size(), size());
    require_size("controlled_operator: rows of the fitted matrix", fit.a.rows(), latent());
    require_size("controlled_operator: columns of the fitted matrix", fit.a.cols(), latent());
    copy_to(fit.a, state_weight(w));
  }

  /// Sets A and B.
  ///
  /// Shapes.    control [latent, controls].
  /// Throws.    shape_error naming what does not fit, with the weights as they were.
  void assign(const affine_map& fit, const_view<double> control, view<double> w) const {
    require_size("controlled_operator: rows of the fitted control matrix", control.rows, latent());
    require_size("controlled_operator: columns of the fitted control matrix", control.cols, controls());
    assign(fit, w);
    copy_to(control, control_weight(w));
  }

 private:
  static index_t checked(index_t controls) {
    if (controls < 1) fail<shape_error>("controlled_operator: controls is ", controls, ", expected at least 1");
    return controls;
  }

  static void copy_to(const_view<double> from, view<double> to) {
    for (index_t i = 0; i < to.rows; ++i)
      for (index_t j = 0; j < to.cols; ++j) to(i, j) = from(i, j);
  }
};

}  // namespace kdm
