/// Value and gradient of the whole objective on one slice of a batch.
#pragma once

#include <algorithm>
#include <utility>

#include "kdm/koopman/model.hpp"
#include "kdm/koopman/objective.hpp"
#include "kdm/math/noise.hpp"

namespace kdm {

/// Memory of a distillation pass over n rows at a time.
template <backend B, class Model>
struct distillation_frame {
  typename decltype(Model::encoder_noise)::template frame<B> encoder_noise;
  typename decltype(Model::encoder_data)::template frame<B> encoder_data;
  typename decltype(Model::koopman)::template frame<B> koopman;
  typename decltype(Model::decoder)::template frame<B> decode_rec, decode_push;
  view_of<B> z0, zT, z0_noisy, zT_noisy, z0_push, x0_rec, x0_push;
  adjoint<B> d;
  view_of<B> scratch;
};

/// Where a slice stands in its batch, and which random numbers it sees.
struct slice_position {
  std::uint64_t seed = 0;  ///< of the run
  std::uint32_t step = 0;  ///< of the run
  index_t first_row = 0;   ///< of the slice, inside the batch
  index_t batch = 0;       ///< rows of the whole batch
};

/// The training problem: a model and an objective, as one function of the flat weights.
///
/// z0 = E_0(x0), zT = E_T(xT), z0_push = C(zT + s eps'), x0_rec = D(z0 + s eps), x0_push = D(z0_push); a decoding
/// that no term reads is not computed. eps' and eps are the rows first_row .. of the streams latent_noise_pushed and
/// latent_noise_data at this step, so a batch has the same noise however it is sliced.
/// Source.    arXiv 2505.13358
template <class Model, class Objective>
class distillation {
 public:
  distillation(Model model, Objective objective) : model_(std::move(model)), objective_(std::move(objective)) {}

  const Model& model() const { return model_; }
  const Objective& objective() const { return objective_; }

  template <backend B>
    requires distillable<Model, B>
  distillation_frame<B, Model> plan(arena<B>& a, index_t n) const {
    const index_t latent = model_.latent(), data = model_.data_dimension(), noise = model_.noise_dimension();
    const bool noisy = objective_.latent_noise() > 0;
    const auto when = [&](bool wanted, index_t cols) { return wanted ? a.take(n, cols) : view_of<B>{}; };
    distillation_frame<B, Model> f;
    f.encoder_noise = model_.encoder_noise.plan(a, n, pass::training);
    f.encoder_data = model_.encoder_data.plan(a, n, pass::training);
    f.koopman = model_.koopman.plan(a, n, pass::training);
    if (Objective::reads_reconstruction) f.decode_rec = model_.decoder.plan(a, n, pass::training);
    if (Objective::reads_prediction) f.decode_push = model_.decoder.plan(a, n, pass::training);
    f.z0 = a.take(n, latent);
    f.zT = a.take(n, latent);
    f.z0_push = a.take(n, latent);
    f.z0_noisy = noisy && Objective::reads_reconstruction ? a.take(n, latent) : f.z0;
    f.zT_noisy = noisy ? a.take(n, latent) : f.zT;
    f.x0_rec = when(Objective::reads_reconstruction, data);
    f.x0_push = when(Objective::reads_prediction, data);
    f.d = {a.take(n, latent), a.take(n, latent), a.take(n, latent), when(Objective::reads_reconstruction, data),
           when(Objective::reads_prediction, data)};
    f.scratch = a.take(1, std::max({latent, data, noise}));
    return f;
  }

