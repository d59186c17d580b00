/// Checks that operations which a backend overtakes do what the derived forms do.
#pragma once

#include <string>

#include "kdm/core/ops.hpp"
#include "kdm/core/repeat.hpp"
#include "kdm/math/activations.hpp"
#include "kdm/math/noise.hpp"
#include "kdm/testing/verbs.hpp"

namespace kdm::testing {

/// The six clauses of a backend and nothing else, so that all operations on it are derived.
template <backend B>
struct only_clauses {
  using value_type = typename B::value_type;
  using space = typename B::space;

  B inner;

  value_type* allocate(index_t n) { return inner.allocate(n); }
  void deallocate(value_type* p, index_t n) { inner.deallocate(p, n); }
  void upload(const_view<value_type> x, view<value_type, space> y) { inner.upload(x, y); }
  void download(view<const value_type, space> x, view<value_type> y) { inner.download(x, y); }
  void synchronize() { inner.synchronize(); }
  template <class Kernel>
  void for_each(index_t n, Kernel kernel) {
    inner.for_each(n, kernel);
  }
  template <class F, class... X>
  void sum_rows(F f, value_type keep, view<value_type, space> y, X... x) {
    inner.sum_rows(f, keep, y, x...);
  }
  void gemm(op ta, op tb, value_type a, view<const value_type, space> x, view<const value_type, space> y,
            value_type keep, view<value_type, space> z) {
    inner.gemm(ta, tb, a, x, y, keep, z);
  }
};

/// dense with one activation, overtaken and derived.
template <backend B, class Act>
void check_dense_overtaken(B b, Act act, conformance_report& r) {
  using T = value_t<B>;
  only_clauses<B> derived{b};
  constexpr index_t n = 97, in = 43, out = 29;
  const matrix<T> xs = normal_matrix<T>(n, in, 17), ws = normal_matrix<T>(out, in, 18, 0.3);
  const matrix<T> cs = normal_matrix<T>(1, out, 19);
  const table<B> x(b, xs, 3), w(b, ws, 1), c(b, cs);
  for (const bool bias : {false, true})
    for (const bool with_slope : {false, true}) {
      const std::string what = concat("dense(", Act::name, ") overtaken and derived", bias ? "" : ", no bias",
                                      with_slope ? "" : ", no slope");
      const const_view_of<B> bias_row = bias ? c.read() : const_view_of<B>{};
      table<B> y1(b, n, out, T(0), 2), y2(b, n, out, T(0), 2), s1(b, n, out, T(0), 1), s2(b, n, out, T(0), 1);
      ops::dense(b, x.read(), w.read(), bias_row, act, y1.view(), with_slope ? s1.view() : view_of<B>{});
      ops::dense(derived, x.read(), w.read(), bias_row, act, y2.view(), with_slope ? s2.view() : view_of<B>{});
      expect_close(r, what, y1, y2.values(r, what), tolerance<T>::sums);
      expect_close(r, what + ", the slope", s1, s2.values(r, what), tolerance<T>::sums);
    }
}

/// map, dense and add_normal: whatever the backend does itself against the derived forms on the same verbs.
template <backend B>
void check_overtaken(B b, conformance_report& r) {
  using T = value_t<B>;
  static_assert(backend<only_clauses<B>>);
  r.begin("overtaken operations");
  testing::check_dense_overtaken(b, activations::identity{}, r);
  testing::check_dense_overtaken(b, activations::relu{}, r);
  testing::check_dense_overtaken(b, activations::gelu{}, r);

  only_clauses<B> derived{b};
  const matrix<T> xs = normal_matrix<T>(97, 43, 17);
  for (const index_t padding : {0, 3}) {
    const table<B> x(b, xs, padding);
    table<B> found(b, xs, padding), expected(b, xs, padding);
    const auto compare = [&](const char* what) {
      const std::string where = what + std::string(" overtaken and derived") + padded(padding);
      expect_close(r, where, found, expected.values(r, where), tolerance<T>::elementwise);
    };
    ops::map(b, functors::polynomial{}, found.view(), x.read(), found.read());
    ops::map(derived, functors::polynomial{}, expected.view(), x.read(), expected.read());
    compare("map");
    ops::map(b, functors::polynomial{}, found.view(), x.read().row(5), x.read());
    ops::map(derived, functors::polynomial{}, expected.view(), x.read().row(5), x.read());
    compare("map of a row and a matrix");
    ops::add_normal(b, {3, 4, 5}, 6, T(2), x.read(), found.view());
    ops::add_normal(derived, {3, 4, 5}, 6, T(2), x.read(), expected.view());
    compare("add_normal");
  }
}

/// repeat: a sequence replayed with other numbers, beside a second one, against the same verbs issued one by one.
template <backend B>
void check_repeat(B b, conformance_report& r) {
  using T = value_t<B>;
  r.begin("repeat");
  constexpr index_t n = 33, m = 7;
  const table<B> x(b, normal_matrix<T>(n, n, 20, 0.1));
  struct sequence {
    table<B> y, squares, product;
    recording<B> record = {};
  };
  const auto fresh = [&] {
    return sequence{table<B>(b, normal_matrix<T>(n, m, 21)), table<B>(b, 1, m, T(0)), table<B>(b, n, m, T(0), 3)};
  };
  const auto issue = [&](sequence& s, index_t call) {
    const T a = T(1) / T(call + 2);
    b.for_each(n * m, functors::count_visits<T>{s.y.view().p, a});
    b.sum_rows(functors::square{}, a, s.squares.view(), s.y.read());
    b.gemm(op::as_is, op::as_is, a, x.read(), s.y.read(), T(0.5), s.product.view());
  };
  sequence first = fresh(), second = fresh(), plain = fresh();
  for (index_t call = 0; call < 5; ++call) {
    ops::repeat(b, first.record, [&] { issue(first, call); });
    ops::repeat(b, second.record, [&] { issue(second, call); });
    issue(plain, call);
    for (sequence* s : {&first, &second}) {
      const std::string what = concat("repeat of the ", s == &first ? "first" : "second", " sequence, call ", call + 1);
      expect_equal(r, what + ", for_each", s->y, plain.y.values(r, what));
      expect_equal(r, what + ", sum_rows", s->squares, plain.squares.values(r, what));
      expect_equal(r, what + ", gemm", s->product, plain.product.values(r, what));
    }
  }
}

}  // namespace kdm::testing
