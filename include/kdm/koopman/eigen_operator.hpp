/// The eigenvalue operator: eigenvalues as weights, in orthogonal coordinates that are learned.
#pragma once

#include <cmath>

#include "kdm/koopman/damping.hpp"
#include "kdm/koopman/formed_operator.hpp"
#include "kdm/koopman/real_schur.hpp"
#include "kdm/koopman/reflections.hpp"

namespace kdm {

namespace detail {

/// Where an eigen_operator keeps what: latent^2 numbers in all.
struct schur_layout {
  index_t latent, pairs;

  KDM_HD index_t reals() const { return latent - 2 * pairs; }
  KDM_HD index_t triangle() const { return latent * (latent - 1) / 2; }
  KDM_HD index_t nu(index_t pair) const { return pair; }
  KDM_HD index_t theta(index_t pair) const { return pairs + pair; }
  KDM_HD index_t rho(index_t k) const { return 2 * pairs + k; }
  /// Element (i, j), i < j, of the triangle above the diagonal: row after row.
  KDM_HD index_t upper(index_t i, index_t j) const { return latent + i * latent - i * (i + 1) / 2 + j - i - 1; }
  /// Entry j of the vector of reflection i, i < j; entry i is 1, and those before are 0.
  KDM_HD index_t reflection(index_t i, index_t j) const { return triangle() + upper(i, j); }
  /// Whether columns i and i + 1 belong to one pair, i being the first.
  KDM_HD bool starts_pair(index_t i) const { return i < 2 * pairs && i % 2 == 0; }
};

/// T from the weights.
template <class T, class Space>
struct form_schur {
  schur_layout at;
  const T* w;
  view<T, Space> t;
  KDM_HD void operator()(index_t i, index_t j) const { t.p[i * t.ld + j] = element(i, j); }
  KDM_HD T element(index_t i, index_t j) const {
    if (i == j && i >= 2 * at.pairs) return squashed{}(w[at.rho(i - 2 * at.pairs)]);
    const T nu = i < 2 * at.pairs ? w[at.nu(i / 2)] : T(0), theta = i < 2 * at.pairs ? w[at.theta(i / 2)] : T(0);
    if (i == j) return damped_real{}(nu, theta);
    if (at.starts_pair(i) && j == i + 1) return -damped_imaginary{}(nu, theta) * math::exp(w[at.upper(i, j)]);
    if (at.starts_pair(j) && i == j + 1) return damped_imaginary{}(nu, theta) * math::exp(-w[at.upper(j, i)]);
    return j > i ? w[at.upper(i, j)] : T(0);
  }
};

/// dw += the gradient of T: each element that holds a weight takes care of it, the first of a block of the whole block.
template <class T, class Space>
struct pull_schur {
  schur_layout at;
  const T* w;
  view<const T, Space> t, dt;
  T* dw;
  KDM_HD void operator()(index_t i, index_t j) const {
    if (at.starts_pair(i) && j == i) pull_block(i);
    else if (i == j && i >= 2 * at.pairs) {
      T& d = dw[at.rho(i - 2 * at.pairs)];
      d = pull_rho{}(d, t.p[i * t.ld + i], dt.p[i * dt.ld + i]);
    } else if (j > i && !(at.starts_pair(i) && j == i + 1)) {
      dw[at.upper(i, j)] += dt.p[i * dt.ld + j];
    }
  }
  KDM_HD void pull_block(index_t i) const {
    const T* const x = t.p + i * t.ld + i;
    const T* const d = dt.p + i * dt.ld + i;
    const T nu = w[at.nu(i / 2)], theta = w[at.theta(i / 2)], skew = math::exp(w[at.upper(i, i + 1)]);
    const T a = x[0], b = damped_imaginary{}(nu, theta);
    const T da = d[0] + d[dt.ld + 1], db = d[dt.ld] / skew - d[1] * skew;
    T& dnu = dw[at.nu(i / 2)];
    T& dtheta = dw[at.theta(i / 2)];
    dnu = pull_nu{}(dnu, nu, a, b, da, db);
    dtheta = pull_theta{}(dtheta, a, b, da, db);
    dw[at.upper(i, i + 1)] += d[1] * x[1] - d[dt.ld] * x[t.ld];
  }
};

/// The vectors of the reflections from the weights, and back.
template <class T, class Space>
struct form_reflections {
  schur_layout at;
  const T* w;
  view<T, Space> v;
  KDM_HD void operator()(index_t i, index_t j) const {
    v.p[i * v.ld + j] = j > i ? w[at.reflection(i, j)] : (j == i ? T(1) : T(0));
  }
};
template <class T, class Space>
struct pull_reflections {
  schur_layout at;
  view<const T, Space> dv;
  T* dw;
  KDM_HD void operator()(index_t i, index_t j) const {
    if (j > i) dw[at.reflection(i, j)] += dv.p[i * dv.ld + j];
  }
};

}  // namespace detail

/// z' = z A' with A = U T U': T holds the eigenvalues, U is orthogonal, both are learned.
///
/// The eigenvalues are weights, lambda = exp(-exp(nu) +- i theta) for each pair and tanh(rho) for each real one, so A
/// is stable at every step and its spectrum is read off, not computed. T is the real Schur form: a block
/// [a, -b e^s; b e^-s, a] for each pair, free numbers above. This is V Lambda V^-1 without V: eigenvectors follow from
/// T by substitution, and no matrix is inverted, nor tied to an inverse by a penalty. The coordinates stay perfectly
/// conditioned where V would be singular (at defective matrices, which A can be). Every real matrix inside the unit
/// disc with that many real eigenvalues is reached, with latent^2 weights, as many as a dense operator; the published
/// form, two free complex matrices, takes 4 latent^2 + 2 latent.
/// Shapes.    z [n, latent]. Weights: "nu", "theta" [pairs], "rho" [reals], "upper" (T above the diagonal, row after
///            row; s within a pair's block) and "reflections" (what makes U), both [latent (latent - 1) / 2].
/// Cost.      2 n latent^2 flops, and 10 latent^3 to form A; backward 4 n latent^2 and 18 latent^3.
/// Gradient.  exact; d lambda = lambda (-exp(nu) dnu + i dtheta).
/// Throws.    shape_error for latent below 1; option_error where latent - reals is negative or odd.
/// Source.    Golub, Van Loan 2013, "Matrix computations", section 7.4 (real Schur form); Orvieto et al. 2023,
///            "Resurrecting recurrent neural networks for long sequences", ICML (nu and theta)
class eigen_operator : public detail::formed_operator<eigen_operator> {
 public:
  static constexpr const char* name = "eigen_operator";

