#pragma once

#include "kdm/core/backend.hpp"
#include "kdm/core/host.hpp"

template <std::floating_point T>
struct my_backend : kdm::host_backend<T> {
  void gemm(kdm::op ta, kdm::op tb, T a, kdm::const_view<T> x, kdm::const_view<T> y, T keep, kdm::view<T> z) {
    for (kdm::index_t i = 0; i < z.rows; ++i) {
      for (kdm::index_t j = 0; j < z.cols; ++j) z(i, j) = keep == T(0) ? T(0) : keep * z(i, j);
      for (kdm::index_t k = 0; k < (ta == kdm::op::as_is ? x.cols : x.rows); ++k) {
        const T left = a * (ta == kdm::op::as_is ? x(i, k) : x(k, i));
        for (kdm::index_t j = 0; j < z.cols; ++j) z(i, j) += left * (tb == kdm::op::as_is ? y(k, j) : y(j, k));
      }
    }
  }
};
static_assert(kdm::backend<my_backend<float>> && kdm::backend<my_backend<double>>);
