/// The reference backend: plain loops, no dependency, the oracle of every other backend.
#pragma once

#include "kdm/core/host.hpp"

namespace kdm {

/// Host memory, one thread, readable rather than fast; products are summed in double.
///
/// Example.   examples/quickstart.cpp
template <float_or_double T>
struct reference_backend : host_backend<T> {
  void gemm(op ta, op tb, T a, const_view<T> x, const_view<T> y, T keep, view<T> z) {
    const index_t inner = ta == op::as_is ? x.cols : x.rows;
    for (index_t i = 0; i < z.rows; ++i) {
      for (index_t j = 0; j < z.cols; ++j) {
        double sum = 0;
        for (index_t k = 0; k < inner; ++k) {
          const T left = ta == op::as_is ? x(i, k) : x(k, i);
          const T right = tb == op::as_is ? y(k, j) : y(j, k);
          sum += double(left) * double(right);
        }
        const T fresh = a * T(sum);
        z(i, j) = keep == T(0) ? fresh : keep * z(i, j) + fresh;
      }
    }
  }
};

static_assert(backend<reference_backend<float>> && backend<reference_backend<double>>);

}  // namespace kdm
