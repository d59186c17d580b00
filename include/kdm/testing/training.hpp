/// Checks of the objective and of short training runs on a backend.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>

#include "kdm/backend/reference.hpp"
#include "kdm/koopman/distillation.hpp"
#include "kdm/koopman/generator.hpp"
#include "kdm/koopman/terms.hpp"
#include "kdm/testing/table.hpp"
#include "kdm/train/trainer.hpp"

namespace kdm::testing {

/// An executor on the calling thread that visits the chunks in an order of its own and calls that lanes.
struct pretended_lanes {
  int count = 1;

  int lanes() const { return count; }

  template <class F>
  void for_chunks(index_t n, index_t grain, F&& f) const {
    const index_t chunks = kdm::detail::chunk_count(n, grain);
    for (index_t k = 0; k < chunks; ++k) {
      const index_t c = count == 1 ? k : shuffle(chunks, std::uint64_t(count), 0)(k);
      f(c * grain, std::min(n, (c + 1) * grain), int(k % count));
    }
  }
};
static_assert(executor<pretended_lanes>);

/// A small student of three noise and two data dimensions under all terms, and pairs for it.
inline auto small_problem() {
  using act = activations::silu;
  const auto net = [](index_t in, index_t out) { return sequential{dense_layer(in, 19, act{}), dense_layer(19, out)}; };
  return distillation(koopman_model{net(3, 6), net(2, 6), linear_operator(6), net(6, 2)},
                      objective(0.4, terms::latent<>{}, terms::reconstruction<distances::pseudo_huber>{},
                                terms::prediction<>{.weight = 0.5}));
}
template <class T>
struct small_pairs {
  matrix<T> xT, x0;
};
template <class T>
small_pairs<T> make_small_pairs(index_t n) {
  small_pairs<T> p{normal_matrix<T>(n, 3, 41), matrix<T>(n, 2)};
  for (index_t i = 0; i < n; ++i) {
    p.x0(i, 0) = p.xT(i, 0) + T(0.5) * p.xT(i, 1) * p.xT(i, 1);
    p.x0(i, 1) = T(-0.5) * p.xT(i, 2) + (p.xT(i, 0) > T(0) ? T(1) : T(-1));
  }
  return p;
}

/// Terms [1, count] and gradient [1, size] of the whole objective in two slices.
template <class T>
struct objective_results {
  matrix<T> terms, gradient;
};

template <backend B>
objective_results<value_t<B>> run_objective(B b, conformance_report& r) {
  using T = value_t<B>;
  const auto problem = small_problem();
  const index_t n = 75, first = 32;
  const auto pairs = testing::make_small_pairs<T>(n);
  const table<B> w(b, kdm::initial_weights<T>(manifest_of(problem.model()), 1)), xT(b, pairs.xT, 1), x0(b, pairs.x0, 2);
  table<B> terms(b, 1, 3, T(0)), gradient(b, 1, problem.model().size(), T(0));
  arena<B> memory(b);
  auto frame = kdm::planned(memory, [&](arena<B>& a) { return problem.plan(a, n); });
  const auto slice = [&](index_t begin, index_t rows) {
    problem.value_and_gradient(b, w.read(), gradient.view(), xT.read().row_range(begin, rows),
                               x0.read().row_range(begin, rows), slice_position{5, 6, begin, n}, terms.view(), frame);
  };
  slice(0, first);
  slice(first, n - first);
  return {terms.values(r, "objective, terms"), gradient.values(r, "objective, gradient")};
}

/// Value and gradient of the objective against the reference backend.
template <backend B>
void check_objective(B b, conformance_report& r) {
  using T = value_t<B>;
  r.begin("objective");
  const auto found = testing::run_objective(b, r), expected = testing::run_objective(reference_backend<T>{}, r);
  expect_close(r, "objective, terms", found.terms, expected.terms, tolerance<T>::sums);
  expect_close(r, "objective, gradient", found.gradient, expected.gradient, tolerance<T>::sums);
}

inline constexpr index_t training_steps = 30;

inline train_options small_training() {
  train_options o;
  o.steps = training_steps;
  o.batch = 75;
  o.learning_rate = 1e-2;
  o.clip_norm = 1;
  o.slices = {16, 0};
  return o;
}

/// What a run leaves: the loss of every step, the weights, their average, and samples of the average.
template <class T>
struct training_results {
  matrix<double> losses;
  matrix<T> weights, average, samples;
  long allocations = 0;  ///< from the fourth step on, and in the last of two pushes
};

template <backend B>
training_results<value_t<B>> run_training(B b, int lanes, const conformance_options& options = {}) {
  using T = value_t<B>;
  const auto pairs = testing::make_small_pairs<T>(200);
  trainer t(small_problem(), adam{}, small_training(), pairs.xT, pairs.x0, b, pretended_lanes{lanes});
  training_results<T> result;
  result.losses = matrix<double>(1, training_steps);
  const auto counted = [&] { return options.allocations ? options.allocations() : 0; };
  const auto advance = [&](index_t from, index_t to) {
    for (index_t k = from; k < to; ++k) result.losses(0, k) = t.advance().loss;
  };
  advance(0, 3);
  long before = counted();
  advance(3, training_steps);
  result.allocations = counted() - before;
  result.weights = t.weights();
  result.average = t.average();

  generator<std::decay_t<decltype(t.model())>, B, pretended_lanes> student(
      t.model(), result.average.view(), 1, b, pretended_lanes{lanes});
  result.samples = student.push(pairs.xT.view());
  before = counted();
  student.push(pairs.xT.view(), result.samples.view());
  result.allocations += counted() - before;
  return result;
}

/// Thirty steps: losses, weights and samples as on the reference backend; the same bits for any number of lanes; and
/// no allocation once training goes, where the options can count them.
template <backend B>
void check_training(B b, conformance_report& r) {
  using T = value_t<B>;
  r.begin("training");
  const auto found = testing::run_training(b, 1, r.options()), expected = testing::run_training(reference_backend<T>{}, 1);
  expect_close(r, "training, losses of 30 steps", found.losses, expected.losses, tolerance<T>::training);
  expect_close(r, "training, weights", found.weights, expected.weights, tolerance<T>::training);
  expect_close(r, "training, averaged weights", found.average, expected.average, tolerance<T>::training);
  expect_close(r, "training, samples of the student", found.samples, expected.samples, tolerance<T>::training);
  r.check(found.losses(0, training_steps - 1) < 0.8 * found.losses(0, 0), "training: the loss went from ",
          found.losses(0, 0), " to ", found.losses(0, training_steps - 1), ", expected less than 0.8 of it");

  r.begin("lanes");
  for (const int lanes : {2, 3}) {
    const auto again = testing::run_training(b, lanes);
    const std::string what = concat("training on ", lanes, " lanes");
    expect_equal(r, what + ", losses", again.losses, found.losses);
    expect_equal(r, what + ", weights", again.weights, found.weights);
    expect_equal(r, what + ", samples", again.samples, found.samples);
  }

  if (!r.options().allocations) return;
  r.begin("allocations");
  r.check(found.allocations == 0, "allocations: ", found.allocations, " in 27 steps and one push, expected 0");
}

}  // namespace kdm::testing
