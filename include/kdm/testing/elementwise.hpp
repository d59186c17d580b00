/// Checks of map and of what is made of it, and of sums over whole matrices.
#pragma once

#include <cmath>
#include <string>

#include "kdm/core/ops.hpp"
#include "kdm/testing/verbs.hpp"

namespace kdm::testing {

namespace functors {
/// Adds to a cell its own number, so that a cell left out, visited twice or swapped shows.
template <class B>
struct number_cells {
  view_of<B> y;
  KDM_HD void operator()(index_t i, index_t j) const { y.p[i * y.ld + j] += value_t<B>(1 + 100 * i + j); }
};
}  // namespace functors

/// for_each_cell: every cell once.
template <backend B>
void check_for_each_cell(B b, conformance_report& r) {
  using T = value_t<B>;
  r.begin("for_each_cell");
  for (const sizes& s : odd_sizes)
    for (const index_t padding : {0, 3}) {
      table<B> y(b, s.rows, s.cols, T(1), padding);
      ops::for_each_cell(b, s.rows, s.cols, functors::number_cells<B>{y.view()});
      matrix<T> expected(s.rows, s.cols);
      for (index_t i = 0; i < s.rows; ++i)
        for (index_t j = 0; j < s.cols; ++j) expected(i, j) = T(2 + 100 * i + j);
      expect_equal(r, "for_each_cell over " + words(s) + padded(padding), y, expected);
    }
}

/// map, copy, fill, axpy, multiply: one-row operands meet every row, and the result may be one of the operands.
template <backend B>
void check_map(B b, conformance_report& r) {
  using T = value_t<B>;
  using real = long double;
  r.begin("map");
  const double near = tolerance<T>::elementwise;
  for (const sizes& s : odd_sizes)
    for (const index_t padding : {0, 3}) {
      const std::string where = " of " + words(s) + padded(padding);
      const matrix<T> xs = normal_matrix<T>(s.rows, s.cols, 8), ys = normal_matrix<T>(s.rows, s.cols, 9);
      const matrix<T> row = normal_matrix<T>(1, s.cols, 10);
      const table<B> x(b, xs, padding), one_row(b, row, 2 * padding);
      const auto expect = [&](const char* what, table<B>& found, double relative, auto f) {
        const exact e =
            exact_of(s, [&](index_t i, index_t j) { return f(real(xs(i, j)), real(ys(i, j)), real(row(0, j))); });
        expect_close(r, what + where, found, e, relative);
      };

      table<B> y(b, s.rows, s.cols, not_a_number<T>, 2 * padding);
      ops::map(b, functors::square{}, y.view(), x.read());
      expect("map", y, near, [](real v, real, real) { return v * v; });
      ops::map(b, functors::polynomial{}, y.view(), one_row.read(), x.read());
      expect("map with one row as first operand", y, near, [](real v, real, real w) { return w * v - 2 * w; });
      table<B> aliased(b, ys, 2 * padding);
      ops::map(b, functors::three{}, aliased.view(), x.read(), aliased.read(), one_row.read());
      expect("map into one of three operands", aliased, near, [](real v, real u, real w) { return v + 2 * u * w; });

      table<B> copied(b, s.rows, s.cols, not_a_number<T>, padding);
      ops::copy(b, x.read(), copied.view());
      expect("copy", copied, 0, [](real v, real, real) { return v; });
      ops::copy(b, one_row.read(), copied.view());
      expect("copy of one row", copied, 0, [](real, real, real w) { return w; });
      table<B> filled(b, s.rows, s.cols, not_a_number<T>, padding);
      ops::fill(b, T(2.5), filled.view());
      expect("fill", filled, 0, [](real, real, real) { return real(2.5); });

      table<B> sum(b, ys, padding), row_sum(b, ys, padding), multiplied(b, ys, padding);
      ops::axpy(b, T(-0.5), x.read(), sum.view());
      expect("axpy", sum, near, [](real v, real u, real) { return u - v / 2; });
      ops::axpy(b, T(3), one_row.read(), row_sum.view());
      expect("axpy of one row", row_sum, near, [](real, real u, real w) { return u + 3 * w; });
      ops::multiply(b, x.read(), multiplied.view());
      expect("multiply", multiplied, near, [](real v, real u, real) { return v * u; });
    }
}

/// sum and dot over whole matrices.
template <backend B>
void check_sums(B b, conformance_report& r) {
  using T = value_t<B>;
  r.begin("sum and dot");
  for (const sizes& s : odd_sizes) {
    const matrix<T> xs = normal_matrix<T>(s.rows, s.cols, 11), ys = normal_matrix<T>(s.rows, s.cols, 12);
    const table<B> x(b, xs, 3), y(b, ys, 1);
    for (const T keep : {T(0), T(0.5)}) {
      const std::string where = concat(" of ", words(s), ", keep ", keep);
      exact squares(1, 1), products(1, 1);
      squares(0, 0) = static_cast<long double>(keep) * 4;
      for (index_t k = 0; k < xs.size(); ++k) {
        squares(0, 0) += static_cast<long double>(xs.data()[k]) * xs.data()[k];
        products(0, 0) += static_cast<long double>(xs.data()[k]) * ys.data()[k];
      }
      table<B> out(b, 1, 1, keep == T(0) ? not_a_number<T> : T(4)), dot(b, 1, 1, not_a_number<T>);
      const table<B> scratch(b, 1, s.cols, not_a_number<T>);
      ops::sum(b, functors::square{}, keep, out.view(), scratch.view(), x.read());
      expect_close(r, "sum of squares" + where, out, squares, tolerance<T>::sums);
      ops::dot(b, x.read(), y.read(), dot.view(), scratch.view());
      // Terms of both signs: the error belongs to the number of terms, not to what remains of them.
      expect_close(r, "dot" + where, dot, products, tolerance<T>::sums * (1 + double(xs.size())));
    }
  }
}

}  // namespace kdm::testing
