/// Checks of for_each and sum_rows.
#pragma once

#include <initializer_list>
#include <string>

#include "kdm/backend/reference.hpp"
#include "kdm/testing/table.hpp"

namespace kdm::testing {

/// Scalar functions for the checks, in the form that runs on a device.
namespace functors {
struct square {
  template <class T>
  KDM_HD T operator()(T x) const {
    return x * x;
  }
};
struct polynomial {
  template <class T>
  KDM_HD T operator()(T x, T y) const {
    return x * y - T(2) * x;
  }
};
struct three {
  template <class T>
  KDM_HD T operator()(T x, T y, T z) const {
    return x + T(2) * y * z;
  }
};
/// p_i = a p_i + i.
template <class T>
struct count_visits {
  T* p;
  T a;
  KDM_HD void operator()(index_t i) const { p[i] = a * p[i] + T(i); }
};
}  // namespace functors

/// for_each: every index once; copies of a backend take effect in the order of the calls.
template <backend B>
void check_for_each(B b, conformance_report& r) {
  using T = value_t<B>;
  r.begin("for_each");
  constexpr index_t longest = 1000;
  for (const index_t n : {index_t(0), index_t(1), index_t(7), longest}) {
    table<B> y(b, 1, longest, T(1));
    b.for_each(n, functors::count_visits<T>{y.view().p, T(2)});
    matrix<T> expected(1, longest);
    for (index_t i = 0; i < longest; ++i) expected(0, i) = i < n ? T(2 + i) : T(1);
    expect_equal(r, concat("for_each(", n, ")"), y, expected);
  }

  B copy = b;
  table<B> y(b, 1, longest, T(1));
  b.for_each(longest, functors::count_visits<T>{y.view().p, T(2)});
  copy.for_each(longest, functors::count_visits<T>{y.view().p, T(3)});
  b.for_each(longest, functors::count_visits<T>{y.view().p, T(4)});
  matrix<T> expected(1, longest);
  for (index_t i = 0; i < longest; ++i) expected(0, i) = T(24 + 17 * i);
  expect_equal(r, "for_each through a backend, its copy and again the backend", y, expected);
}

/// sum_rows: one and two operands, any keep, the same bits twice.
template <backend B>
void check_sum_rows(B b, conformance_report& r) {
  using T = value_t<B>;
  r.begin("sum_rows");
  reference_backend<T> reference;
  for (const sizes& s : odd_sizes) {
    const matrix<T> xs = normal_matrix<T>(s.rows, s.cols, 2), ys = normal_matrix<T>(s.rows, s.cols, 3);
    const matrix<T> before = normal_matrix<T>(1, s.cols, 4);
    for (const index_t padding : {0, 5}) {
      const table<B> x(b, xs, padding), y(b, ys, 2 * padding);
      for (const T keep : {T(0), T(1), T(0.5)}) {
        const std::string where = concat(" of ", words(s), padded(padding), ", keep ", keep);
        exact one(1, s.cols), two(1, s.cols);
        for (index_t j = 0; j < s.cols; ++j) {
          one(0, j) = two(0, j) = static_cast<long double>(keep) * before(0, j);
          for (index_t i = 0; i < s.rows; ++i) {
            const long double a = xs(i, j), c = ys(i, j);
            one(0, j) += a * a;
            two(0, j) += a * c - 2 * a;
          }
        }
        const auto start = [&] {
          return keep == T(0) ? table<B>(b, 1, s.cols, not_a_number<T>, padding) : table<B>(b, before, padding);
        };
        table<B> sum = start(), again = start(), sum_two = start();
        b.sum_rows(functors::square{}, keep, sum.view(), x.read());
        b.sum_rows(functors::square{}, keep, again.view(), x.read());
        b.sum_rows(functors::polynomial{}, keep, sum_two.view(), x.read(), y.read());
        const matrix<T> found = sum.values(r, "sum_rows" + where);
        expect_close(r, "sum_rows" + where, found, one, tolerance<T>::sums);
        expect_equal(r, "sum_rows a second time" + where, again, found);
        expect_close(r, "sum_rows of two operands" + where, sum_two, two, tolerance<T>::sums);
        matrix<T> by_reference = before;
        reference.sum_rows(functors::square{}, keep, by_reference.view(), const_view<T>(xs.view()));
        expect_close(r, "sum_rows against the reference backend" + where, found, by_reference, tolerance<T>::sums);

        // Slice after slice, as the trainer sums a batch.
        table<B> sliced = start();
        const index_t first = s.rows / 3;
        b.sum_rows(functors::square{}, keep, sliced.view(), x.read().row_range(0, first));
        b.sum_rows(functors::square{}, T(1), sliced.view(), x.read().row_range(first, s.rows - first));
        expect_close(r, "sum_rows in two slices" + where, sliced, one, tolerance<T>::sums);
      }
    }
  }
}

}  // namespace kdm::testing
