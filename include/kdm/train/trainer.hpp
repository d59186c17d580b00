/// The trainer: batches, lanes, gradients, updates.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>
#include <utility>
#include <vector>

#include "kdm/core/denormals.hpp"
#include "kdm/core/finite.hpp"
#include "kdm/core/repeat.hpp"
#include "kdm/exec/lanes.hpp"
#include "kdm/koopman/distillation.hpp"
#include "kdm/nn/initialize.hpp"
#include "kdm/train/batches.hpp"
#include "kdm/train/checks.hpp"
#include "kdm/train/options.hpp"
#include "kdm/train/update.hpp"

namespace kdm {

/// Trains a distillation on a set of pairs.
///
/// The batch is cut into slices; every lane pushes its slices through the whole network with memory of its own, and
/// the gradients of the groups are summed in order: the same bits for any number of lanes. A step allocates nothing.
/// Shapes.    xT [n, noise], x0 [n, data] (copied to the backend), any n >= 1.
/// Throws.    shape_error, option_error; numeric_error naming step and term when a loss stops being finite.
/// Example.   examples/quickstart.cpp
template <class Model, class Objective, class Rule, backend B, executor E = serial>
  requires distillable<Model, B> && update_rule<Rule, value_t<B>>
class trainer {
 public:
  using T = value_t<B>;

  trainer(distillation<Model, Objective> problem, Rule rule, train_options options, const_view<T> xT, const_view<T> x0,
          B b = {}, E e = {})
      : problem_(std::move(problem)), rule_(rule), options_(std::move(options)), backend_(b),
        executor_(std::move(e)), shared_(b), order_{x0.rows, options_.seed} {
    check(xT, x0);
    const bool sliced = on_host || options_.slices.rows != 0 || options_.slices.groups != 0;
    slices_ = sliced ? options_.slices.chosen_for(options_.batch) : slicing::whole(options_.batch);
    const index_t size = problem_.model().size(), terms = Objective::count();
    m_ = kdm::planned(shared_, [&](arena<B>& a) {
      return buffers{a.take(x0.rows, xT.cols), a.take(x0.rows, x0.cols), a.take(1, size),
                     a.take(1, size),          a.take(Rule::slots, size), a.take(slices_.groups, size),
                     a.take(1, size),          a.take(slices_.groups, terms), a.take(2, norm_chunks()),
                     a.take(1, 2),             a.take(1, 1),                  a.take(norm_chunks(), wide)};
    });
    backend_.upload(xT, m_.xT);
    backend_.upload(x0, m_.x0);
    values_ = matrix<T>(slices_.groups, terms);
    report_.terms.resize(std::size_t(terms));
    report_.steps = options_.steps;
    const manifest tensors = kdm::manifest_of(model());
    require_size("trainer: numbers in the tensors that the model describes", tensors.size(), size);
    const int lanes = detail::count_lanes_of<B>("trainer", executor_);
    for (int k = 0; k < lanes; ++k) lanes_.emplace_back(backend_, problem_, slices_.rows);
    const matrix<T> w = kdm::initial_weights<T>(tensors, options_.seed);
    restore({0, w, w, matrix<T>(Rule::slots, size)});
  }

  const Model& model() const { return problem_.model(); }
  const Objective& objective() const { return problem_.objective(); }
  const train_options& options() const { return options_; }
  const B& backend() const { return backend_; }
  const step_report& report() const { return report_; }
  index_t step() const { return step_; }

  /// One step of training.
  const step_report& advance() {
    if (lanes_.empty()) fail<option_error>("trainer: used after its memory was moved to another");
    const T rate = detail::rate_of_step<T>(options_, step_);
    ops::repeat(backend_, gradients_, [this] {
      for_chunks(slices_.groups, 1, [this](index_t first, index_t last, int k) {
        for (index_t g = first; g < last; ++g) run_group(lanes_[std::size_t(k)], g);
      });
      if (clips()) measure_norm();
    });
    backend_.download(m_.values, values_);
    if (clips()) backend_.download(m_.norm, norm_);
    backend_.synchronize();
    write_report(rate);  // before the update: numbers that are not finite leave the weights as they were
    ops::repeat(backend_, update_, [this, rate] {
      for_chunks(model().size(), chunk(), [this, rate](index_t first, index_t last, int /*lane*/) {
        B b = backend_;
        update(b, first, last - first, rate);
      });
    });
    ++step_;
    return report_;
  }

  /// Trains until options().steps, calling every callback after every step: callback(trainer, report), which may
  /// return a verdict. Weights that are not finite at the end are a numeric_error that names the tensor.
  template <class... Callbacks>
  void run(Callbacks&&... callbacks) {
    bool stop = false;
    while (step_ < options_.steps && !stop) {
      advance();
      ((stop = ask(callbacks) || stop), ...);
    }
    detail::require_finite_state(state(), kdm::manifest_of(model()));
  }

