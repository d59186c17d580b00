/// One pass over the flat weights: sum the groups' gradients, clip, step, average.
#pragma once

#include <type_traits>

#include "kdm/core/ops.hpp"
#include "kdm/nn/update_rule.hpp"

namespace kdm {

namespace detail {

/// g is the gradient, weight i's slots stand at slots(k, i). `norm2` is the squared norm of the whole gradient where
/// it is to be clipped, otherwise null.
template <class Update, int Slots, class T, class Space>
struct update_kernel {
  Update update;
  T average_decay, clip_norm;
  const T* norm2;
  view<const T, Space> g;
  view<T, Space> w, average, slots;
  KDM_HD void operator()(index_t i) const {
    T s[std::size_t(Slots > 0 ? Slots : 1)];
    for (int k = 0; k < Slots; ++k) s[k] = slots.p[k * slots.ld + i];
    T weight = w.p[i];
    T gradient = g.p[i];
    if (norm2) {
      const T norm = math::sqrt(*norm2);
      gradient *= norm > clip_norm ? clip_norm / norm : T(1);
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
/// Shapes.    g, w, average [1, n], slots [Rule::slots, n], all gap-free rows; norm2 null or [1, 1].
/// Cost.      one pass over (3 + 2 + Rule::slots) n numbers.
template <backend B, update_rule<value_t<B>> Rule>
void update_weights(B& b, const Rule& rule, index_t step, value_t<B> rate, value_t<B> average_decay,
                    value_t<B> clip_norm, const_view_of<B> norm2, const_view_of<B> g, view_of<B> w, view_of<B> average,
                    view_of<B> slots) {
  using T = value_t<B>;
  const auto update = rule.at(step, rate);
  b.for_each(w.cols, detail::update_kernel<std::remove_const_t<decltype(update)>, Rule::slots, T, typename B::space>{
                         update, average_decay, clip_norm, norm2.p, g, w, average, slots});
}

}  // namespace kdm
