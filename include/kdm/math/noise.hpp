/// Normal noise as an operation on views.
#pragma once

#include <concepts>

#include "kdm/core/ops.hpp"
#include "kdm/math/random.hpp"

namespace kdm::ops {

namespace detail {

/// Four columns at a time: what one Philox block gives.
template <class T, class Space>
struct add_normal_kernel {
  random_table table;
  index_t first_row;
  T scale;
  view<const T, Space> x;
  view<T, Space> y;
  KDM_HD void operator()(index_t i, index_t block) const {
    const auto n = table.template normals<T>(first_row + i, block);
    const index_t count = y.cols - 4 * block < 4 ? y.cols - 4 * block : 4;
    for (index_t c = 0; c < count; ++c) {
      const index_t j = 4 * block + c;
      y.p[i * y.ld + j] = (x.p ? x.p[i * x.ld + j] : T(0)) + scale * n.z[c];
    }
  }
};

}  // namespace detail

/// y = x + scale N(0, 1), the numbers being table.normal(first_row + i, j).
///
/// Shapes.    x and y [n, m], x not y; x may be null (zeros).
/// Cost.      one Philox block, two logarithms and two sine pairs for four numbers.
template <backend B>
void add_normal(B& b, const random_table& table, index_t first_row, value_t<B> scale, const_view_of<B> x,
                view_of<B> y) {
  using T = value_t<B>;
  if constexpr (requires { b.add_normal(table, first_row, scale, x, y); }) {
    b.add_normal(table, first_row, scale, x, y);
  } else if constexpr (std::same_as<typename B::space, host_space>) {
    kdm::fill_normals(table, first_row, y);
    if (x) ops::map(b, scaled_sum<T>{scale}, y, const_view_of<B>(y), x);
    else ops::map(b, scaled<T>{scale}, y, const_view_of<B>(y));
  } else {
    ops::for_each_cell(b, y.rows, (y.cols + 3) / 4,
                  detail::add_normal_kernel<T, typename B::space>{table, first_row, scale, x, y});
  }
}

}  // namespace kdm::ops
