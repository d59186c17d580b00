// The conformance suite: what every backend must do, compared with naive loops in long double.
//
// For a backend of your own:
//
//     #include "backend/conformance.hpp"
//     TEST_CASE_TEMPLATE("my backend", B, my_backend<float>, my_backend<double>) { kdm_test::check_backend(B{}); }
//
// Data go through upload and download alone, and all kernels are KDM_HD functors, so the memory may be a device's.
#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "kdm/backend/reference.hpp"
#include "kdm/core/arena.hpp"
#include "kdm/core/ops.hpp"
#include "kdm/math/noise.hpp"
#include "kdm/nn/chain.hpp"
#include "kdm/nn/dense.hpp"
#include "kdm/nn/gradient_check.hpp"
#include "kdm/nn/initialize.hpp"
#include "kdm/nn/residual.hpp"
#include "support.hpp"

namespace kdm_test {

using kdm::index_t;

/// How far a result may be from the exact one, relative to the largest number of the exact result.
template <class T>
struct tolerance;
template <>
struct tolerance<float> {
  static constexpr double elementwise = 1e-6;  ///< a few roundings
  static constexpr double sums = 2e-5;         ///< a few hundred terms, in any order
};
template <>
struct tolerance<double> {
  static constexpr double elementwise = 2e-15;
  static constexpr double sums = 4e-14;
};

namespace functors {
struct count_visits {
  template <class T>
  struct kernel {
    T* p;
    KDM_HD void operator()(index_t i) const { p[i] += T(i + 1); }
  };
};
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
struct cubic {
  static constexpr const char* name = "cubic";
  template <class T>
  KDM_HD constexpr kdm::activated<T> operator()(T z) const {
    return {z * z * z - z, T(3) * z * z - T(1)};
  }
};
}  // namespace functors

/// A matrix in a backend's memory whose rows end in `pad` numbers that nobody may touch.
template <class B>
class table {
  using T = kdm::value_t<B>;
  static constexpr T guard = T(-777);

 public:
  table(B b, const kdm::matrix<T>& values, index_t pad = 0)
      : b_(b), memory_(b), rows_(values.rows()), cols_(values.cols()), ld_(cols_ + pad) {
    whole_ = kdm::planned(memory_, [&](kdm::arena<B>& a) { return a.take(1, rows_ * ld_); });
    kdm::matrix<T> all(1, rows_ * ld_);
    for (index_t i = 0; i < rows_; ++i)
      for (index_t j = 0; j < ld_; ++j) all(0, i * ld_ + j) = j < cols_ ? values(i, j) : guard;
    b_.upload(kdm::const_view<T>(all.view()), whole_);
    b_.synchronize();
  }
  table(B b, index_t rows, index_t cols, T value, index_t pad = 0) : table(b, filled(rows, cols, value), pad) {}

  kdm::view_of<B> view() const { return {whole_.p, rows_, cols_, ld_}; }
  kdm::const_view_of<B> read() const { return view(); }

  /// The numbers, after a look at the padding.
  kdm::matrix<T> values() {
    kdm::matrix<T> all(1, rows_ * ld_), result(rows_, cols_);
    b_.download(kdm::const_view_of<B>(whole_), all.view());
    b_.synchronize();
    index_t touched = 0;
    for (index_t i = 0; i < rows_; ++i)
      for (index_t j = 0; j < ld_; ++j) {
        if (j < cols_) result(i, j) = all(0, i * ld_ + j);
        else if (all(0, i * ld_ + j) != guard) ++touched;
      }
    CHECK(touched == 0);
    return result;
  }

 private:
  static kdm::matrix<T> filled(index_t rows, index_t cols, T value) {
    kdm::matrix<T> m(rows, cols);
    for (index_t k = 0; k < m.size(); ++k) m.data()[k] = value;
    return m;
  }

  B b_;
  kdm::arena<B> memory_;
  index_t rows_, cols_, ld_;
  kdm::view_of<B> whole_;
};

/// The exact results are held in long double.
struct exact {
  exact(index_t rows, index_t cols) : rows_(rows), cols_(cols), values_(std::size_t(rows * cols)) {}
  long double& operator()(index_t i, index_t j) { return values_[std::size_t(i * cols_ + j)]; }
  const long double& operator()(index_t i, index_t j) const { return values_[std::size_t(i * cols_ + j)]; }
  index_t rows() const { return rows_; }
  index_t cols() const { return cols_; }

