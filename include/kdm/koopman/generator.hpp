/// The one-step sampler: a trained student and its prior.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>

#include "kdm/koopman/model.hpp"
#include "kdm/koopman/prior.hpp"
#include "kdm/math/noise.hpp"
#include "kdm/nn/runner.hpp"

namespace kdm {

/// Draws samples with one push each: x_0 = decoder(koopman(encoder_noise(x_T))), x_T ~ N(0, scale^2), or another
/// normal_prior.
///
/// Shapes.    `slice` samples run at a time, see runner; weights [1, model.size()] or its first model.step().size() numbers; x_T [n, noise], x_0 [n, data].
/// Cost.      one pass through two networks and one product per sample; no allocation in push.
/// Throws.    shape_error naming what does not fit; option_error for a prior that is not usable, and for noise of an
///            unknown one.
/// Example.   examples/quickstart.cpp
template <class Model, backend B, executor E = serial>
  requires distillable<Model, B>
class generator {
  using T = value_t<B>;

 public:
  generator(const Model& model, const_view<T> weights, normal_prior prior = {}, B b = {}, E e = {},
            index_t slice = 0)
      : prior_(std::move(prior)), run_(model.step(), front(model, weights), b, std::move(e), slice) {
    prior_.require_usable<T>("generator", noise_dimension());
  }

  index_t noise_dimension() const { return run_.layer().inputs(); }
  index_t data_dimension() const { return run_.layer().outputs(); }
  const normal_prior& prior() const { return prior_; }

  /// One step for given noise.
  void push(const_view<T> x_T, view<T> x_0) { run_(x_T, x_0); }
  matrix<T> push(const_view<T> x_T) { return run_(x_T); }

  /// The noise of samples first .. first + n - 1 of a seed.
  matrix<T> noise(index_t n, std::uint64_t seed, index_t first = 0) const {
    require_known();
    matrix<T> x(n, noise_dimension());
    run_.executor().for_chunks(n, 4096, [&](index_t begin, index_t end, int) {
      const view<T> rows = x.view().row_range(begin, end - begin);
      kdm::fill_normals(random_table{seed, streams::prior}, first + begin, rows);
      prior_.shape(rows);
    });
    return x;
  }

  /// n samples. Sample i depends on the seed and i alone: not on the number of threads, and on n at most in the last
  /// bits, where a backend's matrix product (Eigen's) sums the last rows in another order.
  matrix<T> sample(index_t n, std::uint64_t seed) {
    matrix<T> x(n, data_dimension());
    sample(seed, 0, x);
    return x;
  }

  /// Samples first, first + 1, ... of a seed into the rows of x_0 [n, data]: no other memory grows with n. The noise of
  /// N(0, scale^2) is made where the backend computes, that of other priors on the host, 16,384 rows at a time.
  void sample(std::uint64_t seed, index_t first, view<T> x_0) {
    if (first < 0) fail<option_error>("generator: the first sample is ", first, ", expected 0 or more");
    require_known();
    if (!prior_.is_scale()) {
      constexpr index_t portion = 16384;
      for (index_t at = 0; at < x_0.rows; at += portion) {
        const index_t n = std::min(portion, x_0.rows - at);
        push(noise(n, seed, first + at).view(), x_0.row_range(at, n));
      }
      return;
    }
    const random_table prior{seed, streams::prior};
    run_.filled(
        [&](B& b, index_t row, view_of<B> x_T) {
          ops::add_normal(b, prior, first + row, T(prior_.scale), const_view_of<B>{}, x_T);
        },
        x_0);
  }

 private:
  void require_known() const {
    if (!prior_.known)
      fail<option_error>("generator: the noise is of no known distribution: push noise, expected a normal prior");
  }

  static const_view<T> front(const Model& model, const_view<T> weights) {
    const index_t needed = model.step().size();
    require_size("generator: rows of the weights", weights.rows, 1);
    if (weights.size() != needed) require_size("generator: number of weights", weights.size(), model.size());
    return weights.col_range(0, needed);
  }

  normal_prior prior_;
  runner<decltype(std::declval<const Model&>().step()), B, E> run_;
};

}  // namespace kdm
