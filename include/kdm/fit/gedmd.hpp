/// Generator EDMD: the rate of change of features from a vector field, with no time step and no integration.
#pragma once

#include <algorithm>
#include <complex>
#include <numeric>
#include <utility>
#include <vector>

#include "kdm/fit/edmd.hpp"
#include "kdm/fit/exponential.hpp"

namespace kdm {

struct gedmd_options {
  rank_rule rank = rank_rule::tolerance();
  double ridge = 0;  ///< as in edmd_options
  double dt = 1;     ///< time of one step of the dynamics that come with the generator
};

/// A dictionary with the generator of its latents, d(psi encode)/dt = psi encode generator, and its dynamics over dt.
///
/// dynamics.k = exp(dt generator), its eigenvalues are exp(dt exponent), but its residuals are those of the generator,
/// |d phi/dt - omega phi| / |phi|, in units of 1 / time. evaluate(x, t) takes any t; nothing is aliased.
template <class D>
struct generator_model : edmd_model<D> {
  matrix<double> generator;                     ///< [r, r]
  std::vector<std::complex<double>> exponents;  ///< omega, largest real part first, in the order of the eigenvalues

  /// psi(x) encode exp(t generator) decode: states [m, n].
  matrix<double> evaluate(state_rows x, double t) const {
    const Eigen::MatrixXd z = detail::to_eigen(this->features(x)) * detail::to_eigen(this->dynamics.encode);
    const Eigen::MatrixXd flow = detail::exponential(detail::to_eigen(generator) * t);
    return detail::from_eigen((z * flow * detail::to_eigen(this->dynamics.decode)).eval());
  }
};

/// Fits L psi = psi(x) L by least squares, L psi = grad psi f + 1/2 sum_k s_k' (grad grad psi) s_k.
///
/// The generator of dx = f dt + sum_k s_k dW_k on the dictionary, from samples of f, and of s_k, at points x. Its
/// eigenvalues are rates. Derivatives are the dictionary's own, exact ones.
/// Shapes.    x and f [m, inputs]; diffusion null or [m, noises * inputs], row i holding s_1(x_i), s_2(x_i), ... one
///            after the other; weights null or [m, 1].
/// Cost.      derivatives at every point, once for f and once for each s_k; then as edmd.
/// Throws.    as edmd.
/// Source.    Klus, Nueske, Peitz, Niemann, Clementi, Schuette 2020, "Data-driven approximation of the Koopman
///            generator", Physica D 406
template <differentiable_dictionary D>
generator_model<D> gedmd(D d, const_view<double> x, const_view<double> f, const_view<double> diffusion = {},
                         const gedmd_options& options = {}, const_view<double> weights = {}) {
  const index_t n = d.inputs(), features = d.features(), noises = diffusion ? diffusion.cols / n : 0;
  detail::require_fit_options("gedmd", options.ridge, options.dt);
  require_size("gedmd: columns of x", x.cols, n);
  require_size("gedmd: columns of f", f.cols, n);
  require_size("gedmd: rows of f", f.rows, x.rows);
  if (diffusion) {
    require_size("gedmd: rows of the diffusion", diffusion.rows, x.rows);
    if (diffusion.cols < 1 || diffusion.cols % n != 0)
      fail<shape_error>("gedmd: columns of the diffusion is ", diffusion.cols, ", expected a multiple of ", n);
    detail::require_finite("gedmd", "the diffusion", diffusion);
  }
  if (weights) require_size("gedmd: rows of the weights", weights.rows, x.rows);
  detail::require_finite("gedmd", "x", x);
  detail::require_finite("gedmd", "f", f);

  snapshot_qr data(features, features + n);
  const index_t portion = std::min(detail::dictionary_portion, x.rows);
  matrix<double> a(portion, features), b(portion, features + n), first(portion, features), second(portion, features);
  for (index_t at = 0; at < x.rows; at += portion) {
    const index_t m = std::min(portion, x.rows - at);
    const const_view<double> here = x.row_range(at, m);
    const view<double> psi = a.view().row_range(0, m), rest = b.view().row_range(0, m);
    const view<double> rate = rest.col_range(0, features);
    d.evaluate(here, psi);
    d.derivatives(here, f.row_range(at, m), rate, view<double>{});
    for (index_t k = 0; k < noises; ++k) {
      const view<double> curve = second.view().row_range(0, m);
      d.derivatives(here, diffusion.row_range(at, m).col_range(k * n, n), first.view().row_range(0, m), curve);
      for (index_t i = 0; i < m; ++i)
        for (index_t j = 0; j < features; ++j) rate(i, j) += curve(i, j) / 2;
    }
    detail::require_finite("gedmd", "psi(x)", psi, at);
    detail::require_finite("gedmd", "the rate of psi", rate, at);
    for (index_t i = 0; i < m; ++i)
      for (index_t j = 0; j < n; ++j) rest(i, features + j) = here(i, j);
    data.append(const_view<double>(psi), const_view<double>(rest), weights ? weights.row_range(at, m) : weights);
  }

  const detail::whitened_pairs p = detail::whiten("gedmd", data, options.rank);
  const Eigen::MatrixXd k = p.shrinkage(options.ridge).asDiagonal() * p.along;
  linear_dynamics rates = detail::whitened_dynamics(p, k, options.dt);
  if (p.latent() == p.features()) detail::use_features_as_latents(rates, p, k);

  // By falling real part, not modulus: the slowest comes first. Conjugate pairs are equal there and stay together.
  generator_model<D> model{{std::move(d), rates}, rates.k, {}};
  linear_dynamics& s = model.dynamics;
  std::vector<index_t> order(rates.eigenvalues.size());
  std::iota(order.begin(), order.end(), index_t(0));
  std::stable_sort(order.begin(), order.end(), [&](index_t i, index_t j) {
    return rates.eigenvalues[std::size_t(i)].real() > rates.eigenvalues[std::size_t(j)].real();
  });
  for (index_t to = 0; to < index_t(order.size()); ++to) {
    const index_t from = order[std::size_t(to)];
    const std::complex<double> omega = rates.eigenvalues[std::size_t(from)];
    model.exponents.push_back(omega);
    s.eigenvalues[std::size_t(to)] = std::exp(omega * options.dt);
    s.residuals[std::size_t(to)] = rates.residuals[std::size_t(from)];
    for (index_t i = 0; i < s.latent(); ++i) s.eigenvectors(i, to) = rates.eigenvectors(i, from);
    for (index_t j = 0; j < s.states(); ++j) s.modes(to, j) = rates.modes(from, j);
  }
  s.k = detail::from_eigen(detail::exponential(detail::to_eigen(model.generator) * options.dt));
  return model;
}

}  // namespace kdm