 private:
  index_t rows_, cols_;
  std::vector<long double> values_;
};

struct size2 {
  index_t rows, cols;
};
inline const std::vector<size2>& odd_sizes() {
  static const std::vector<size2> sizes{{597, 43}, {1, 1}, {1, 37}, {37, 1}, {5, 3}, {16, 64}, {0, 5}, {5, 0}, {0, 0}};
  return sizes;
}

template <class T>
bool same_bits(const kdm::matrix<T>& a, const kdm::matrix<T>& b) {
  if (a.rows() != b.rows() || a.cols() != b.cols()) return false;
  for (index_t k = 0; k < a.size(); ++k)
    if (!(a.data()[k] == b.data()[k])) return false;
  return true;
}

template <class B>
void check_memory(B b) {
  using T = kdm::value_t<B>;
  for (index_t n : {1, 3, 64, 1000}) {
    T* p = b.allocate(n);
    CHECK(reinterpret_cast<std::uintptr_t>(p) % kdm::alignment == 0);
    b.deallocate(p, n);
  }
  for (const size2& s : odd_sizes())
    for (const index_t rows = s.rows, cols = s.cols; index_t pad : {0, 3}) {
      const auto x = random_matrix<T>(rows, cols, 1);
      table<B> y(b, x, pad);
      CHECK(same_bits(y.values(), x));

      // Strided on both sides, in both directions.
      kdm::matrix<T> host(rows + 1, cols + 2);
      const auto inside = host.view().row_range(0, rows).col_range(1, cols);
      b.upload(kdm::const_view<T>(inside), y.view());
      CHECK(same_bits(y.values(), kdm::matrix<T>(rows, cols)));
      table<B> z(b, x, pad);
      b.download(z.read(), inside);
      b.synchronize();
      CHECK(same_bits(kdm::matrix<T>(inside), x));
      bool edges = true;
      for (index_t i = 0; i < rows; ++i) edges = edges && host(i, 0) == T(0) && host(i, cols + 1) == T(0);
      CHECK(edges);
    }
}

template <class B>
void check_for_each(B b) {
  using T = kdm::value_t<B>;
  for (index_t n : {0, 1, 7, 1000}) {
    table<B> y(b, 1, 1000, T(0));
    b.for_each(n, functors::count_visits::kernel<T>{y.view().p});
    kdm::matrix<T> expected(1, 1000);
    for (index_t i = 0; i < n; ++i) expected(0, i) = T(i + 1);
    CHECK(same_bits(y.values(), expected));
  }
}

template <class B>
void check_sum_rows(B b) {
  using T = kdm::value_t<B>;
  constexpr T nan = std::numeric_limits<T>::quiet_NaN();
  for (const size2& s : odd_sizes())
    for (const index_t rows = s.rows, cols = s.cols; index_t pad : {0, 5})
      for (T keep : {T(0), T(1), T(0.5)}) {
        CAPTURE(rows);
        CAPTURE(cols);
        CAPTURE(keep);
        const auto xs = random_matrix<T>(rows, cols, 2), ys = random_matrix<T>(rows, cols, 3);
        const auto before = random_matrix<T>(1, cols, 4);
        const table<B> x(b, xs, pad), y(b, ys, 2 * pad);
        exact one(1, cols), two(1, cols);
        for (index_t j = 0; j < cols; ++j) {
          one(0, j) = two(0, j) = static_cast<long double>(keep) * before(0, j);
          for (index_t i = 0; i < rows; ++i) {
            const long double a = xs(i, j), c = ys(i, j);
            one(0, j) += a * a;
            two(0, j) += a * c - 2 * a;
          }
        }
        const auto start = [&] { return keep == T(0) ? table<B>(b, 1, cols, nan, pad) : table<B>(b, before, pad); };
        auto sum = start(), sum_again = start(), sum_two = start();
        b.sum_rows(functors::square{}, keep, sum.view(), x.read());
        b.sum_rows(functors::square{}, keep, sum_again.view(), x.read());
        b.sum_rows(functors::polynomial{}, keep, sum_two.view(), x.read(), y.read());
        CHECK(relative_difference(sum.values(), one) <= tolerance<T>::sums);
        CHECK(relative_difference(sum_two.values(), two) <= tolerance<T>::sums);
        CHECK(same_bits(sum.values(), sum_again.values()));

        // Slice after slice, the same slices twice.
        auto sliced = start(), sliced_again = start();
        for (auto* to : {&sliced, &sliced_again}) {
          const index_t first = rows / 3;
          b.sum_rows(functors::square{}, keep, to->view(), x.read().row_range(0, first));
          b.sum_rows(functors::square{}, T(1), to->view(), x.read().row_range(first, rows - first));
        }
        CHECK(relative_difference(sliced.values(), one) <= tolerance<T>::sums);
        CHECK(same_bits(sliced.values(), sliced_again.values()));
      }
}

template <class B>
void check_gemm_size(B b, index_t n, index_t m, index_t inner) {
  using T = kdm::value_t<B>;
  using kdm::op;
  constexpr T nan = std::numeric_limits<T>::quiet_NaN();
  kdm::reference_backend<T> reference;
  for (op ta : {op::as_is, op::transposed})
    for (op tb : {op::as_is, op::transposed}) {
      const bool left = ta == op::transposed, right = tb == op::transposed;
      const auto xs = random_matrix<T>(left ? inner : n, left ? n : inner, 5);
      const auto ys = random_matrix<T>(right ? m : inner, right ? inner : m, 6);
      const auto before = random_matrix<T>(n, m, 7);
      exact product(n, m);
      for (index_t i = 0; i < n; ++i)
        for (index_t j = 0; j < m; ++j)
          for (index_t k = 0; k < inner; ++k)
            product(i, j) += static_cast<long double>(left ? xs(k, i) : xs(i, k)) * (right ? ys(j, k) : ys(k, j));
      for (T keep : {T(0), T(1), T(0.5)})
        for (index_t pad : {0, 1, 8}) {
          CAPTURE(n);
          CAPTURE(m);
          CAPTURE(inner);
          CAPTURE(left);
          CAPTURE(right);
          CAPTURE(keep);
          CAPTURE(pad);
          const T a = pad == 1 ? T(-1.5) : T(1);
          exact expected(n, m);
          for (index_t i = 0; i < n; ++i)
            for (index_t j = 0; j < m; ++j)
              expected(i, j) = a * product(i, j) + static_cast<long double>(keep) * before(i, j);
          const table<B> x(b, xs, pad), y(b, ys, 2 * pad);
          auto z = keep == T(0) ? table<B>(b, n, m, nan, 3 * pad) : table<B>(b, before, 3 * pad);
          b.gemm(ta, tb, a, x.read(), y.read(), keep, z.view());
          const auto found = z.values();
          CHECK(relative_difference(found, expected) <= tolerance<T>::sums);
          kdm::matrix<T> by_reference(before);
          reference.gemm(ta, tb, a, xs, ys, keep, by_reference);
          CHECK(relative_difference(found, by_reference) <= tolerance<T>::sums);
        }
    }
}

template <class B>
void check_gemm(B b) {
  const index_t sizes[][3] = {{597, 43, 31}, {1, 1, 1},  {1, 37, 5}, {37, 1, 5}, {5, 3, 1},  {1, 1, 300}, {64, 64, 64},
                              {43, 31, 97},  {1, 64, 1}, {0, 3, 4},  {3, 0, 4},  {3, 4, 0},  {0, 0, 0},   {1, 3, 0}};
  for (const auto& s : sizes) check_gemm_size(b, s[0], s[1], s[2]);
}

template <class B>
void check_elementwise(B b) {
  using T = kdm::value_t<B>;
  constexpr T nan = std::numeric_limits<T>::quiet_NaN();
  const double near = tolerance<T>::elementwise;
  for (const size2& s : odd_sizes())
    for (const index_t rows = s.rows, cols = s.cols; index_t pad : {0, 3}) {
      CAPTURE(rows);
      CAPTURE(cols);
      CAPTURE(pad);
      const auto xs = random_matrix<T>(rows, cols, 8), ys = random_matrix<T>(rows, cols, 9);
      const auto row = random_matrix<T>(1, cols, 10);
      const table<B> x(b, xs, pad), one_row(b, row, 2 * pad);
      const auto expect = [&](auto f) {
        exact e(rows, cols);
        for (index_t i = 0; i < rows; ++i)
          for (index_t j = 0; j < cols; ++j)
            e(i, j) = f(static_cast<long double>(xs(i, j)), static_cast<long double>(ys(i, j)),
                        static_cast<long double>(row(0, j)));
        return e;
      };

      table<B> y(b, rows, cols, nan, 2 * pad);
      kdm::ops::map(b, functors::square{}, y.view(), x.read());
      CHECK(relative_difference(y.values(), expect([](auto v, auto, auto) { return v * v; })) <= near);

      // y may be one of the operands; a row meets all rows, wherever it stands among the operands.
      table<B> aliased(b, ys, 2 * pad);
      kdm::ops::map(b, functors::three{}, aliased.view(), x.read(), aliased.read(), one_row.read());
      const auto sum_of_three = expect([](auto v, auto w, auto r) { return v + 2 * w * r; });
      CHECK(relative_difference(aliased.values(), sum_of_three) <= near);
      kdm::ops::map(b, functors::polynomial{}, y.view(), one_row.read(), x.read());
      CHECK(relative_difference(y.values(), expect([](auto v, auto, auto r) { return r * v - 2 * r; })) <= near);

      table<B> copied(b, rows, cols, nan, pad);
      kdm::ops::copy(b, x.read(), copied.view());
      CHECK(same_bits(copied.values(), xs));
      kdm::ops::copy(b, one_row.read(), copied.view());
      CHECK(relative_difference(copied.values(), expect([](auto, auto, auto r) { return r; })) == 0);

      table<B> filled(b, rows, cols, nan, pad);
      kdm::ops::fill(b, T(2.5), filled.view());
      CHECK(relative_difference(filled.values(), expect([](auto, auto, auto) { return 2.5L; })) == 0);

      table<B> sum(b, ys, pad);
      kdm::ops::axpy(b, T(-0.5), x.read(), sum.view());
      CHECK(relative_difference(sum.values(), expect([](auto v, auto w, auto) { return w - v / 2; })) <= near);
      table<B> row_sum(b, ys, pad);
      kdm::ops::axpy(b, T(3), one_row.read(), row_sum.view());
      CHECK(relative_difference(row_sum.values(), expect([](auto, auto w, auto r) { return w + 3 * r; })) <= near);

      table<B> multiplied(b, ys, pad);
      kdm::ops::multiply(b, x.read(), multiplied.view());
      CHECK(relative_difference(multiplied.values(), expect([](auto v, auto w, auto) { return v * w; })) <= near);
    }
}

template <class B>
void check_sums(B b) {
  using T = kdm::value_t<B>;
  constexpr T nan = std::numeric_limits<T>::quiet_NaN();
  for (const size2& s : odd_sizes())
    for (const index_t rows = s.rows, cols = s.cols; T keep : {T(0), T(0.5)}) {
      const auto xs = random_matrix<T>(rows, cols, 11), ys = random_matrix<T>(rows, cols, 12);
      const table<B> x(b, xs, 3), y(b, ys, 1);
      exact squares(1, 1), dots(1, 1);
      squares(0, 0) = static_cast<long double>(keep) * 4;
      for (index_t i = 0; i < rows; ++i)
        for (index_t j = 0; j < cols; ++j) {
          squares(0, 0) += static_cast<long double>(xs(i, j)) * xs(i, j);
          dots(0, 0) += static_cast<long double>(xs(i, j)) * ys(i, j);
        }
      table<B> out(b, 1, 1, keep == T(0) ? nan : T(4)), dot(b, 1, 1, nan), scratch(b, 1, cols, nan);
      kdm::ops::sum(b, functors::square{}, keep, out.view(), scratch.view(), x.read());
      CHECK(relative_difference(out.values(), squares) <= tolerance<T>::sums);
      kdm::ops::dot(b, x.read(), y.read(), dot.view(), scratch.view());
      // Terms of both signs: the error belongs to the size of the terms.
      CHECK(std::abs(double(dot.values()(0, 0)) - double(dots(0, 0))) <=
            tolerance<T>::sums * (1 + double(rows * cols)));
    }
}

template <class B, class Act>
void check_dense_with(B b, Act act, index_t n, index_t in, index_t out) {
  using T = kdm::value_t<B>;
  constexpr T nan = std::numeric_limits<T>::quiet_NaN();
  const auto xs = random_matrix<T>(n, in, 13), ws = random_matrix<T>(out, in, 14, 0.3);
  const auto cs = random_matrix<T>(1, out, 15);
  const table<B> x(b, xs, 3), w(b, ws, 1), c(b, cs, 2);
  for (bool bias : {false, true})
    for (bool with_slope : {false, true}) {
      CAPTURE(n);
      CAPTURE(bias);
      CAPTURE(with_slope);
      exact value(n, out), slope(n, out);
      for (index_t i = 0; i < n; ++i)
        for (index_t j = 0; j < out; ++j) {
          long double z = bias ? static_cast<long double>(cs(0, j)) : 0;
          for (index_t k = 0; k < in; ++k) z += static_cast<long double>(xs(i, k)) * ws(j, k);
          const auto a = act(double(z));
          value(i, j) = a.value;
          slope(i, j) = a.slope;
        }
      table<B> y(b, n, out, nan, 4), s(b, n, out, nan, 5);
      kdm::ops::dense(b, x.read(), w.read(), bias ? c.read() : kdm::const_view_of<B>{}, act, y.view(),
                      with_slope ? s.view() : kdm::view_of<B>{});
      CHECK(relative_difference(y.values(), value) <= tolerance<T>::sums);
      if (with_slope) CHECK(relative_difference(s.values(), slope) <= tolerance<T>::sums);
    }
}

template <class B>
void check_dense(B b) {
  const index_t sizes[][3] = {{597, 43, 19}, {1, 1, 1}, {1, 9, 17}, {33, 5, 1}, {0, 3, 4}, {4, 0, 3}};
  for (const auto& s : sizes) {
    check_dense_with(b, kdm::activations::identity{}, s[0], s[1], s[2]);
    check_dense_with(b, kdm::activations::silu{}, s[0], s[1], s[2]);
    check_dense_with(b, functors::cubic{}, s[0], s[1], s[2]);
  }
}

template <class B>
void check_add_normal(B b) {
  using T = kdm::value_t<B>;
  const kdm::random_table random{7, kdm::streams::user, 3};
  for (const size2& s : odd_sizes())
    for (const index_t rows = s.rows, cols = s.cols; index_t first : {0, 11}) {
      const auto xs = random_matrix<T>(rows, cols, 16);
      const table<B> x(b, xs, 3);
      exact noise(rows, cols), sum(rows, cols);
      for (index_t i = 0; i < rows; ++i)
        for (index_t j = 0; j < cols; ++j) {
          noise(i, j) = 0.5L * random.template normal<T>(first + i, j);
          sum(i, j) = xs(i, j) + noise(i, j);
        }
      table<B> y(b, rows, cols, std::numeric_limits<T>::quiet_NaN(), 1);
      kdm::ops::add_normal(b, random, first, T(0.5), kdm::const_view_of<B>{}, y.view());
      CHECK(relative_difference(y.values(), noise) <= tolerance<T>::elementwise);
      kdm::ops::add_normal(b, random, first, T(0.5), x.read(), y.view());
      CHECK(relative_difference(y.values(), sum) <= tolerance<T>::elementwise);
    }
}

/// Only the six clauses of a backend, so that none of the operations it overtakes is found.
template <class B>
struct only_clauses {
  using value_type = typename B::value_type;
  using space = typename B::space;