  /// The weights as trained, and their moving average: what sampling and validation should use. Within a run the last
  /// update has not been looked at.
  matrix<T> weights() { return fetch(m_.w); }
  matrix<T> average() { return fetch(m_.average); }

  training_state<T> state() { return {step_, weights(), average(), fetch(m_.slots)}; }

  /// Throws.    shape_error when the state belongs to another model or rule.
  void restore(const training_state<T>& s) {
    if (s.step < 0) fail<option_error>("training state: step is ", s.step, ", expected 0 or more");
    require_size("training state: number of weights", s.weights.size(), model().size());
    require_size("training state: number of averaged weights", s.average.size(), model().size());
    require_size("training state: slots per weight", s.slots.rows(), Rule::slots);
    require_size("training state: weights with slots", Rule::slots ? s.slots.cols() : 0, Rule::slots ? model().size() : 0);
    detail::count_pairs_seen(s.step, options_.batch);
    backend_.upload(s.weights.view(), m_.w);
    backend_.upload(s.average.view(), m_.average);
    if (Rule::slots > 0) backend_.upload(s.slots.view(), m_.slots);
    backend_.synchronize();
    step_ = s.step;
  }

  /// Lets `change(view)` rewrite the host copy of the weights; the average takes over what changed. For refits.
  template <class Change>
  void change_weights(Change change) {
    training_state<T> s = state();
    const matrix<T> before = s.weights;
    change(s.weights.view());
    for (index_t i = 0; i < before.size(); ++i)
      if (s.weights.data()[i] != before.data()[i]) s.average.data()[i] = s.weights.data()[i];
    restore(s);
  }

 private:
  static constexpr bool on_host = std::is_same_v<typename B::space, host_space>;
  static constexpr index_t wide = 128;  // a norm is summed as a table of so many columns, which vectorises

  /// Weights a lane updates at a time: on a processor what stays in its cache, on a device everything.
  index_t chunk() const { return on_host ? index_t(8192) : model().size(); }

  struct buffers {
    view_of<B> xT, x0;          // all pairs
    view_of<B> w, average, slots;
    view_of<B> gradients;       // [groups, weights]
    view_of<B> gradient;        // their sum
    view_of<B> values;          // [groups, terms]
    view_of<B> norms, norm2;    // squared norms of the chunks and their sum, each in two units: norm_of_squares
    view_of<B> norm;            // of the gradient
    view_of<B> squares;         // scratch for these
  };

  struct lane_buffers {
    distillation_frame<B, Model> frame;
    view_of<B> xT, x0;
  };

  struct lane {
    lane(B backend, const distillation<Model, Objective>& problem, index_t rows) : b(backend), memory(backend) {
      const Model& m = problem.model();
      f = kdm::planned(memory, [&](arena<B>& a) {
        auto frame = problem.plan(a, rows);
        const view_of<B> xT = a.take(rows, m.noise_dimension()), x0 = a.take(rows, m.data_dimension());
        return lane_buffers{std::move(frame), xT, x0};
      });
    }
    B b;
    arena<B> memory;
    lane_buffers f;
  };

  void check(const_view<T> xT, const_view<T> x0) const {
    require_size("trainer: columns of xT", xT.cols, model().noise_dimension());
    require_size("trainer: columns of x0", x0.cols, model().data_dimension());
    require_size("trainer: rows of xT", xT.rows, x0.rows);
    if (x0.rows < 1) fail<shape_error>("trainer: no pairs, expected at least 1");
    detail::check_options<T>(options_);
    detail::check_problem<T>(objective(), rule_, options_);
  }

  bool clips() const { return options_.clip_norm > 0; }

  index_t norm_chunks() const { return (model().size() + chunk() - 1) / chunk(); }

  template <class F>
  void for_chunks(index_t n, index_t grain, F f) {
    const int lanes = int(lanes_.size());
    detail::for_lanes_of<B>("trainer", executor_, lanes, n, grain, [&f](index_t first, index_t last, int k) {
      const flush_denormals guard;
      f(first, last, k);
    });
  }

  void run_group(lane& l, index_t g) {
    const index_t slices = (options_.batch - 1) / slices_.rows + 1;
    const view_of<B> gradient = m_.gradients.row(g), values = m_.values.row(g);
    ops::fill(l.b, T(0), values);
    if constexpr (!on_host) ops::fill(l.b, T(0), gradient);  // one kernel there, not one a layer
    const index_t first_slice = g * slices / slices_.groups, end = (g + 1) * slices / slices_.groups;
    for (index_t s = first_slice; s < end; ++s) {
      const index_t first = s * slices_.rows, n = std::min(slices_.rows, options_.batch - first);
      const view_of<B> xT = l.f.xT.row_range(0, n), x0 = l.f.x0.row_range(0, n);
      kdm::gather_pairs(l.b, order_, step_ * options_.batch + first, m_.xT, m_.x0, xT, x0);
      problem_.value_and_gradient(l.b, const_view_of<B>(m_.w), gradient, const_view_of<B>(xT), const_view_of<B>(x0),
                                  {options_.seed, std::uint32_t(step_), first, options_.batch}, values, l.f.frame,
                                  on_host && s == first_slice);
    }
  }