  /// One real eigenvalue where latent is odd, otherwise none.
  explicit eigen_operator(index_t latent) : eigen_operator(latent, latent % 2) {}

  eigen_operator(index_t latent, index_t reals) : formed_operator(latent), at_{latent, (latent - reals) / 2} {
    if (reals < 0 || reals > latent || (latent - reals) % 2 != 0)
      fail<option_error>("eigen_operator: reals is ", reals, ", expected 0 to ", latent,
                         " with an even number left for pairs");
  }

  index_t size() const { return latent() * latent(); }
  index_t pairs() const { return at_.pairs; }
  index_t reals() const { return at_.reals(); }

  std::string text() const {
    return concat("eigen_operator ", latent(), ", ", reals(), " real eigenvalues");
  }

  void describe(manifest& m, std::string_view prefix) const {
    const auto row = [&](const char* what, index_t cols, index_t fan_in) {
      if (cols > 0) m.add(join_name(prefix, what), 1, cols, fan_in, initializer::pytorch);
    };
    row("nu", pairs(), 1);
    row("theta", pairs(), 1);
    row("rho", reals(), 1);
    row("upper", at_.triangle(), latent());
    row("reflections", at_.triangle(), latent());
  }

  template <backend B>
  struct frame {
    view_of<B> a, da, t, v, ut, da_u, dt, du;
    detail::reflection_product<B> u;
  };

  template <backend B>
  frame<B> plan(arena<B>& memory, index_t /*n*/, pass p) const {
    const bool training = p == pass::training;
    const auto square = [&] { return memory.take(latent(), latent()); };
    frame<B> f;
    f.u = detail::reflection_product<B>::plan(memory, latent(), latent(), training);
    f.a = square();
    f.t = square();
    f.v = square();
    f.ut = square();
    if (!training) return f;
    f.da = square();
    f.da_u = square();
    f.dt = square();
    f.du = square();
    return f;
  }

  template <backend B>
  void form(B& b, const_view_of<B> w, frame<B>& f) const {
    using T = value_t<B>;
    using S = typename B::space;
    ops::for_each_cell(b, latent(), latent(), detail::form_schur<T, S>{at_, w.p, f.t});
    ops::for_each_cell(b, latent(), latent(), detail::form_reflections<T, S>{at_, w.p, f.v});
    f.u.form(b, f.v);
    b.gemm(op::as_is, op::as_is, T(1), f.u.q, f.t, T(0), f.ut);
    b.gemm(op::as_is, op::transposed, T(1), f.ut, f.u.q, T(0), f.a);
  }

