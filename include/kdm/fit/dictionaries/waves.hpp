/// Sines and cosines: harmonics on a circle, and random Fourier features.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>

#include "kdm/fit/dictionaries/pointwise.hpp"
#include "kdm/math/random.hpp"

namespace kdm {

/// 1, cos(w x), sin(w x), cos(2 w x), ... up to `harmonics`, for one angle x of the given period, w = 2 pi / period.
///
/// They span what exp(i k w x), |k| <= harmonics, span over the complex numbers.
/// Shapes.    inputs 1, features 1 + 2 harmonics.
class fourier : public pointwise_dictionary<fourier> {
 public:
  explicit fourier(index_t harmonics, double period = 2 * std::numbers::pi)
      : harmonics_(harmonics), rate_(2 * std::numbers::pi / period) {
    detail::require_count("fourier: harmonics", harmonics, 0);
    checked_sum("fourier: features", 1, checked_product("fourier: features", 2, harmonics));
    detail::require_positive("fourier: period", period);
  }
  index_t inputs() const { return 1; }
  index_t features() const { return 1 + 2 * harmonics_; }

  template <class S>
  void formula(const S* x, S* psi) const {
    using std::cos, std::sin;
    psi[0] = S(1.);
    for (index_t k = 1; k <= harmonics_; ++k) {
      const S phase = S(double(k) * rate_) * x[0];
      psi[2 * k - 1] = cos(phase);
      psi[2 * k] = sin(phase);
    }
  }

 private:
  index_t harmonics_;
  double rate_;
};

/// sqrt(1 / waves) cos(w_k x) and sin(w_k x) with random w_k ~ N(0, I / width^2).
///
/// psi(x) psi(y)' is near exp(-|x - y|^2 / (2 width^2)), the Gaussian kernel, with an error that falls as the root of
/// the number of waves. The frequencies are a function of the seed alone.
/// Shapes.    features 2 waves.
/// Cost.      inputs multiplications and a sine and cosine a wave.
/// Source.    Rahimi, Recht 2007, "Random features for large-scale kernel machines", NeurIPS
class random_fourier : public pointwise_dictionary<random_fourier> {
 public:
  random_fourier(index_t inputs, index_t waves, double width, std::uint64_t seed = 0) : waves_(waves) {
    detail::require_count("random_fourier: inputs", inputs, 1);
    detail::require_count("random_fourier: waves", waves, 1);
    checked_product("random_fourier: features", 2, waves);
    detail::require_positive("random_fourier: width", width);
    frequencies_ = matrix<double>(waves, inputs);
    const random_table table{seed, streams::projections};
    for (index_t k = 0; k < waves; ++k)
      for (index_t j = 0; j < inputs; ++j) frequencies_(k, j) = table.normal<double>(k, j) / width;
  }
  index_t inputs() const { return frequencies_.cols(); }
  index_t features() const { return 2 * waves_; }

  template <class S>
  void formula(const S* x, S* psi) const {
    using std::cos, std::sin;
    const S size = std::sqrt(1. / double(waves_));
    for (index_t k = 0; k < waves_; ++k) {
      S phase = 0.;
      for (index_t j = 0; j < inputs(); ++j) phase += S(frequencies_(k, j)) * x[j];
      psi[2 * k] = size * cos(phase);
      psi[2 * k + 1] = size * sin(phase);
    }
  }

 private:
  index_t waves_;
  matrix<double> frequencies_;
};

}  // namespace kdm
