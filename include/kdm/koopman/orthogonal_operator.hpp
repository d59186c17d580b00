/// The orthogonal operator: a product of Householder reflections, orthogonal whatever its weights are.
#pragma once

#include <cmath>
#include <vector>

#include "kdm/koopman/formed_operator.hpp"
#include "kdm/koopman/host_algebra.hpp"
#include "kdm/koopman/reflections.hpp"

namespace kdm {

namespace detail {

/// Vectors of reflections with q = H_1 H_2 ... H_m, m at most n; q must be orthogonal.
///
/// Column after column is turned into an axis. Where it is one already no reflection is spent.
inline std::vector<std::vector<double>> reflections_of(matrix<double> q) {
  const index_t n = q.rows();
  std::vector<std::vector<double>> vectors;
  for (index_t k = 0; k < n; ++k) {
    double rest = 0;
    for (index_t i = k + 1; i < n; ++i) rest += q(i, k) * q(i, k);
    if (rest < 1e-30 && q(k, k) > 0) continue;
    std::vector<double> v(std::size_t(n), 0.);
    for (index_t i = k + 1; i < n; ++i) v[std::size_t(i)] = q(i, k);
    // q_kk - 1, without the cancellation for columns near the axis.
    v[std::size_t(k)] = q(k, k) > 0 ? -rest / (std::hypot(q(k, k), std::sqrt(rest)) + q(k, k)) : q(k, k) - 1;
    double square = 0;
    for (const double x : v) square += x * x;
    for (index_t j = k; j < n; ++j) {
      double along = 0;
      for (index_t i = k; i < n; ++i) along += v[std::size_t(i)] * q(i, j);
      for (index_t i = k; i < n; ++i) q(i, j) -= 2 / square * along * v[std::size_t(i)];
    }
    for (double& x : v) x /= std::sqrt(square);
    vectors.push_back(std::move(v));
  }
  return vectors;
}

}  // namespace detail

/// z' = z A' with A orthogonal at every step of training: a product of reflections, one for each row of the weights.
///
/// Reflections have determinant -1, so their number fixes the sign of det A, and training cannot change it: +1 by
/// default (rotations), with latent reflections or one fewer, which reach every such matrix.
/// Shapes.    z [n, latent]. Weights: "reflections" [reflections, latent], of which only the directions matter.
/// Cost.      2 n latent^2 flops, and 6 latent^3 to form A; backward 4 n latent^2 and 10 latent^3.
/// Gradient.  exact; orthogonal to every row of the weights, so a step never shortens one.
/// Throws.    shape_error for latent below 1, option_error for a determinant other than +-1.
/// Source.    Mhammedi, Hellicar, Rahman, Bailey 2017, "Efficient orthogonal parametrisation of recurrent neural
///            networks using Householder reflections", ICML
class orthogonal_operator : public detail::formed_operator<orthogonal_operator> {
 public:
  static constexpr const char* name = "orthogonal_operator";

  explicit orthogonal_operator(index_t latent, int determinant = 1)
      : formed_operator(latent), reflections_((latent % 2 == 0) == (determinant == 1) ? latent : latent - 1) {
    if (determinant != 1 && determinant != -1)
      fail<option_error>("orthogonal_operator: determinant is ", determinant, ", expected 1 or -1");
    if (reflections_ == 0) reflections_ = 2;
  }

  index_t reflections() const { return reflections_; }
  int determinant() const { return reflections_ % 2 == 0 ? 1 : -1; }
  index_t size() const { return reflections_ * latent(); }

  std::string text() const { return concat("orthogonal_operator ", latent(), ", determinant ", determinant()); }

  void describe(manifest& m, std::string_view prefix) const {
    m.add(join_name(prefix, "reflections"), reflections_, latent(), latent(), initializer::pytorch);
  }

  template <backend B>
  struct frame {
    view_of<B> a, da;
    detail::reflection_product<B> product;
  };

  template <backend B>
  frame<B> plan(arena<B>& memory, index_t /*n*/, pass p) const {
    const bool training = p == pass::training;
    frame<B> f;
    f.product = detail::reflection_product<B>::plan(memory, reflections_, latent(), training);
    f.a = f.product.q;
    if (training) f.da = memory.take(latent(), latent());
    return f;
  }

  template <backend B>
  void form(B& b, const_view_of<B> w, frame<B>& f) const {
    f.product.form(b, w.reshaped(reflections_, latent()));
  }

  template <backend B>
  void pull(B& b, const_view_of<B> w, view_of<B> dw, frame<B>& f) const {
    f.product.pull(b, w.reshaped(reflections_, latent()), f.da, dw.reshaped(reflections_, latent()));
  }

  /// Sets the orthogonal matrix nearest to the fit, of the operator's determinant: the polar factor u v' of
  /// u s v', with the direction of the least singular value turned round where the sign asks for it.
  ///
  /// Throws.    shape_error when the fit has another dimension, numeric_error when it is not finite.
  /// Source.    Schoenemann 1966, "A generalized solution of the orthogonal Procrustes problem", Psychometrika 31
  void assign(const affine_map& fit, view<double> w) const {
    check(fit, w);
    detail::host::require_finite_fit(name, fit.a);
    detail::host::singular_values f = detail::host::decompose(fit.a);
    const auto reflections = [&f] {
      return detail::reflections_of(detail::host::times(detail::host::transposed(f.u), f.v));
    };
    std::vector<std::vector<double>> v = reflections();
    if ((index_t(v.size()) - reflections_) % 2 != 0) {
      for (index_t j = 0; j < latent(); ++j) f.u(latent() - 1, j) *= -1;
      v = reflections();
    }
    // The same reflection twice is none.
    for (index_t k = 0; k < reflections_; ++k)
      for (index_t j = 0; j < latent(); ++j)
        w.p[k * latent() + j] = k < index_t(v.size()) ? v[std::size_t(k)][std::size_t(j)]
                                                      : double(j == (k - index_t(v.size())) / 2 % latent());
  }

 private:
  index_t reflections_;
};

}  // namespace kdm