  template <backend B>
  void pull(B& b, const_view_of<B> w, view_of<B> dw, frame<B>& f) const {
    using T = value_t<B>;
    using S = typename B::space;
    // dU = dA U T' + dA' U T, dT = U' dA U.
    b.gemm(op::transposed, op::as_is, T(1), f.da, f.ut, T(0), f.du);
    b.gemm(op::as_is, op::as_is, T(1), f.da, f.u.q, T(0), f.da_u);
    b.gemm(op::as_is, op::transposed, T(1), f.da_u, f.t, T(1), f.du);
    b.gemm(op::transposed, op::as_is, T(1), f.u.q, f.da_u, T(0), f.dt);
    ops::for_each_cell(b, latent(), latent(), detail::pull_schur<T, S>{at_, w.p, f.t, f.dt, dw.p});
    const view_of<B> dv = f.dt;
    ops::fill(b, T(0), dv);
    f.u.pull(b, f.v, f.du, dv);
    ops::for_each_cell(b, latent(), latent(), detail::pull_reflections<T, S>{at_, dv, dw.p});
  }

  /// Sets the fit exactly where its eigenvalues lie inside the unit disc and `reals` of them are real.
  ///
  /// Otherwise to the matrix with the same Schur vectors whose blocks are the nearest possible: moduli of 1 and more
  /// come down to 1 - 1e-6; of pairs too many the imaginary parts are dropped; of real eigenvalues too many two and two
  /// become their mean.
  /// Cost.      some 30 latent^3 flops on the host.
  /// Throws.    shape_error when the fit has another dimension, numeric_error when it is not finite.
  void assign(const affine_map& fit, view<double> w) const {
    check(fit, w);
    detail::host::require_finite_fit(name, fit.a);
    detail::host::real_schur f = detail::host::real_schur_of(name, fit.a);
    set_reflections(f, w);
    for (index_t i = 0; i < latent(); ++i)
      for (index_t j = i + 1; j < latent(); ++j) w.p[at_.upper(i, j)] = f.t(i, j);
    for (index_t k = 0; k < pairs(); ++k) {
      const index_t i = 2 * k, j = i + 1;
      const bool complex = k < f.pairs;
      const double size = complex ? std::sqrt(-f.t(i, j) * f.t(j, i)) : 0;
      const auto weights = detail::damped_from((f.t(i, i) + f.t(j, j)) / 2, std::copysign(size, f.t(j, i)));
      w.p[at_.nu(k)] = weights.nu;
      w.p[at_.theta(k)] = weights.theta;
      w.p[at_.upper(i, j)] = complex ? 0.5 * std::log(-f.t(i, j) / f.t(j, i)) : 0;
    }
    for (index_t k = 0; k < reals(); ++k)
      w.p[at_.rho(k)] = detail::squashed_from(f.t(2 * pairs() + k, 2 * pairs() + k));
  }

 private:
  /// Writes u as reflections. They give u up to the signs of its columns, which t takes over.
  void set_reflections(detail::host::real_schur& f, view<double> w) const {
    const index_t n = latent();
    matrix<double>& q = f.u;
    for (index_t k = 0; k < n; ++k) {
      double square = 0;
      for (index_t i = k; i < n; ++i) square += q(i, k) * q(i, k);
      const double head = q(k, k) + std::copysign(std::sqrt(square), q(k, k));
      double norm = 1;
      for (index_t i = k + 1; i < n; ++i) {
        const double entry = q(i, k) / head;
        w.p[at_.reflection(k, i)] = entry;
        norm += entry * entry;
      }
      for (index_t j = k; j < n; ++j) {
        double along = q(k, j);
        for (index_t i = k + 1; i < n; ++i) along += w.p[at_.reflection(k, i)] * q(i, j);
        q(k, j) -= 2 / norm * along;
        for (index_t i = k + 1; i < n; ++i) q(i, j) -= 2 / norm * along * w.p[at_.reflection(k, i)];
      }
    }
    for (index_t i = 0; i < n; ++i)
      for (index_t j = 0; j < n; ++j) f.t(i, j) *= std::copysign(1., q(i, i)) * std::copysign(1., q(j, j));
  }

  detail::schur_layout at_;
};

}  // namespace kdm
