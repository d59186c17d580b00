// Small models that the tests of koopman/ and train/ share.
#pragma once

#include <algorithm>
#include <limits>

#include "kdm/backend/reference.hpp"
#include "kdm/core/matrix.hpp"
#include "kdm/koopman/distillation.hpp"
#include "kdm/koopman/terms.hpp"
#include "kdm/math/activations.hpp"
#include "kdm/nn/initialize.hpp"
#if defined(EIGEN_DONT_PARALLELIZE)
#include "kdm/backend/eigen.hpp"
#endif
#include "support.hpp"

namespace kdm_test {

using kdm::const_view;
using kdm::index_t;
using kdm::matrix;

/// Three different encodings and decodings, with sizes that are no multiple of anything.
inline auto small_model(bool operator_bias = true, index_t noise = 3, index_t data = 2, index_t latent = 5,
                        index_t hidden = 7) {
  using kdm::dense_layer;
  using silu = kdm::activations::silu;
  return kdm::koopman_model{
      kdm::sequential{dense_layer(noise, hidden, silu{}), dense_layer(hidden, hidden, silu{}),
                      dense_layer(hidden, latent)},
      kdm::sequential{dense_layer(data, hidden, silu{}), dense_layer(hidden, latent)},
      kdm::linear_operator(latent, operator_bias),
      kdm::sequential{dense_layer(latent, hidden, kdm::activations::tanh{}), dense_layer(hidden, data)}};
}

/// All parts linear and without bias.
inline auto linear_model(index_t noise, index_t data, index_t latent) {
  return kdm::koopman_model{kdm::dense_layer(noise, latent, kdm::activations::identity{}, false),
                            kdm::dense_layer(data, latent, kdm::activations::identity{}, false),
                            kdm::linear_operator(latent, false),
                            kdm::dense_layer(latent, data, kdm::activations::identity{}, false)};
}

/// Initial weights with a little noise on top, so that no bias is zero.
template <class T, class Model>
matrix<T> some_weights(const Model& model, unsigned seed = 1) {
  matrix<T> w = kdm::initial_weights<T>(kdm::manifest_of(model), seed);
  const matrix<T> noise = random_matrix<T>(1, w.cols(), seed + 100, 0.1);
  for (index_t k = 0; k < w.size(); ++k) w.data()[k] += noise.data()[k];
  return w;
}

/// Value (one number a term) and gradient of an objective, computed slice by slice.
template <class T>
struct evaluation {
  matrix<T> terms, gradient;
};

/// `afresh`: the first slice writes over NaN in place of adding to zeros.
template <kdm::backend B, class Model, class Objective>
evaluation<kdm::value_t<B>> evaluate(B b, const kdm::distillation<Model, Objective>& problem,
                                     const matrix<kdm::value_t<B>>& w, const matrix<kdm::value_t<B>>& xT,
                                     const matrix<kdm::value_t<B>>& x0, index_t slice = 1000, std::uint64_t seed = 1,
                                     std::uint32_t step = 0, bool afresh = false) {
  using T = kdm::value_t<B>;
  const index_t n = x0.rows();
  kdm::arena<B> memory(b);
  auto frame = kdm::planned(memory, [&](auto& a) { return problem.plan(a, std::min(slice, n)); });
  evaluation<T> r{matrix<T>(1, Objective::count()), matrix<T>(1, problem.model().size())};
  if (afresh) std::fill_n(r.gradient.data(), r.gradient.size(), std::numeric_limits<T>::quiet_NaN());
  for (index_t first = 0; first < n; first += slice) {
    const index_t rows = std::min(slice, n - first);
    problem.value_and_gradient(b, w.view(), r.gradient.view(), xT.view().row_range(first, rows),
                               x0.view().row_range(first, rows), {seed, step, first, n}, r.terms.view(), frame,
                               afresh && first == 0);
  }
  return r;
}

template <class Objective, class T>
double loss_of(const Objective& objective, const matrix<T>& terms) {
  double sum = 0;
  const auto weights = objective.weights();
  for (index_t k = 0; k < terms.cols(); ++k) sum += weights[std::size_t(k)] * double(terms(0, k));
  return sum;
}

}  // namespace kdm_test
