/// Functions of the user's as dictionaries: of one state, of one state with derivatives, or of rows of states.
#pragma once

#include <concepts>
#include <utility>

#include "kdm/fit/dictionaries/pointwise.hpp"

namespace kdm {

/// f(x, psi) for one state: f reads const double* x and writes double* psi.
///
/// Example.   observables(2, 2, [](const double* x, double* psi) { psi[0] = x[0], psi[1] = x[0] * x[1]; })
template <class F>
  requires std::invocable<const F&, const double*, double*>
class observables {
 public:
  observables(index_t inputs, index_t features, F f) : inputs_(inputs), features_(features), f_(std::move(f)) {
    detail::require_count("observables: inputs", inputs, 1);
    detail::require_count("observables: features", features, 1);
  }
  index_t inputs() const { return inputs_; }
  index_t features() const { return features_; }

  void evaluate(const_view<double> x, view<double> psi) const {
    for (index_t i = 0; i < x.rows; ++i) f_(x.row_pointer(i), psi.row_pointer(i));
  }

 private:
  index_t inputs_, features_;
  F f_;
};

/// f(x, psi) for one state and any number type: derivatives come for nothing, by jets.
///
/// Example.   smooth_observables(2, 1, [](auto x, auto psi) { using std::sin; psi[0] = x[0] * sin(x[1]); })
template <class F>
  requires std::invocable<const F&, const double*, double*> && std::invocable<const F&, const jet*, jet*>
class smooth_observables : public pointwise_dictionary<smooth_observables<F>> {
 public:
  smooth_observables(index_t inputs, index_t features, F f) : inputs_(inputs), features_(features), f_(std::move(f)) {
    detail::require_count("smooth_observables: inputs", inputs, 1);
    detail::require_count("smooth_observables: features", features, 1);
  }
  index_t inputs() const { return inputs_; }
  index_t features() const { return features_; }

  template <class S>
  void formula(const S* x, S* psi) const {
    f_(x, psi);
  }

 private:
  index_t inputs_, features_;
  F f_;
};

/// f(x, psi) for many states at a time, on views of double or of float: a neural encoder, for instance a runner.
///
/// f may change itself when called, as a runner does with its workspace, so one such dictionary is not for several
/// threads at once. A callable that cannot be copied is passed as a lambda that refers to it.
/// Example.   row_features(2, 64, [&](kdm::const_view<float> x, kdm::view<float> z) { encoder(x, z); })
template <class F>
  requires std::invocable<F&, const_view<double>, view<double>> || std::invocable<F&, const_view<float>, view<float>>
class row_features {
 public:
  row_features(index_t inputs, index_t features, F f) : inputs_(inputs), features_(features), f_(std::move(f)) {
    detail::require_count("row_features: inputs", inputs, 1);
    detail::require_count("row_features: features", features, 1);
  }
  index_t inputs() const { return inputs_; }
  index_t features() const { return features_; }

  void evaluate(const_view<double> x, view<double> psi) const {
    if constexpr (std::invocable<F&, const_view<double>, view<double>>) {
      f_(x, psi);
    } else {
      const matrix<float> in(x);
      matrix<float> out(psi.rows, psi.cols);
      f_(in.view(), out.view());
      for (index_t i = 0; i < psi.rows; ++i)
        for (index_t j = 0; j < psi.cols; ++j) psi(i, j) = double(out(i, j));
    }
  }

 private:
  index_t inputs_, features_;
  mutable F f_;
};

}  // namespace kdm
