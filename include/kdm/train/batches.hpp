/// Endless shuffled batches that need no memory and no state.
#pragma once

#include "kdm/core/backend.hpp"
#include "kdm/math/random.hpp"

namespace kdm {

/// The order in which pairs are seen: position p = 0, 1, 2, ... is pair operator()(p). Every n positions in a row
/// from a multiple of n on are a fresh permutation of all n pairs.
///
/// Being a function of (seed, p), it needs no saving: a resumed run sees the same batches.
struct batch_order {
  index_t n;
  std::uint64_t seed;
  KDM_HD index_t operator()(index_t p) const { return shuffle(n, seed, std::uint32_t(p / n))(p % n); }
};

namespace detail {

template <class T, class Space>
struct gather_kernel {
  batch_order order;
  index_t first;
  view<const T, Space> xT, x0;
  view<T, Space> batch_xT, batch_x0;
  KDM_HD void operator()(index_t i) const {
    const index_t from = order(first + i);
    for (index_t j = 0; j < xT.cols; ++j) batch_xT.p[i * batch_xT.ld + j] = xT.p[from * xT.ld + j];
    for (index_t j = 0; j < x0.cols; ++j) batch_x0.p[i * batch_x0.ld + j] = x0.p[from * x0.ld + j];
  }
};

}  // namespace detail

/// Copies the pairs at positions first .. first + n - 1 into batch_xT, batch_x0 [n, .].
template <backend B>
void gather_pairs(B& b, const batch_order& order, index_t first, const_view_of<B> xT, const_view_of<B> x0,
                  view_of<B> batch_xT, view_of<B> batch_x0) {
  b.for_each(batch_x0.rows,
             detail::gather_kernel<value_t<B>, typename B::space>{order, first, xT, x0, batch_xT, batch_x0});
}

}  // namespace kdm
