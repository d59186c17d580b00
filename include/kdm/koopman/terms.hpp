/// The terms of the published objective: latent, reconstruction, prediction, each with any distance.
#pragma once

#include <string>

#include "kdm/core/ops.hpp"
#include "kdm/koopman/objective.hpp"
#include "kdm/math/distances.hpp"

namespace kdm {

namespace detail {

template <class Distance>
struct distance_value {
  Distance distance;
  template <class T>
  KDM_HD T operator()(T x, T y) const {
    return distance(x - y).value;
  }
};

template <class Distance, class T, class Space>
struct distance_gradient {
  Distance distance;
  T factor;
  view<const T, Space> x, y;
  view<T, Space> dx, dy;
  KDM_HD void operator()(index_t i, index_t j) const {
    const T slope = factor * distance(x.p[i * x.ld + j] - y.p[i * y.ld + j]).slope;
    dx.p[i * dx.ld + j] += slope;
    if (dy.p) dy.p[i * dy.ld + j] -= slope;
  }
};

}  // namespace detail

/// The mean of distance(x - y) over all elements of the whole batch: value and gradients of one slice.
///
/// Shapes.    x, y, dx, dy [n, m]; dy may be null. The mean divides by batch * m.
/// Cost.      two passes over x and y.
/// Gradient.  dx += weight / (batch m) distance'(x - y); dy the same, subtracted.
template <backend B, elementwise_distance Distance>
void mean_distance(B& b, Distance distance, value_t<B> weight, index_t batch, const_view_of<B> x, const_view_of<B> y,
                   view_of<B> dx, view_of<B> dy, const term_value<B>& v) {
  using T = value_t<B>;
  const T share = T(1) / T(batch * x.cols);
  // The scratch row sums the slice; its share of the mean is added to the value in one cell.
  const view_of<B> scratch = v.scratch.col_range(0, x.cols);
  b.sum_rows(detail::distance_value<Distance>{distance}, T(0), scratch, x, y);
  b.sum_rows(ops::scaled<T>{share}, T(1), v.value, const_view_of<B>(scratch.reshaped(x.cols, 1)));
  ops::for_each_cell(b, x.rows, x.cols,
                     detail::distance_gradient<Distance, T, typename B::space>{distance, weight * share, x, y, dx, dy});
}

namespace terms {

/// L_lat: the pushed latent meets the clean latent of the data, mean distance(z0 - z0_push). Both sides learn.
template <elementwise_distance Distance = distances::squared>
struct latent {
  double weight = 1;
  Distance distance = {};
  std::string name = "latent";
  static constexpr bool reads_reconstruction = false, reads_prediction = false;

  template <backend B>
  void operator()(B& b, const episode<B>& e, const adjoint<B>& d, const term_value<B>& v) const {
    kdm::mean_distance(b, distance, value_t<B>(weight), e.batch, e.z0_push, e.z0, d.z0_push, d.z0, v);
  }
};

/// L_rec: the decoder gives the data back from its noisy latent, mean distance(x0_rec - x0).
template <elementwise_distance Distance = distances::squared>
struct reconstruction {
  double weight = 1;
  Distance distance = {};
  std::string name = "reconstruction";
  static constexpr bool reads_reconstruction = true, reads_prediction = false;

  template <backend B>
  void operator()(B& b, const episode<B>& e, const adjoint<B>& d, const term_value<B>& v) const {
    kdm::mean_distance(b, distance, value_t<B>(weight), e.batch, e.x0_rec, e.x0, d.x0_rec, {}, v);
  }
};

/// L_push: the decoded push is the data, mean distance(x0_push - x0).
template <elementwise_distance Distance = distances::squared>
struct prediction {
  double weight = 1;
  Distance distance = {};
  std::string name = "prediction";
  static constexpr bool reads_reconstruction = false, reads_prediction = true;

  template <backend B>
  void operator()(B& b, const episode<B>& e, const adjoint<B>& d, const term_value<B>& v) const {
    kdm::mean_distance(b, distance, value_t<B>(weight), e.batch, e.x0_push, e.x0, d.x0_push, {}, v);
  }
};

}  // namespace terms
}  // namespace kdm
