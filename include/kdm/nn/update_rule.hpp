/// Update rules: one elementwise step over the flat weights. sgd, momentum, adam, adamw.
#pragma once

#include <cmath>
#include <concepts>
#include <type_traits>
#include <utility>

#include "kdm/core/config.hpp"
#include "kdm/core/representable.hpp"
#include "kdm/math/functions.hpp"

namespace kdm {

/// R::slots, a constant: how many numbers the rule remembers per weight, zero at first.
template <class R>
concept has_slots = std::copyable<R> && requires {
  { R::slots } -> std::convertible_to<int>;
  typename std::integral_constant<int, R::slots>;
};

namespace detail {
template <class R, class T>
using update_of = decltype(std::declval<const R&>().at(index_t(), T()));
}  // namespace detail

/// at(step, rate): the update of step 0, 1, 2, ... as a functor with a const update(g, w, s) that changes one weight w,
/// whose gradient is g, and its slots s[0], ..., s[slots - 1].
template <class R, class T>
concept has_update =
    has_slots<R> && requires(const detail::update_of<R, T>& update, T g, T& w, T* s) { update(g, w, s); };

/// How a gradient becomes a step. The functor is a CUDA kernel's body too: plain numbers, KDM_HD.
///
/// A rule may have check(rate): throws option_error where its options make no step in T at the base rate `rate`. The
/// trainer's constructor calls it.
/// Example.   examples/custom_update_rule.cpp
template <class R, class T>
concept update_rule = has_slots<R> && has_update<R, T>;

/// w -= rate g.
struct sgd {
  static constexpr int slots = 0;

  template <class T>
  struct update {
    T rate;
    KDM_HD void operator()(T g, T& w, T* /*s*/) const { w -= rate * g; }
  };
  template <class T>
  update<T> at(index_t /*step*/, T rate) const {
    return {rate};
  }
};

namespace detail {
/// A memory in [0, 1), in double and in T.
template <class T>
void require_memory(std::string_view what, double beta) {
  if (!is_finite(beta) || !(beta >= 0 && beta < 1 && T(beta) < 1))
    fail<option_error>(what, " is ", beta, ", expected 0 or more and below 1 in ", number_name<T>);
}
}  // namespace detail

/// v = beta v + g; w -= rate v. (PyTorch's SGD with momentum, without dampening.)
struct momentum {
  double beta = 0.9;
  static constexpr int slots = 1;

  template <class T>
  struct update {
    T rate, beta;
    KDM_HD void operator()(T g, T& w, T* s) const {
      s[0] = beta * s[0] + g;
      w -= rate * s[0];
    }
  };
  template <class T>
  update<T> at(index_t /*step*/, T rate) const {
    return {rate, T(beta)};
  }
  template <class T>
  void check(T /*rate*/) const {
    detail::require_memory<T>("momentum: beta", beta);
  }
};

/// Adam with decoupled weight decay (none by default): bias-corrected running mean and variance of the gradient.
///
/// m = beta1 m + (1 - beta1) g; v = beta2 v + (1 - beta2) g^2;
/// w -= rate (decay w + m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + epsilon)), t = step + 1.
///
/// Source.    Kingma, Ba 2015, "Adam"; Loshchilov, Hutter 2019, "Decoupled weight decay regularization"
struct adam {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;
  static constexpr int slots = 2;

  template <class T>
  struct update {
    T step_size, mean_gain, variance_gain, epsilon, variance_scale, shrink;
    KDM_HD void operator()(T g, T& w, T* s) const {
      s[0] += mean_gain * (g - s[0]);
      s[1] += variance_gain * (g * g - s[1]);
      w = shrink * w - step_size * s[0] / (math::sqrt(s[1]) * variance_scale + epsilon);
    }
  };
  template <class T>
  update<T> at(index_t step, T rate) const {
    const double t = double(step) + 1;
    // 1 - beta is taken in double: in float, 1 - 0.999f is off by 1.3e-5 of itself.
    return {T(double(rate) / (1 - std::pow(beta1, t))), T(1 - beta1), T(1 - beta2), T(epsilon),
            T(1 / std::sqrt(1 - std::pow(beta2, t))), T(1 - double(rate) * weight_decay)};
  }

  /// epsilon is above 0 in T: a weight that no term reads would become 0 / 0. The betas only need to differ from 1 in
  /// double, since 1 - beta is taken there.
  template <class T>
  void check(T rate) const {
    detail::require_memory<double>("adam: beta1", beta1);
    detail::require_memory<double>("adam: beta2", beta2);
    require_positive<T>("adam: epsilon", epsilon);
    if (!is_not_negative(weight_decay) || !is_finite(T(1 - double(rate) * weight_decay)))
      fail<option_error>("adam: weight_decay is ", weight_decay, ", expected 0 or a finite number above it");
    require_representable<T>("adam: the learning rate at the first step, rate / (1 - beta1),",
                             double(rate) / (1 - beta1));
  }
};

/// Adam with the weight decay of 0.01 that PyTorch's AdamW has.
inline adam adamw(double weight_decay = 0.01) { return {.weight_decay = weight_decay}; }

static_assert(update_rule<sgd, float> && update_rule<momentum, float> && update_rule<adam, double>);

}  // namespace kdm
