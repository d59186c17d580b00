/// The generator operator: z(t) = exp(t L) z, for any time t.
#pragma once

#include <cmath>
#include <type_traits>

#include "kdm/core/finite.hpp"
#include "kdm/koopman/formed_operator.hpp"
#include "kdm/koopman/matrix_logarithm.hpp"
#include "kdm/koopman/reflections.hpp"

namespace kdm {

/// z' = z exp(t L)', the flow of dz/dt = L z over the operator's time t; L is learned.
///
/// The exponential is a Taylor polynomial of t L / 2^s (degree 13 in double, 8 in float) squared s times. s is chosen
/// once, so that |t L| / 2^s <= 1/2 while the 1-norm of L keeps to `bound`; the error of the polynomial is then below
/// rounding. Beyond the bound nothing breaks at once: for a rotation by twice the bound the error is 2e-10 (4e-5 in
/// float), by four times 3e-6 (2e-2). Compare norm(w) with bound() where L may grow.
/// Shapes.    z [n, latent]. Weights: "generator" L [latent, latent]; zeros by default, the identity map.
/// Cost.      2 n latent^2 flops, and 2 (12 + s) latent^3 to form exp(t L); backward 4 n latent^2 and
///            (78 + 6 s) latent^3. In float 2 (7 + s) and 48 + 6 s.
/// Gradient.  dL += t F(t L', dA), F the Frechet derivative of the exponential, by the same polynomial and squarings:
///            the exact derivative of what forward computes.
/// Throws.    shape_error for latent below 1; option_error for a time that is not finite, a bound that is not positive.
/// Source.    Al-Mohy, Higham 2009, "Computing the Frechet derivative of the matrix exponential, with an application
///            to condition number estimation", SIAM J. Matrix Anal. Appl. 30
class generator_operator : public detail::formed_operator<generator_operator> {
 public:
  static constexpr const char* name = "generator_operator";

  explicit generator_operator(index_t latent, double time = 1, double bound = 16,
                              initializer init = initializer::zeros)
      : formed_operator(latent), time_(time), bound_(bound), init_(init) {
    if (!is_finite(time)) fail<option_error>("generator_operator: time is ", time, ", expected a finite number");
    if (!(bound > 0 && is_finite(bound)))
      fail<option_error>("generator_operator: bound is ", bound, ", expected a finite number above 0");
    if (!is_finite(time * bound))
      fail<option_error>("generator_operator: time x bound is ", time, " x ", bound, ", expected a finite product");
    for (double size = std::abs(time) * bound; size > 0.5; size /= 2) ++squarings_;
  }

  double time() const { return time_; }
  double bound() const { return bound_; }
  index_t squarings() const { return squarings_; }
  /// The operator of another time with the same weights.
  generator_operator at(double time) const { return generator_operator(latent(), time, bound_, init_); }

  index_t size() const { return latent() * latent(); }

  std::string text() const { return concat("generator_operator ", latent(), ", time ", time_, ", bound ", bound_); }

  void describe(manifest& m, std::string_view prefix) const {
    m.add(join_name(prefix, "generator"), latent(), latent(), latent(), init_);
  }

  template <backend B>
  struct frame {
    view_of<B> a, da, p, q, d, e;
  };

  template <backend B>
  frame<B> plan(arena<B>& memory, index_t /*n*/, pass pass_) const {
    const auto square = [&] { return memory.take(latent(), latent()); };
    frame<B> f;
    f.a = square();
    f.p = square();
    if (pass_ == pass::inference) return f;
    f.da = square();
    f.q = square();
    f.d = square();
    f.e = square();
    return f;
  }

