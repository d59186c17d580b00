/// Where a matrix stops being finite.
#pragma once

#include <cmath>

#include "kdm/core/view.hpp"

namespace kdm {

/// The first NaN or infinity of a host view, as row * x.cols + column; -1 where there is none.
///
/// Cost.      one pass over x.
template <class T>
index_t first_not_finite(view<T> x) {
  for (index_t i = 0; i < x.rows; ++i)
    for (index_t j = 0; j < x.cols; ++j)
      if (!std::isfinite(x(i, j))) return i * x.cols + j;
  return -1;
}

}  // namespace kdm
