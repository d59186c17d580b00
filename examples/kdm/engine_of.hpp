/// An engine made of a library backend: what each backend's file instantiates.
#pragma once

#include <memory>
#include <utility>
#include <variant>

#include "engine.hpp"
#include "kdm/koopman/generator.hpp"
#include "kdm/koopman/terms.hpp"
#include "kdm/train/trainer.hpp"

namespace kdm_command {

template <class Model, kdm::backend B>
class sampling_on final : public sampling {
 public:
  sampling_on(const Model& model, kdm::const_view<scalar> weights, const kdm::normal_prior& prior, B b,
              any_executor run)
      : generator_(model, weights, prior, b, std::move(run)) {}

  void sample(std::uint64_t seed, kdm::view<scalar> x_0) override { generator_.sample(seed, 0, x_0); }
  void push(kdm::const_view<scalar> x_T, kdm::view<scalar> x_0) override { generator_.push(x_T, x_0); }

 private:
  kdm::generator<Model, B, any_executor> generator_;
};

template <kdm::backend B, class Objective>
class training_on final : public training {
 public:
  training_on(training_task task, Objective objective, B b, any_executor run)
      : executor_(run),
        data_(std::move(task.data)),
        trainer_(kdm::distillation{std::move(task.model), std::move(objective)}, task.rule, std::move(task.options),
                 task.xT, task.x0, b, std::move(run)) {}

  const student_model& model() const override { return trainer_.model(); }
  terms objective() const override { return {trainer_.objective().names()}; }
  const kdm::train_options& options() const override { return trainer_.options(); }
  index_t step() const override { return trainer_.step(); }
  void run(const callback& after_step) override {
    trainer_.run([&](auto&, const kdm::step_report& report) { return after_step(*this, report); });
  }
  kdm::training_state<scalar> state() override { return trainer_.state(); }
  void restore(const kdm::training_state<scalar>& s) override { trainer_.restore(s); }
  void change_weights(const std::function<void(kdm::view<scalar>)>& change) override {
    trainer_.change_weights(change);
  }
  kdm::matrix<scalar> average() override { return trainer_.average(); }
  kdm::matrix<scalar> push_average(kdm::const_view<scalar> x_T) override {
    const kdm::matrix<scalar> weights = trainer_.average();
    kdm::generator student(trainer_.model(), weights.view(), 1, trainer_.backend(), executor_);
    kdm::matrix<scalar> x_0 = student.push(x_T);
    to_data_units(x_0.view(), data_);
    return x_0;
  }

 private:
  any_executor executor_;
  column_scaling data_;
  kdm::trainer<student_model, Objective, kdm::adam, B, any_executor> trainer_;
};

/// Throws.    what B's constructor does where its device is missing.
template <kdm::backend B>
class engine_of final : public engine {
 public:
  explicit engine_of(any_executor run) : executor_(std::move(run)) {}

  std::unique_ptr<training> train(training_task task) const override {
    const phase_objective w = task.objective;
    const kdm::terms::latent<> latent{.weight = w.latent};
    const kdm::terms::reconstruction<> reconstruction{.weight = w.reconstruction};
    const kdm::terms::prediction<> prediction{.weight = w.prediction};
    // A term with factor 0 would still cost a pass through the decoder.
    if (w.prediction > 0)
      return start(kdm::objective(w.latent_noise, latent, reconstruction, prediction), std::move(task));
    return start(kdm::objective(w.latent_noise, latent, reconstruction), std::move(task));
  }

  std::unique_ptr<sampling> sample(const any_model& model, kdm::const_view<scalar> weights,
                                   const kdm::normal_prior& prior) const override {
    return std::visit(
        [&]<class Model>(const Model& m) -> std::unique_ptr<sampling> {
          return std::make_unique<sampling_on<Model, B>>(m, weights, prior, backend_, executor_);
        },
        model);
  }

 private:
  template <class Objective>
  std::unique_ptr<training> start(Objective objective, training_task task) const {
    return std::make_unique<training_on<B, Objective>>(std::move(task), std::move(objective), backend_, executor_);
  }

  B backend_;
  any_executor executor_;
};

}  // namespace kdm_command