  template <backend B>
  void form(B& b, const_view_of<B> w, frame<B>& f) const {
    using T = value_t<B>;
    const const_view_of<B> l = w.reshaped(latent(), latent());
    constexpr int m = degree<T>;
    // Horner's rule, 1 + X/1 (1 + X/2 (1 + ...)), between two buffers; each step ends in the other one.
    view_of<B> now = f.a, next = f.p;
    if ((m - 1 + squarings_) % 2 != 0) std::swap(now, next);
    ops::map(b, ops::scaled<T>{T(step() / m)}, now, l);
    add_identity(b, now);
    for (int k = m - 1; k > 0; --k, std::swap(now, next)) {
      b.gemm(op::as_is, op::as_is, T(step() / k), l, now, T(0), next);
      add_identity(b, next);
    }
    for (index_t k = 0; k < squarings_; ++k, std::swap(now, next))
      b.gemm(op::as_is, op::as_is, T(1), now, now, T(0), next);
  }

  template <backend B>
  void pull(B& b, const_view_of<B> w, view_of<B> dw, frame<B>& f) const {
    using T = value_t<B>;
    const const_view_of<B> l = w.reshaped(latent(), latent());
    constexpr int m = degree<T>;
    // The polynomial P of X' and its derivative D along da, side by side: D_k = (da P + X' D) / k, P_k = 1 + X' P / k.
    view_of<B> p = f.p, p_next = f.q, d = f.d, d_next = f.e;
    const auto swap = [&] {
      std::swap(p, p_next);
      std::swap(d, d_next);
    };
    const T along = T(step());
    ops::fill(b, T(0), p);
    add_identity(b, p);
    ops::fill(b, T(0), d);
    for (int k = m; k > 0; --k, swap()) {
      b.gemm(op::as_is, op::as_is, T(1) / T(k), f.da, p, T(0), d_next);
      b.gemm(op::transposed, op::as_is, along / T(k), l, d, T(1), d_next);
      b.gemm(op::transposed, op::as_is, along / T(k), l, p, T(0), p_next);
      add_identity(b, p_next);
    }
    for (index_t k = 0; k < squarings_; ++k, swap()) {
      b.gemm(op::as_is, op::as_is, T(1), p, d, T(0), d_next);
      b.gemm(op::as_is, op::as_is, T(1), d, p, T(1), d_next);
      b.gemm(op::as_is, op::as_is, T(1), p, p, T(0), p_next);
    }
    ops::axpy(b, along, const_view_of<B>(d), dw.reshaped(latent(), latent()));
  }

  /// The 1-norm of L, which should not exceed bound().
  double norm(const_view<double> w) const {
    require_size("generator_operator: number of weights", w.size(), size());
    return detail::host::norm1(matrix<double>(w.reshaped(latent(), latent())));
  }

  /// Sets L = log(A) / t, the principal logarithm: the fitted map exactly, where it has one.
  ///
  /// Throws.    shape_error when the fit has another dimension; numeric_error where the fit is not finite or has no
  ///            real principal logarithm; option_error for time 0, and when the 1-norm of L would exceed bound().
  void assign(const affine_map& fit, view<double> w) const {
    check(fit, w);
    detail::host::require_finite_fit(name, fit.a);
    if (time_ == 0) fail<option_error>("generator_operator: time is 0, expected another one to be set from a fit");
    const matrix<double> log = detail::host::logarithm(name, fit.a);
    const matrix<double> l = detail::host::combined(1 / time_, log, 0, log);
    if (const double size = detail::host::norm1(l); !(size <= bound_))
      fail<option_error>("generator_operator: the 1-norm of the fitted generator is ", size, ", expected at most ",
                         bound_, "; construct the operator with a larger bound");
    for (index_t k = 0; k < l.size(); ++k) w.p[k] = l.data()[k];
  }

 private:
  template <class T>
  static constexpr int degree = std::is_same_v<T, float> ? 8 : 13;

  /// X = step L.
  double step() const { return std::ldexp(time_, -int(squarings_)); }

  template <backend B>
  void add_identity(B& b, view_of<B> m) const {
    b.for_each(latent(), detail::add_to_diagonal<value_t<B>, typename B::space>{m, value_t<B>(1)});
  }

  double time_, bound_;
  index_t squarings_ = 0;
  initializer init_;
};

}  // namespace kdm
