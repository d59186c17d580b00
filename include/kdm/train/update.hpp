/// One pass over the flat weights: clip, step, average; and the norm that a gradient is clipped by.
#pragma once

#include <limits>
#include <type_traits>

#include "kdm/core/finite.hpp"
#include "kdm/core/ops.hpp"
#include "kdm/nn/update_rule.hpp"

namespace kdm {

namespace detail {

/// 2^-80 in float, 2^-640 in double: the square of the largest number times this is far from overflow.
template <class T>
inline constexpr T norm_unit = std::is_same_v<T, float> ? T(0x1p-80) : T(0x1p-640);

/// A constant, since nvcc lets no device code call numeric_limits.
template <class T>
inline constexpr T smallest_factor = std::numeric_limits<T>::min();

struct square {
  template <class T>
  KDM_HD T operator()(T x) const {
    return x * x;
  }
};

/// The square of a small enough multiple of x, for norms of gradients whose own squares overflow.
template <class T>
struct scaled_square {
  KDM_HD T operator()(T x) const { return (norm_unit<T> * x) * (norm_unit<T> * x); }
};

/// squares[0] is a sum of squares, squares[1] the same of norm_unit times the numbers: what overflows in the one is read
/// off the other. Infinite or NaN where the numbers are, or where the norm is no number of T.
template <class T>
struct norm_of_squares {
  const T* squares;
  T* norm;
  KDM_HD void operator()(index_t /*i*/) const {
    *norm = is_finite(squares[0]) ? math::sqrt(squares[0]) : math::sqrt(squares[1]) / norm_unit<T>;
  }
};

/// g is the gradient, weight i's slots stand at slots(k, i). `norm` is that of the whole gradient where it is to be
/// clipped, otherwise null.
template <class Update, int Slots, class T, class Space>
struct update_kernel {
  Update update;
  T average_decay, clip_norm;
  const T* norm;
  view<const T, Space> g;
  view<T, Space> w, average, slots;
  KDM_HD void operator()(index_t i) const {
    T s[std::size_t(Slots > 0 ? Slots : 1)];
    for (int k = 0; k < Slots; ++k) s[k] = slots.p[k * slots.ld + i];
    T weight = w.p[i];
    T gradient = g.p[i];
    if (norm && *norm > clip_norm) {
      const T factor = clip_norm / *norm;
      // A factor that is no normal number would be flushed to zero, and the whole gradient with it.
      gradient = factor >= smallest_factor<T> ? gradient * factor : gradient / *norm * clip_norm;
    }
    update(gradient, weight, s);
    w.p[i] = weight;
    for (int k = 0; k < Slots; ++k) slots.p[k * slots.ld + i] = s[k];
    average.p[i] = weight + average_decay * (average.p[i] - weight);
  }
};

}  // namespace detail

/// Applies one update to a range of weights.
///
/// Shapes.    g, w, average [1, n], slots [Rule::slots, n], all gap-free rows; norm null or [1, 1].
/// Cost.      one pass over (3 + 2 + Rule::slots) n numbers.
template <backend B, update_rule<value_t<B>> Rule>
void update_weights(B& b, const Rule& rule, index_t step, value_t<B> rate, value_t<B> average_decay,
                    value_t<B> clip_norm, const_view_of<B> norm, const_view_of<B> g, view_of<B> w, view_of<B> average,
                    view_of<B> slots) {
  using T = value_t<B>;
  const auto update = rule.at(step, rate);
  b.for_each(w.cols, detail::update_kernel<std::remove_const_t<decltype(update)>, Rule::slots, T, typename B::space>{
                         update, average_decay, clip_norm, norm.p, g, w, average, slots});
}

}  // namespace kdm
