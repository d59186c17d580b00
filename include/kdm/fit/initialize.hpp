/// The bridge from fits to models: sets a model's Koopman operator to the best one for its encoders.
#pragma once

#include <algorithm>
#include <string>
#include <type_traits>
#include <utility>

#include "kdm/core/brief.hpp"
#include "kdm/core/print.hpp"
#include "kdm/fit/least_squares.hpp"
#include "kdm/koopman/model.hpp"
#include "kdm/nn/runner.hpp"

namespace kdm {

struct operator_fit_options {
  double ridge = 1e-6;       ///< relative to the spread of each latent dimension
  double latent_noise = 0;   ///< that of the objective, whose latent term the fit then minimises in expectation
  index_t max_pairs = 0;     ///< use every k-th pair so that there are no more; 0 uses all
  index_t slice = 256;       ///< rows a lane encodes at a time
};

/// What a fit of the operator found.
struct operator_fit_report {
  index_t pairs = 0;           ///< pairs used
  double residual_before = 0;  ///< |z_T A' + c - z_0| / |z_0| of the operator that stood there
  double residual = 0;         ///< the same of the operator as it is now
  index_t rank = 0;            ///< of the latents [1, z_T], or z_T without bias
  double condition = 1;
  fit_status status = fit_status::ok;

