/// Checks a layer's backward pass against central differences.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "kdm/core/brief.hpp"
#include "kdm/core/matrix.hpp"
#include "kdm/core/ops.hpp"
#include "kdm/core/print.hpp"
#include "kdm/math/random.hpp"
#include "kdm/nn/initialize.hpp"
#include "kdm/nn/layer.hpp"

namespace kdm {

/// The largest differences found, relative to the largest gradient: around 1e-9 for a right layer in double.
struct gradient_errors {
  double weights = 0;      ///< of dw
  double input = 0;        ///< of dx
  double conventions = 0;  ///< dw must accumulate, dx = keep dx + vjp; keep = 0 and `afresh` must overwrite NaN

  double worst() const { return std::max({weights, input, conventions}); }
  /// "largest relative errors: dw 2.1e-10, dx 4e-11, conventions 0".
  std::string text() const {
    return concat("largest relative errors: dw ", brief(weights, 2), ", dx ", brief(input, 2), ", conventions ",
                  brief(conventions, 2));
  }
};

namespace detail {

/// |a - b| over the largest |b|; infinite when anything is not finite.
template <class T>
double largest_difference(const matrix<T>& a, const matrix<T>& b) {
  double difference = 0, scale = 1e-30;
  for (index_t k = 0; k < a.size(); ++k) {
    const double d = std::abs(double(a.data()[k]) - double(b.data()[k]));
    if (!(d <= std::numeric_limits<double>::max())) return std::numeric_limits<double>::infinity();
    difference = std::max(difference, d);
    scale = std::max(scale, std::abs(double(b.data()[k])));
  }
  return difference / scale;
}

}  // namespace detail

/// Compares dw and dx of sum(dy * layer(x)) with central differences in every weight and every input.
///
/// Shapes.    `rows` rows of standard normal x and dy; initial weights by the layer's own rules, plus a little noise
///            so that zero biases are tested too. The frame is planned for more rows than come.
/// Cost.      2 (size + rows inputs) forward passes: for small layers. Run it in double; kinks (relu) may spoil a
///            difference that straddles them.
template <backend B, layer<B> L>
gradient_errors gradient_check(const L& l, B b = {}, index_t rows = 5, std::uint64_t seed = 1, double h = 1e-5) {
  using T = value_t<B>;
  const manifest m = kdm::manifest_of(l);
  require_size("gradient_check: tensors described by the layer, in numbers", m.size(), l.size());
  const auto normal = [&](index_t r, index_t c, std::uint32_t step, double scale) {
    matrix<T> x(r, c);
    const random_table table{seed, streams::user, step};
    for (index_t i = 0; i < r; ++i)
      for (index_t j = 0; j < c; ++j) x(i, j) = T(scale * table.normal<double>(i, j));
    return x;
  };
  matrix<T> w = kdm::initial_weights<T>(m, seed), x = normal(rows, l.inputs(), 1, 1);
  const matrix<T> dy = normal(rows, l.outputs(), 2, 1), jitter = normal(1, l.size(), 3, 0.1);
  for (index_t k = 0; k < w.size(); ++k) w.data()[k] += jitter.data()[k];

  arena<B> memory(b);
  struct buffers {
    typename L::template frame<B> frame;
    view_of<B> w, dw, x, y, dx, dy;
  };
  auto f = kdm::planned(memory, [&](arena<B>& a) {
    return buffers{l.plan(a, rows + 3, pass::training), a.take(1, l.size()),       a.take(1, l.size()),
                   a.take(rows, l.inputs()),            a.take(rows, l.outputs()), a.take(rows, l.inputs()),
                   a.take(rows, l.outputs())};
  });

  matrix<T> y(rows, l.outputs());
  const auto value = [&] {
    b.upload(w.view(), f.w);
    b.upload(x.view(), f.x);
    l.forward(b, const_view_of<B>(f.w), const_view_of<B>(f.x), f.y, f.frame);
    b.download(f.y, y);
    b.synchronize();
    double sum = 0;
    for (index_t k = 0; k < y.size(); ++k) sum += double(y.data()[k]) * double(dy.data()[k]);
    return sum;
  };
  const auto backward = [&](T keep, bool afresh, matrix<T>& dw, matrix<T>& dx) {
    value();
    b.upload(dy.view(), f.dy);
    kdm::run_backward(l, b, const_view_of<B>(f.w), f.dw, const_view_of<B>(f.x), const_view_of<B>(f.y), f.dy, f.dx, keep,
                 f.frame, afresh);
    b.download(f.dw, dw);
    b.download(f.dx, dx);
    b.synchronize();
  };
  const auto differences = [&](matrix<T>& at) {
    matrix<T> gradient(at.rows(), at.cols());
    for (index_t k = 0; k < at.size(); ++k) {
      const T middle = at.data()[k];
      at.data()[k] = T(double(middle) + h);
      const double up = value();
      at.data()[k] = T(double(middle) - h);
      const double down = value();
      at.data()[k] = middle;
      gradient.data()[k] = T((up - down) / (2 * h));
    }
    return gradient;
  };

  matrix<T> dw(1, l.size()), dx(rows, l.inputs()), dw_twice(1, l.size()), dx_kept(rows, l.inputs());
  matrix<T> dw_afresh(1, l.size()), dx_again(rows, l.inputs());
  ops::fill(b, T(0), f.dw);
  ops::fill(b, std::numeric_limits<T>::quiet_NaN(), f.dx);
  backward(T(0), false, dw, dx);
  backward(T(0.5), false, dw_twice, dx_kept);
  ops::fill(b, std::numeric_limits<T>::quiet_NaN(), f.dw);
  backward(T(0), true, dw_afresh, dx_again);
  matrix<T> dw_expected(dw), dx_expected(dx);
  for (index_t k = 0; k < dw.size(); ++k) dw_expected.data()[k] *= T(2);
  for (index_t k = 0; k < dx.size(); ++k) dx_expected.data()[k] *= T(1.5);
  return {detail::largest_difference(dw, differences(w)), detail::largest_difference(dx, differences(x)),
          std::max({detail::largest_difference(dw_twice, dw_expected), detail::largest_difference(dx_kept, dx_expected),
                    detail::largest_difference(dw_afresh, dw), detail::largest_difference(dx_again, dx)})};
}

}  // namespace kdm