  /// values += unweighted terms of this slice; dw += gradient of the weighted sum, or with `afresh` dw = that.
  ///
  /// Shapes.    w, dw [1, model.size()]; xT [n, noise], x0 [n, data]; values [1, terms].
  /// Cost.      forward and backward passes of the encoders, the operator and one decoder per decoding.
  template <backend B>
  void value_and_gradient(B& b, const_view_of<B> w, view_of<B> dw, const_view_of<B> xT, const_view_of<B> x0,
                          const slice_position& at, view_of<B> values, distillation_frame<B, Model>& whole,
                          bool afresh = false) const {
    using T = value_t<B>;
    const index_t n = x0.rows;
    const auto rows = [n](view_of<B> v) { return v ? v.row_range(0, n) : v; };
    const auto ro = [](view_of<B> v) { return const_view_of<B>(v); };
    const view_of<B> z0 = rows(whole.z0), zT = rows(whole.zT), z0_push = rows(whole.z0_push);
    const view_of<B> z0_noisy = rows(whole.z0_noisy), zT_noisy = rows(whole.zT_noisy);
    const view_of<B> x0_rec = rows(whole.x0_rec), x0_push = rows(whole.x0_push);
    const adjoint<B> d{rows(whole.d.z0), rows(whole.d.zT), rows(whole.d.z0_push), rows(whole.d.x0_rec),
                       rows(whole.d.x0_push)};
    const const_view_of<B> w_noise = model_.noise_weights(w), w_data = model_.data_weights(w);
    const const_view_of<B> w_operator = model_.operator_weights(w), w_decoder = model_.decoder_weights(w);

    model_.encoder_data.forward(b, w_data, x0, z0, whole.encoder_data);
    model_.encoder_noise.forward(b, w_noise, xT, zT, whole.encoder_noise);
    if (objective_.latent_noise() > 0) {
      const T s = T(objective_.latent_noise());
      const random_table pushed{at.seed, streams::latent_noise_pushed, at.step};
      const random_table data{at.seed, streams::latent_noise_data, at.step};
      ops::add_normal(b, pushed, at.first_row, s, ro(zT), zT_noisy);
      if (Objective::reads_reconstruction) ops::add_normal(b, data, at.first_row, s, ro(z0), z0_noisy);
    }
    model_.koopman.forward(b, w_operator, ro(zT_noisy), z0_push, whole.koopman);
    if (Objective::reads_reconstruction)
      model_.decoder.forward(b, w_decoder, ro(z0_noisy), x0_rec, whole.decode_rec);
    if (Objective::reads_prediction) model_.decoder.forward(b, w_decoder, ro(z0_push), x0_push, whole.decode_push);

    const view_of<B> adjoint_views[] = {d.z0, d.zT, d.z0_push, d.x0_rec, d.x0_push};
    for (const view_of<B>& v : adjoint_views)
      if (v) ops::fill(b, T(0), v);
    objective_(b, episode<B>{x0, xT, ro(z0), ro(zT), ro(z0_push), ro(x0_rec), ro(x0_push), at.batch}, d, values,
               whole.scratch);

    // Every dx below is added to what the terms left there: keep = 1.
    const T one(1);
    const view_of<B> dw_decoder = model_.decoder_weights(dw);
    if (Objective::reads_prediction)
      kdm::run_backward(model_.decoder, b, w_decoder, dw_decoder, ro(z0_push), ro(x0_push), d.x0_push, d.z0_push, one,
                   whole.decode_push, afresh);
    if (Objective::reads_reconstruction)
      kdm::run_backward(model_.decoder, b, w_decoder, dw_decoder, ro(z0_noisy), ro(x0_rec), d.x0_rec, d.z0, one,
                   whole.decode_rec, afresh && !Objective::reads_prediction);
    if (!Objective::reads_prediction && !Objective::reads_reconstruction && afresh) ops::fill(b, T(0), dw_decoder);
    kdm::run_backward(model_.koopman, b, w_operator, model_.operator_weights(dw), ro(zT_noisy), ro(z0_push), d.z0_push,
                 d.zT, one, whole.koopman, afresh);
    kdm::run_backward(model_.encoder_noise, b, w_noise, model_.noise_weights(dw), xT, ro(zT), d.zT, view_of<B>{}, one,
                 whole.encoder_noise, afresh);
    kdm::run_backward(model_.encoder_data, b, w_data, model_.data_weights(dw), x0, ro(z0), d.z0, view_of<B>{}, one,
                 whole.encoder_data, afresh);
  }

 private:
  Model model_;
  Objective objective_;
};

}  // namespace kdm
