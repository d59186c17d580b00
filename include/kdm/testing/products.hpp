/// Checks of gemm.
#pragma once

#include <string>

#include "kdm/backend/reference.hpp"
#include "kdm/testing/table.hpp"

namespace kdm::testing {

/// What gemm multiplies: an n x inner matrix by an inner x m matrix, each as it is stored or transposed.
struct product_case {
  index_t n, m, inner;
  bool left = false, right = false;  ///< transposed

  std::string words() const {
    return concat("gemm(", left ? "transposed" : "as_is", ", ", right ? "transposed" : "as_is", ") of ",
                  testing::words({n, inner}), " by ", testing::words({inner, m}));
  }
};

/// gemm of one case with every keep, several paddings and factors.
template <backend B>
void check_product(B b, const product_case& c, conformance_report& r) {
  using T = value_t<B>;
  const op ta = c.left ? op::transposed : op::as_is, tb = c.right ? op::transposed : op::as_is;
  const matrix<T> xs = normal_matrix<T>(c.left ? c.inner : c.n, c.left ? c.n : c.inner, 5);
  const matrix<T> ys = normal_matrix<T>(c.right ? c.m : c.inner, c.right ? c.inner : c.m, 6);
  const matrix<T> before = normal_matrix<T>(c.n, c.m, 7);
  const double near = tolerance<T>::sums * (1 + double(c.inner) / 100);  // long sums of both signs cancel
  const exact product = exact_of({c.n, c.m}, [&](index_t i, index_t j) {
    long double sum = 0;
    for (index_t k = 0; k < c.inner; ++k)
      sum += static_cast<long double>(c.left ? xs(k, i) : xs(i, k)) * (c.right ? ys(j, k) : ys(k, j));
    return sum;
  });
  for (const index_t padding : {0, 1, 3, 8}) {
    const table<B> x(b, xs, padding), y(b, ys, 2 * padding);
    const T a = padding == 1 ? T(-1.5) : padding == 3 ? T(0) : T(1);
    for (const T keep : {T(0), T(1), T(0.5)}) {
      const std::string what = concat(c.words(), padded(padding), ", times ", a, ", keep ", keep);
      const exact expected = exact_of({c.n, c.m}, [&](index_t i, index_t j) {
        return a * product(i, j) + static_cast<long double>(keep) * before(i, j);
      });
      const auto start = [&](T unwanted) {
        return keep == T(0) ? table<B>(b, c.n, c.m, unwanted, 3 * padding) : table<B>(b, before, 3 * padding);
      };
      table<B> z = start(not_a_number<T>);
      b.gemm(ta, tb, a, x.read(), y.read(), keep, z.view());
      const matrix<T> found = z.values(r, what);
      expect_close(r, what, found, expected, near);
      if (padding != 1) continue;
      table<B> again = start(T(1));
      b.gemm(ta, tb, a, x.read(), y.read(), keep, again.view());
      expect_equal(r, what + ", a second time", again, found);
      matrix<T> by_reference = before;
      reference_backend<T>{}.gemm(ta, tb, a, xs.view(), ys.view(), keep, by_reference.view());
      expect_close(r, what + ", against the reference backend", found, by_reference, near);
    }
  }
}

/// gemm: all transpositions, odd and empty sizes, padded rows, NaN in the destination where keep = 0.
template <backend B>
void check_gemm(B b, conformance_report& r) {
  r.begin("gemm");
  constexpr index_t cases[][3] = {{597, 43, 31}, {1, 1, 1},    {1, 37, 5}, {37, 1, 5}, {5, 3, 1},
                                  {1, 1, 300},   {64, 64, 64}, {43, 31, 97}, {1, 64, 1}, {0, 3, 4},
                                  {3, 0, 4},     {3, 4, 0},    {0, 0, 0},  {1, 3, 0}};
  for (const auto& c : cases)
    for (const bool left : {false, true})
      for (const bool right : {false, true}) testing::check_product(b, {c[0], c[1], c[2], left, right}, r);
}

}  // namespace kdm::testing