  void sum_gradients(B& b, index_t first, index_t n) {
    b.sum_rows(ops::take_first{}, T(0), m_.gradient.col_range(first, n),
               const_view_of<B>(m_.gradients.col_range(first, n)));
  }

  void measure_norm() {
    for_chunks(model().size(), chunk(), [this](index_t first, index_t last, int /*lane*/) {
      B b = backend_;
      sum_gradients(b, first, last - first);
      const index_t c = first / chunk(), rows = (last - first) / wide, rest = (last - first) % wide;
      const const_view_of<B> table = m_.gradient.col_range(first, rows * wide).reshaped(rows, wide);
      const const_view_of<B> tail = m_.gradient.col_range(first + rows * wide, rest).reshaped(rest, 1);
      const view_of<B> squares = m_.squares.row(c);
      const auto sum = [&](auto square, view_of<B> to) {
        b.sum_rows(square, T(0), squares, table);
        b.sum_rows(ops::take_first{}, T(0), to, const_view_of<B>(squares.reshaped(wide, 1)));
        b.sum_rows(square, T(1), to, tail);
      };
      sum(detail::square{}, m_.norms.row(0).col_range(c, 1));
      sum(detail::scaled_square<T>{}, m_.norms.row(1).col_range(c, 1));
    });
    for (index_t k : {0, 1})
      backend_.sum_rows(ops::take_first{}, T(0), m_.norm2.col_range(k, 1),
                        const_view_of<B>(m_.norms.row(k).reshaped(norm_chunks(), 1)));
    backend_.for_each(1, detail::norm_of_squares<T>{m_.norm2.p, m_.norm.p});
  }

  void update(B& b, index_t first, index_t n, T rate) {
    if (!clips()) sum_gradients(b, first, n);
    kdm::update_weights(b, rule_, step_, rate, T(options_.average.at(step_)), T(options_.clip_norm),
                        clips() ? const_view_of<B>(m_.norm) : const_view_of<B>{},
                        const_view_of<B>(m_.gradient.col_range(first, n)), m_.w.col_range(first, n),
                        m_.average.col_range(first, n), m_.slots.col_range(first, n));
  }

  void write_report(T rate) {
    const auto sum_of = [this](index_t k) {
      double sum = 0;
      for (index_t g = 0; g < slices_.groups; ++g) sum += double(values_(g, k));
      return sum;
    };
    for (index_t k = 0; k < Objective::count(); ++k)
      if (const double sum = sum_of(k); !is_finite(sum))
        detail::fail_at_step(step_, concat("the term ", objective().names()[std::size_t(k)]), sum);
    if (clips() && !is_finite(norm_(0, 0))) detail::fail_at_step(step_, "the norm of the gradient", double(norm_(0, 0)));
    report_.step = step_ + 1;
    report_.learning_rate = double(rate);
    report_.loss = 0;
    for (index_t k = 0; k < Objective::count(); ++k) {
      report_.terms[std::size_t(k)] = sum_of(k);
      report_.loss += weights_of_terms_[std::size_t(k)] * sum_of(k);
    }
    if (!is_finite(report_.loss) || std::abs(report_.loss) > double(std::numeric_limits<T>::max()))
      detail::fail_at_step(step_, "the weighted loss", report_.loss);
  }

  template <class Callback>
  bool ask(Callback& callback) {
    if constexpr (std::is_void_v<std::invoke_result_t<Callback&, trainer&, const step_report&>>) {
      callback(*this, report_);
      return false;
    } else {
      return callback(*this, report_) == verdict::stop;
    }
  }

  matrix<T> fetch(view_of<B> v) {
    matrix<T> host(v.rows, v.cols);
    if (host.size() > 0) backend_.download(v, host);
    backend_.synchronize();
    return host;
  }

  distillation<Model, Objective> problem_;
  Rule rule_;
  train_options options_;
  B backend_;
  E executor_;
  arena<B> shared_;
  batch_order order_;
  slicing slices_;
  buffers m_;
  std::vector<lane> lanes_;
  recording<B> gradients_, update_;
  matrix<T> values_, norm_{1, 1};
  std::vector<double> weights_of_terms_ = problem_.objective().weights();
  step_report report_;
  index_t step_ = 0;
};

}  // namespace kdm
