/// Dictionaries made of dictionaries: sums, products, parts of a state, delays.
#pragma once

#include <utility>

#include "kdm/fit/dictionaries/pointwise.hpp"

namespace kdm {

/// The features of A, then those of B: `a + b`.
template <dictionary A, dictionary B>
class stacked {
 public:
  stacked(A a, B b) : a_(std::move(a)), b_(std::move(b)) {
    require_size("stacked: inputs of the second dictionary", b_.inputs(), a_.inputs());
    checked_sum("stacked: features", a_.features(), b_.features());
  }
  index_t inputs() const { return a_.inputs(); }
  index_t features() const { return a_.features() + b_.features(); }

  void evaluate(const_view<double> x, view<double> psi) const {
    a_.evaluate(x, of_a(psi));
    b_.evaluate(x, of_b(psi));
  }
  void derivatives(const_view<double> x, const_view<double> v, view<double> first, view<double> second) const
    requires(differentiable_dictionary<A> && differentiable_dictionary<B>)
  {
    a_.derivatives(x, v, of_a(first), of_a(second));
    b_.derivatives(x, v, of_b(first), of_b(second));
  }

 private:
  view<double> of_a(view<double> m) const { return m ? m.col_range(0, a_.features()) : m; }
  view<double> of_b(view<double> m) const { return m ? m.col_range(a_.features(), b_.features()) : m; }

  A a_;
  B b_;
};

/// Every feature of A times every feature of B: `a * b`. Feature i of A and j of B make feature i * B.features() + j.
template <dictionary A, dictionary B>
class product {
 public:
  product(A a, B b) : a_(std::move(a)), b_(std::move(b)) {
    require_size("product: inputs of the second dictionary", b_.inputs(), a_.inputs());
    checked_product("product: features", a_.features(), b_.features());
  }
  index_t inputs() const { return a_.inputs(); }
  index_t features() const { return a_.features() * b_.features(); }

  void evaluate(const_view<double> x, view<double> psi) const {
    matrix<double> a(x.rows, a_.features()), b(x.rows, b_.features());
    a_.evaluate(x, a.view());
    b_.evaluate(x, b.view());
    for_each_feature(psi, [&](index_t r, index_t i, index_t j) { return a(r, i) * b(r, j); });
  }
  void derivatives(const_view<double> x, const_view<double> v, view<double> first, view<double> second) const
    requires(differentiable_dictionary<A> && differentiable_dictionary<B>)
  {
    matrix<double> a(x.rows, a_.features()), a1(x.rows, a_.features()), a2(x.rows, a_.features());
    matrix<double> b(x.rows, b_.features()), b1(x.rows, b_.features()), b2(x.rows, b_.features());
    a_.evaluate(x, a.view());
    b_.evaluate(x, b.view());
    a_.derivatives(x, v, a1.view(), a2.view());
    b_.derivatives(x, v, b1.view(), b2.view());
    for_each_feature(first, [&](index_t r, index_t i, index_t j) { return a1(r, i) * b(r, j) + a(r, i) * b1(r, j); });
    if (second)
      for_each_feature(second, [&](index_t r, index_t i, index_t j) {
        return a2(r, i) * b(r, j) + 2 * a1(r, i) * b1(r, j) + a(r, i) * b2(r, j);
      });
  }

 private:
  template <class F>
  void for_each_feature(view<double> out, F f) const {
    for (index_t r = 0; r < out.rows; ++r)
      for (index_t i = 0; i < a_.features(); ++i)
        for (index_t j = 0; j < b_.features(); ++j) out(r, i * b_.features() + j) = f(r, i, j);
  }

  A a_;
  B b_;
};

template <dictionary A, dictionary B>
stacked<A, B> operator+(A a, B b) {
  return {std::move(a), std::move(b)};
}

template <dictionary A, dictionary B>
product<A, B> operator*(A a, B b) {
  return {std::move(a), std::move(b)};
}

/// A dictionary of the columns first, first + 1, ... of a wider state. The other columns do not matter to it.
///
/// Throws.    shape_error when the state is not wide enough.
template <dictionary D>
class of_columns {
 public:
  of_columns(index_t inputs, index_t first, D d) : inputs_(inputs), first_(first), d_(std::move(d)) {
    if (first < 0 || first + d_.inputs() > inputs)
      fail<shape_error>("of_columns: columns ", first, " to ", first + d_.inputs() - 1, " of a state of ", inputs,
                        ", expected columns it has");
  }
  index_t inputs() const { return inputs_; }
  index_t features() const { return d_.features(); }

  void evaluate(const_view<double> x, view<double> psi) const { d_.evaluate(part(x), psi); }
  void derivatives(const_view<double> x, const_view<double> v, view<double> first, view<double> second) const
    requires differentiable_dictionary<D>
  {
    d_.derivatives(part(x), part(v), first, second);
  }

 private:
  const_view<double> part(const_view<double> x) const { return x.col_range(first_, d_.inputs()); }

  index_t inputs_, first_;
  D d_;
};

/// A dictionary of each of `count` snapshots that stand side by side in one row: the features of a delay window.
///
/// Shapes.    inputs count D.inputs(), features count D.features(); block k of the features belongs to snapshot k.
template <dictionary D>
class delays {
 public:
  delays(index_t count, D d) : count_(count), d_(std::move(d)) {
    detail::require_count("delays: count", count, 1);
    checked_product("delays: inputs", count, d_.inputs());
    checked_product("delays: features", count, d_.features());
  }
  index_t inputs() const { return count_ * d_.inputs(); }
  index_t features() const { return count_ * d_.features(); }

  void evaluate(const_view<double> x, view<double> psi) const {
    for (index_t k = 0; k < count_; ++k) d_.evaluate(in(x, k), out(psi, k));
  }
  void derivatives(const_view<double> x, const_view<double> v, view<double> first, view<double> second) const
    requires differentiable_dictionary<D>
  {
    for (index_t k = 0; k < count_; ++k) d_.derivatives(in(x, k), in(v, k), out(first, k), out(second, k));
  }

 private:
  const_view<double> in(const_view<double> x, index_t k) const { return x.col_range(k * d_.inputs(), d_.inputs()); }
  view<double> out(view<double> m, index_t k) const {
    return m ? m.col_range(k * d_.features(), d_.features()) : m;
  }

  index_t count_;
  D d_;
};

}  // namespace kdm
