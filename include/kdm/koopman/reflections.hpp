/// Products of Householder reflections as matrices, with their gradient, by matrix products on any backend.
#pragma once

#include "kdm/core/arena.hpp"
#include "kdm/core/ops.hpp"

namespace kdm::detail {

/// Adds a number to every element of the diagonal.
template <class T, class Space>
struct add_to_diagonal {
  view<T, Space> m;
  T value;
  KDM_HD void operator()(index_t i) const { m.p[i * m.ld + i] += value; }
};

/// Row i of the inverse of the triangle S = striu(G) + diag(G) / 2, by forward substitution.
template <class T, class Space>
struct invert_triangle {
  view<const T, Space> g;
  view<T, Space> m;
  KDM_HD void operator()(index_t i) const {
    T* const row = m.p + i * m.ld;
    for (index_t j = 0; j < m.cols; ++j) row[j] = j == i ? T(1) : T(0);
    for (index_t k = i; k < m.cols; ++k) {
      const T* const s = g.p + k * g.ld;
      const T x = row[k] / (T(0.5) * s[k]);
      row[k] = x;
      for (index_t j = k + 1; j < m.cols; ++j) row[j] -= x * s[j];
    }
  }
};

/// The lower triangle becomes the mirror image of the upper.
template <class T, class Space>
struct mirror_upper {
  view<T, Space> m;
  KDM_HD void operator()(index_t i, index_t j) const {
    if (i > j) m.p[i * m.ld + j] = m.p[j * m.ld + i];
  }
};

/// Memory for Q = H_1 H_2 ... H_k, H_i = I - 2 v_i v_i' / v_i' v_i, for the k rows v_i of V; Q is exactly orthogonal
/// for every V without a zero row.
///
/// Q = I - V' M V with M^-1 = striu(V V') + diag(V V') / 2, so k reflections cost matrix products and one triangle.
/// The entries of M are at most 4 / |v_i| |v_j|, however nearly parallel the vectors.
/// Shapes.    V [k, n], Q [n, n].
/// Cost.      4 k^2 n + 2 k n^2 flops and the k^3 / 3 of the triangle; 6 k^2 n + 4 k n^2 for the gradient.
/// Source.    Joffrain, Low, Quintana-Orti, van de Geijn 2006, "Accumulating Householder transformations, revisited",
///            ACM Trans. Math. Softw. 32
template <backend B>
struct reflection_product {
  view_of<B> q, m, mv;          // Q, M, M V
  view_of<B> gram, mtv, moved;  // V V', later the gradient of the triangle; M' V; M' V dQ

  static reflection_product plan(arena<B>& a, index_t k, index_t n, bool training) {
    reflection_product p;
    p.q = a.take(n, n);
    p.m = a.take(k, k);
    p.mv = a.take(k, n);
    p.gram = a.take(k, k);
    if (!training) return p;
    p.mtv = a.take(k, n);
    p.moved = a.take(k, n);
    return p;
  }

  void form(B& b, const_view_of<B> v) {
    using T = value_t<B>;
    using S = typename B::space;
    b.gemm(op::as_is, op::transposed, T(1), v, v, T(0), gram);
    b.for_each(m.rows, invert_triangle<T, S>{gram, m});
    b.gemm(op::as_is, op::as_is, T(1), m, v, T(0), mv);
    b.gemm(op::transposed, op::as_is, T(-1), v, mv, T(0), q);
    b.for_each(q.rows, add_to_diagonal<T, S>{q, T(1)});
  }

  /// dv += the gradient with respect to V, for the gradient dq with respect to Q of the last form().
  void pull(B& b, const_view_of<B> v, const_view_of<B> dq, view_of<B> dv) {
    using T = value_t<B>;
    b.gemm(op::transposed, op::as_is, T(1), m, v, T(0), mtv);
    b.gemm(op::as_is, op::as_is, T(1), mtv, dq, T(0), moved);
    b.gemm(op::as_is, op::transposed, T(-1), mv, dq, T(1), dv);
    ops::axpy(b, T(-1), const_view_of<B>(moved), dv);
    // The triangle's gradient counts for both of v_i and v_j.
    b.gemm(op::as_is, op::transposed, T(1), moved, mv, T(0), gram);
    ops::for_each_cell(b, gram.rows, gram.cols, mirror_upper<T, typename B::space>{gram});
    b.gemm(op::as_is, op::as_is, T(1), gram, v, T(1), dv);
  }
};

}  // namespace kdm::detail