  /// "operator of rank 33 fitted to 5000 pairs, ok: residual 0.93 -> 0.021, condition 1.2e+03".
  std::string text() const {
    return concat("operator of rank ", rank, " fitted to ", pairs, " pairs, ", name_of(status), ": residual ",
                  brief(residual_before, 2), " -> ", brief(residual, 2), ", condition ", brief(condition, 2));
  }
};

namespace detail {

/// The operator as the matrix of a fit of [1, z_T | z_0], or of [z_T | z_0].
template <class = void>
matrix<double> rows_of(const affine_map& map, bool bias) {
  const index_t first = bias ? 1 : 0, latent = map.a.rows();
  matrix<double> k(first + latent, latent);
  for (index_t j = 0; j < latent; ++j) {
    if (bias) k(0, j) = map.c.data()[j];
    for (index_t i = 0; i < latent; ++i) k(first + i, j) = map.a(j, i);
  }
  return k;
}

template <class = void>
affine_map map_of_rows(const matrix<double>& k, bool bias) {
  const index_t first = bias ? 1 : 0, latent = k.cols();
  affine_map map{matrix<double>(latent, latent), matrix<double>(1, latent)};
  for (index_t j = 0; j < latent; ++j) {
    if (bias) map.c(0, j) = k(0, j);
    for (index_t i = 0; i < latent; ++i) map.a(j, i) = k(first + i, j);
  }
  return map;
}

/// Encodes pairs portion by portion into the triangle of [1, z_T | z_0].
template <backend B, executor E, class Model>
snapshot_qr encode_pairs(const Model& model, const_view<value_t<B>> w, const_view<value_t<B>> xT,
                         const_view<value_t<B>> x0, index_t slice, B b, const E& e) {
  using T = value_t<B>;
  const index_t first = model.koopman.takes_bias() ? 1 : 0, latent = model.latent();
  runner encode_noise(model.encoder_noise, model.noise_weights(w), b, e, slice);
  runner encode_data(model.encoder_data, model.data_weights(w), b, e, slice);
  const index_t slices = std::max<index_t>(8, detail::count_lanes_of<B>("initialize_operator", e));
  const index_t portion = slice > x0.rows / slices ? x0.rows : slice * slices;
  matrix<T> z(portion, first + latent), z0(portion, latent);
  for (index_t i = 0; i < first * portion; ++i) z(i, 0) = T(1);
  snapshot_qr data(first + latent, latent);
  for (index_t at = 0; at < x0.rows; at += portion) {
    const index_t n = std::min(portion, x0.rows - at);
    encode_noise(xT.row_range(at, n), z.view().row_range(0, n).col_range(first, latent));
    encode_data(x0.row_range(at, n), z0.view().row_range(0, n));
    data.append(const_view<T>(z.view().row_range(0, n)), const_view<T>(z0.view().row_range(0, n)));
  }
  return data;
}

}  // namespace detail

/// Fits the model's operator to z_0 = z_T A' + c by least squares over pairs, the encoders as they are.
///
/// This is extended dynamic mode decomposition with the encoders as dictionaries. It may be called at any time: before
/// training, in place of it, or again and again during it. On an error the weights are as before.
/// Shapes.    w [1, model.size()] on the host, of which the operator's part is rewritten; xT [n, noise], x0 [n, data].
/// Cost.      one pass of the encoders, then 8 latent^2 flops a pair and O(latent^3) once.
/// Throws.    shape_error, option_error; numeric_error naming the pair used whose latent is not finite.
/// Source.    Williams, Kevrekidis, Rowley 2015, "A data-driven approximation of the Koopman operator", J. Nonlinear
///            Sci. 25
/// Example.   docs/fitting.md
template <class Model, class T, backend B = eigen_backend<T>, executor E = serial>
  requires distillable<Model, B>
operator_fit_report initialize_operator(const Model& model, view<T> w, std::type_identity_t<const_view<T>> xT,
                                        std::type_identity_t<const_view<T>> x0,
                                        const operator_fit_options& options = {}, B b = {}, E e = {}) {
  require_size("initialize_operator: number of weights", w.size(), model.size());
  require_size("initialize_operator: columns of xT", xT.cols, model.noise_dimension());
  require_size("initialize_operator: columns of x0", x0.cols, model.data_dimension());
  require_size("initialize_operator: rows of xT", xT.rows, x0.rows);
  if (x0.rows < 1) fail<shape_error>("initialize_operator: no pairs, expected at least 1");
  if (options.max_pairs < 0 || options.slice < 1)
    fail<option_error>("initialize_operator: max_pairs is ", options.max_pairs, " and slice ", options.slice,
                       ", expected at least 0 and 1");
  const index_t step = options.max_pairs > 0 ? (x0.rows + options.max_pairs - 1) / options.max_pairs : 1;
  const auto every = [step](const_view<T> x) {
    return const_view<T>(x.p, (x.rows + step - 1) / step, x.cols, x.ld * step);
  };
  const bool bias = model.koopman.takes_bias();
  const snapshot_qr data = detail::encode_pairs(model, const_view<T>(w), every(xT), every(x0), options.slice, b, e);
  const least_squares_result fit = least_squares(data, {options.ridge, options.latent_noise, bias});

  // The operator may be unable to be any matrix: what counts is what it reads back.
  const view<T> place = model.operator_weights(w);
  const snapshot_blocks blocks = data.blocks();
  const double size = data_norm(blocks);
  const auto residual = [&](const matrix<double>& weights) {
    const double norm = residual_norm(blocks, detail::rows_of(model.koopman.affine(weights.view()), bias));
    return size > 0 ? norm / size : norm;
  };
  matrix<double> weights{const_view<T>(place)};
  operator_fit_report report{data.rows(), residual(weights), 0, fit.rank, fit.condition, fit.status};
  model.koopman.assign(detail::map_of_rows(fit.k, bias), weights.view());
  report.residual = residual(weights);
  for (index_t k = 0; k < place.cols; ++k) place.p[k] = T(weights.data()[k]);
  return report;
}

/// A training callback that fits the operator anew every so many steps, not after the last.
///
/// Between two fits the operator learns along with everything else; the moving average takes over every fit.
/// It depends on step and weights alone, so a resumed run goes on bit for bit if the callback comes before
/// checkpoint_every in trainer.run.
/// Shapes.    xT [n, noise], x0 [n, data]: host views that outlive the callback.
/// Cost.      one initialize_operator each time.
/// Throws.    option_error unless every >= 1.
/// Example.   docs/fitting.md
template <class T, backend B = eigen_backend<T>, executor E = serial>
class refit_every {
 public:
  refit_every(index_t every, const_view<T> xT, const_view<T> x0, operator_fit_options options = {}, B b = {}, E e = {})
      : every_(every), xT_(xT), x0_(x0), options_(options), backend_(b), executor_(std::move(e)) {
    if (every < 1) fail<option_error>("refit_every: every ", every, " steps, expected at least 1");
    require_size("refit_every: rows of xT", xT.rows, x0.rows);
  }

  template <class Trainer, class Report>
  void operator()(Trainer& t, const Report& r) {
    if (r.step % every_ != 0 || r.step == r.steps) return;
    t.change_weights([&](view<T> w) {
      report_ = kdm::initialize_operator(t.model(), w, xT_, x0_, options_, backend_, executor_);
    });
  }

  /// The last fit; no pairs before the first.
  const operator_fit_report& report() const { return report_; }

 private:
  index_t every_;
  const_view<T> xT_, x0_;
  operator_fit_options options_;
  B backend_;
  E executor_;
  operator_fit_report report_;
};

}  // namespace kdm
