/// Operations derived from the verbs, written once; a backend with a member of the same name overtakes them.
#pragma once

#include <utility>

#include "kdm/core/backend.hpp"

// Calls from one operation to another are qualified: a function of the same name in the namespace of a user's backend
// must not be taken instead.
namespace kdm::ops {

/// Scalar functors for map and sum_rows.
struct take_first {
  template <class T, class... Rest>
  KDM_HD T operator()(T x, Rest...) const {
    return x;
  }
};
struct plus {
  template <class T>
  KDM_HD T operator()(T x, T y) const {
    return x + y;
  }
};
struct product {
  template <class T>
  KDM_HD T operator()(T x, T y) const {
    return x * y;
  }
};
/// a x.
template <class T>
struct scaled {
  T a;
  KDM_HD T operator()(T x) const { return a * x; }
};
/// a x + y.
template <class T>
struct scaled_sum {
  T a;
  KDM_HD T operator()(T x, T y) const { return a * x + y; }
};
template <class T>
struct constant {
  T value;
  template <class... X>
  KDM_HD T operator()(X...) const {
    return value;
  }
};

namespace detail {

/// Turns a flat index into a cell, for backends that have no cell loop of their own.
template <class Kernel>
struct flat_cells {
  Kernel kernel;
  index_t cols;
  KDM_HD void operator()(index_t k) const { kernel(k / cols, k % cols); }
};

template <class F, class T, class Space, std::size_t N>
struct map_kernel {
  F f;
  view<T, Space> y;
  view<const T, Space> x[N];
  KDM_HD void operator()(index_t i, index_t j) const { store(i, j, std::make_index_sequence<N>{}); }
  template <std::size_t... K>
  KDM_HD void store(index_t i, index_t j, std::index_sequence<K...>) const {
    y.p[i * y.ld + j] = f(x[K].p[i * x[K].ld + j]...);
  }
};

/// y = act(y + c), and the slope where it is wanted; c is null for a layer without bias.
template <bool WithSlope, class Act, class T, class Space>
struct activate_kernel {
  Act act;
  view<T, Space> y, slope;
  const T* c;
  KDM_HD void operator()(index_t i, index_t j) const {
    const auto a = act(y.p[i * y.ld + j] + (c ? c[j] : T(0)));
    y.p[i * y.ld + j] = a.value;
    if constexpr (WithSlope) slope.p[i * slope.ld + j] = a.slope;
  }
};

/// A one-row operand meets every row of the others: a leading dimension of zero.
template <class T, class Space>
KDM_HD constexpr view<const T, Space> broadcast(view<const T, Space> x, index_t rows) {
  if (x.rows == 1 && rows != 1) x.ld = 0;
  return x;
}

template <class T, class Space>
constexpr bool flat(view<T, Space> x, index_t rows) {
  return x.rows == rows && x.ld == x.cols;
}

}  // namespace detail

/// kernel(i, j) for every cell of a rows x cols table, in any order.
template <backend B, class Kernel>
void for_each_cell(B& b, index_t rows, index_t cols, Kernel kernel) {
  if (rows == 0 || cols == 0) return;
  if constexpr (requires { b.for_each_cell(rows, cols, kernel); })
    b.for_each_cell(rows, cols, kernel);
  else
    b.for_each(rows * cols, detail::flat_cells<Kernel>{kernel, cols});
}

/// y_ij = f(x_ij...).
///
/// Shapes.    y [n, m]; every x [n, m], or [1, m]: a row that meets all rows. y may be one of the x.
/// Cost.      one pass over the operands.
template <backend B, class F, class... X>
void map(B& b, F f, view_of<B> y, X... x) {
  if constexpr (requires { b.map(f, y, const_view_of<B>(x)...); }) {
    b.map(f, y, const_view_of<B>(x)...);
  } else {
    using kernel = detail::map_kernel<F, value_t<B>, typename B::space, sizeof...(X)>;
    if (detail::flat(y, y.rows) && (detail::flat(const_view_of<B>(x), y.rows) && ...))
      ops::for_each_cell(b, 1, y.size(), kernel{f, y, {const_view_of<B>(x)...}});
    else
      ops::for_each_cell(b, y.rows, y.cols, kernel{f, y, {detail::broadcast(const_view_of<B>(x), y.rows)...}});
  }
}

/// y = x; a one-row x is repeated.
template <backend B>
void copy(B& b, const_view_of<B> x, view_of<B> y) {
  ops::map(b, take_first{}, y, x);
}

/// y_ij = value.
template <backend B>
void fill(B& b, value_t<B> value, view_of<B> y) {
  ops::map(b, constant<value_t<B>>{value}, y, y);
}

/// y += a x; a one-row x is added to every row.
template <backend B>
void axpy(B& b, value_t<B> a, const_view_of<B> x, view_of<B> y) {
  ops::map(b, scaled_sum<value_t<B>>{a}, y, x, y);
}

/// y = x * y, element by element.
template <backend B>
void multiply(B& b, const_view_of<B> x, view_of<B> y) {
  ops::map(b, product{}, y, x, y);
}

/// out = keep out + sum_ij f(x_ij...), in an order that does not change.
///
/// Shapes.    x... [n, m], out [1, 1], scratch [1, m] gap-free.
/// Cost.      one pass over x and one over scratch.
template <backend B, class F, class... X>
void sum(B& b, F f, value_t<B> keep, view_of<B> out, view_of<B> scratch, X... x) {
  b.sum_rows(f, value_t<B>(0), scratch, const_view_of<B>(x)...);
  b.sum_rows(take_first{}, keep, out, const_view_of<B>(scratch.reshaped(scratch.cols, 1)));
}

/// out = sum_ij x_ij y_ij. Shapes as in `sum`.
template <backend B>
void dot(B& b, const_view_of<B> x, const_view_of<B> y, view_of<B> out, view_of<B> scratch) {
  ops::sum(b, product{}, value_t<B>(0), out, scratch, x, y);
}

/// One dense layer: y = act(x W' + c), and where `slope` is given the activation's slope at every element.
///
/// Shapes.    x [n, in], W [out, in], c [1, out] or null, y and slope [n, out], slope or null; y aliases neither x
///            nor W.
/// Cost.      2 n in out flops, then one pass over y.
template <backend B, class Act>
void dense(B& b, const_view_of<B> x, const_view_of<B> weight, const_view_of<B> c, Act act, view_of<B> y,
           view_of<B> slope) {
  if constexpr (requires { b.dense(x, weight, c, act, y, slope); }) {
    b.dense(x, weight, c, act, y, slope);
  } else {
    using T = value_t<B>;
    using S = typename B::space;
    b.gemm(op::as_is, op::transposed, T(1), x, weight, T(0), y);
    if (slope)
      ops::for_each_cell(b, y.rows, y.cols, detail::activate_kernel<true, Act, T, S>{act, y, slope, c.p});
    else
      ops::for_each_cell(b, y.rows, y.cols, detail::activate_kernel<false, Act, T, S>{act, y, slope, c.p});
  }
}

}  // namespace kdm::ops
