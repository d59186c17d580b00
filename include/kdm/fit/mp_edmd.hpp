/// Measure-preserving EDMD: the best operator among those that keep the mean square of every observable.
#pragma once

#include <cmath>
#include <utility>

#include "kdm/fit/edmd.hpp"
#include "kdm/fit/procrustes.hpp"

namespace kdm {

/// EDMD under the constraint that K is an isometry of the features, as it is where the dynamics preserve a measure and
/// the states x are drawn from it.
///
/// Latents are features made orthonormal over the data, with the polar factor of the least-squares operator as k:
/// all eigenvalues have modulus one, however noisy the data, and simulations neither grow nor decay. Eigenvalues of
/// spectral pollution lie on the circle like all others: residuals tell.
/// Shapes.    x and y [m, inputs], weights null or [m, 1]. The option `ridge` does not apply.
/// Cost.      as edmd, and one more singular value decomposition.
/// Throws.    as edmd; option_error for a ridge. Status rank_deficient also where the best isometry is not unique.
/// Source.    Colbrook 2023, "The mpEDMD algorithm for data-driven computations of measure-preserving dynamical
///            systems", SIAM J. Numer. Anal. 61
template <dictionary D>
edmd_model<D> mp_edmd(const edmd_accumulator<D>& data, const edmd_options& options = {}) {
  detail::require_fit_options("mp_edmd", options.ridge, options.dt);
  if (options.ridge > 0)
    fail<option_error>("mp_edmd: ridge is ", options.ridge, ", expected 0: an isometry has no size to shrink");
  const detail::whitened_pairs p = detail::whiten("mp_edmd", data.factor(), options.rank);
  const detail::orthogonal_factor best = detail::nearest_orthogonal(p.along);
  linear_dynamics d = detail::whitened_dynamics(p, best.q, options.dt);
  if (!best.unique && d.status == fit_status::ok) d.status = fit_status::rank_deficient;
  return {data.dictionary(), std::move(d)};
}

template <dictionary D>
edmd_model<D> mp_edmd(D d, const_view<double> x, const_view<double> y, const edmd_options& options = {},
                      const_view<double> weights = {}) {
  edmd_accumulator<D> data(std::move(d));
  data.append(x, y, weights);
  return kdm::mp_edmd(data, options);
}

}  // namespace kdm