  B inner;

  value_type* allocate(index_t n) { return inner.allocate(n); }
  void deallocate(value_type* p, index_t n) { inner.deallocate(p, n); }
  void upload(kdm::const_view<value_type> x, kdm::view<value_type, space> y) { inner.upload(x, y); }
  void download(kdm::view<const value_type, space> x, kdm::view<value_type> y) { inner.download(x, y); }
  void synchronize() { inner.synchronize(); }
  template <class Kernel>
  void for_each(index_t n, Kernel kernel) {
    inner.for_each(n, kernel);
  }
  template <class F, class... X>
  void sum_rows(F f, value_type keep, kdm::view<value_type, space> y, X... x) {
    inner.sum_rows(f, keep, y, x...);
  }
  void gemm(kdm::op ta, kdm::op tb, value_type a, kdm::view<const value_type, space> x,
            kdm::view<const value_type, space> y, value_type keep, kdm::view<value_type, space> z) {
    inner.gemm(ta, tb, a, x, y, keep, z);
  }
};

/// Overtaken operations and derived ones agree: the same products below, so only contraction may differ.
template <class B>
void check_overtaken(B b) {
  using T = kdm::value_t<B>;
  using S = kdm::activations::silu;
  only_clauses<B> derived{b};
  static_assert(kdm::backend<only_clauses<B>>);
  const double near = tolerance<T>::elementwise;
  const auto xs = random_matrix<T>(97, 43, 17), ws = random_matrix<T>(29, 43, 18, 0.3);
  const auto cs = random_matrix<T>(1, 29, 19);
  const table<B> x(b, xs, 3), w(b, ws, 1), c(b, cs);
  table<B> y1(b, 97, 29, T(0), 2), y2(b, 97, 29, T(0), 2), s1(b, 97, 29, T(0)), s2(b, 97, 29, T(0));
  kdm::ops::dense(b, x.read(), w.read(), c.read(), S{}, y1.view(), s1.view());
  kdm::ops::dense(derived, x.read(), w.read(), c.read(), S{}, y2.view(), s2.view());
  CHECK(relative_difference(y1.values(), y2.values()) <= near);
  CHECK(relative_difference(s1.values(), s2.values()) <= near);

  table<B> m1(b, xs, 2), m2(b, xs, 2);
  kdm::ops::map(b, functors::polynomial{}, m1.view(), x.read(), m1.read());
  kdm::ops::map(derived, functors::polynomial{}, m2.view(), x.read(), m2.read());
  CHECK(relative_difference(m1.values(), m2.values()) <= near);
  kdm::ops::map(b, functors::polynomial{}, m1.view(), x.read().row(5), x.read());
  kdm::ops::map(derived, functors::polynomial{}, m2.view(), x.read().row(5), x.read());
  CHECK(relative_difference(m1.values(), m2.values()) <= near);

  kdm::ops::add_normal(b, {3, 4, 5}, 6, T(2), x.read(), m1.view());
  kdm::ops::add_normal(derived, {3, 4, 5}, 6, T(2), x.read(), m2.view());
  CHECK(relative_difference(m1.values(), m2.values()) <= near);
}

/// What a layer computes on a backend: y, dw and dx for given w, x and dy.
template <class T>
struct layer_results {
  kdm::matrix<T> y, dw, dx;
};

template <class B, class L>
layer_results<kdm::value_t<B>> results_on(B b, const L& l, const kdm::matrix<kdm::value_t<B>>& ws,
                                          const kdm::matrix<kdm::value_t<B>>& xs,
                                          const kdm::matrix<kdm::value_t<B>>& dys) {
  using T = kdm::value_t<B>;
  const index_t n = xs.rows();
  kdm::arena<B> memory(b);
  auto frame = kdm::planned(memory, [&](kdm::arena<B>& a) { return l.plan(a, n, kdm::pass::training); });
  const table<B> w(b, ws), x(b, xs, 3);
  table<B> y(b, n, l.outputs(), T(0), 1), dw(b, 1, l.size(), T(0)), dx(b, n, l.inputs(), T(0), 2), dy(b, dys, 1);
  l.forward(b, w.read(), x.read(), y.view(), frame);
  l.backward(b, w.read(), dw.view(), x.read(), y.read(), dy.view(), dx.view(), T(0), frame);
  return {y.values(), dw.values(), dx.values()};
}

template <class B>
void check_network(B b) {
  using T = kdm::value_t<B>;
  const kdm::sequential net{kdm::dense_layer(3, 37, kdm::activations::silu{}),
                            kdm::residual(kdm::dense_layer(37, 37, kdm::activations::tanh{})),
                            kdm::dense_layer(37, 5, kdm::activations::identity{}, false)};
  const auto w = kdm::initial_weights<T>(kdm::manifest_of(net), 1);
  const auto x = random_matrix<T>(61, 3, 20), dy = random_matrix<T>(61, 5, 21);
  const auto here = results_on(b, net, w, x, dy), there = results_on(kdm::reference_backend<T>{}, net, w, x, dy);
  CHECK(relative_difference(here.y, there.y) <= tolerance<T>::sums);
  CHECK(relative_difference(here.dw, there.dw) <= tolerance<T>::sums);
  CHECK(relative_difference(here.dx, there.dx) <= tolerance<T>::sums);
  if constexpr (std::same_as<T, double>) CHECK(kdm::gradient_check(net, b).worst() < 1e-7);
}

/// Everything above, one doctest subcase a topic.
template <kdm::backend B>
void check_backend(B b) {
  SUBCASE("memory and transfers") { check_memory(b); }
  SUBCASE("for_each") { check_for_each(b); }
  SUBCASE("sum_rows") { check_sum_rows(b); }
  SUBCASE("gemm") { check_gemm(b); }
  SUBCASE("elementwise operations") { check_elementwise(b); }
  SUBCASE("sum and dot") { check_sums(b); }
  SUBCASE("dense") { check_dense(b); }
  SUBCASE("add_normal") { check_add_normal(b); }
  SUBCASE("overtaken and derived operations") { check_overtaken(b); }
  SUBCASE("a small network") { check_network(b); }
}

}  // namespace kdm_test
