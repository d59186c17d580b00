/// Checks of dense and add_normal against exact results.
#pragma once

#include <string>

#include "kdm/core/ops.hpp"
#include "kdm/math/activations.hpp"
#include "kdm/math/noise.hpp"
#include "kdm/testing/table.hpp"

namespace kdm::testing {

namespace functors {
/// An activation that no backend knows by name.
struct cubic {
  static constexpr const char* name = "cubic";
  template <class T>
  KDM_HD constexpr activated<T> operator()(T z) const {
    return {z * z * z - z, T(3) * z * z - T(1)};
  }
};
}  // namespace functors

/// dense with one activation: n rows, with and without bias and slope.
template <backend B, class Act>
void check_dense_with(B b, Act act, index_t n, index_t in, index_t out, conformance_report& r) {
  using T = value_t<B>;
  const matrix<T> xs = normal_matrix<T>(n, in, 13), ws = normal_matrix<T>(out, in, 14, 0.3);
  const matrix<T> cs = normal_matrix<T>(1, out, 15);
  const table<B> x(b, xs, 3), w(b, ws, 1), c(b, cs, 2);
  for (const bool bias : {false, true}) {
    exact value(n, out), slope(n, out);
    for (index_t i = 0; i < n; ++i)
      for (index_t j = 0; j < out; ++j) {
        long double z = bias ? static_cast<long double>(cs(0, j)) : 0;
        for (index_t k = 0; k < in; ++k) z += static_cast<long double>(xs(i, k)) * ws(j, k);
        const auto a = act(double(z));
        value(i, j) = a.value;
        slope(i, j) = a.slope;
      }
    for (const bool with_slope : {false, true}) {
      const std::string what = concat("dense(", Act::name, ") of ", words({n, in}), " to ", out, " outputs",
                                      bias ? "" : ", no bias", with_slope ? "" : ", no slope");
      table<B> y(b, n, out, not_a_number<T>, 4), s(b, n, out, not_a_number<T>, 5);
      ops::dense(b, x.read(), w.read(), bias ? c.read() : const_view_of<B>{}, act, y.view(),
                 with_slope ? s.view() : view_of<B>{});
      expect_close(r, what, y, value, tolerance<T>::sums);
      if (with_slope) expect_close(r, what + ", the slope", s, slope, tolerance<T>::sums);
    }
  }
}

/// dense: an identity, a library's and a user's activation. (The layers go through all of them.)
template <backend B>
void check_dense(B b, conformance_report& r) {
  r.begin("dense");
  constexpr index_t cases[][3] = {{597, 43, 19}, {1, 1, 1}, {1, 9, 17}, {33, 5, 1}, {0, 3, 4}, {4, 0, 3}};
  for (const auto& c : cases) {
    testing::check_dense_with(b, activations::identity{}, c[0], c[1], c[2], r);
    testing::check_dense_with(b, activations::silu{}, c[0], c[1], c[2], r);
    testing::check_dense_with(b, functors::cubic{}, c[0], c[1], c[2], r);
  }
}

/// add_normal: the numbers of a random_table, whichever row they start from.
template <backend B>
void check_add_normal(B b, conformance_report& r) {
  using T = value_t<B>;
  r.begin("add_normal");
  const random_table random{7, streams::user, 3};
  for (const sizes& s : odd_sizes)
    for (const index_t first : {0, 11}) {
      const std::string where = concat(" to ", words(s), ", rows from ", first);
      const matrix<T> xs = normal_matrix<T>(s.rows, s.cols, 16);
      const table<B> x(b, xs, 3);
      const exact noise =
          exact_of(s, [&](index_t i, index_t j) { return 0.5L * random.template normal<T>(first + i, j); });
      const exact sum = exact_of(s, [&](index_t i, index_t j) { return xs(i, j) + noise(i, j); });
      table<B> y(b, s.rows, s.cols, not_a_number<T>, 1);
      ops::add_normal(b, random, first, T(0.5), const_view_of<B>{}, y.view());
      expect_close(r, "add_normal" + where + ", from nothing", y, noise, tolerance<T>::elementwise);
      ops::add_normal(b, random, first, T(0.5), x.read(), y.view());
      expect_close(r, "add_normal" + where, y, sum, tolerance<T>::elementwise);
    }
}

}  // namespace kdm::testing
