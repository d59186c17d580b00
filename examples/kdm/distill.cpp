// kdm distill: trains a student on pairs and leaves its folder behind.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iostream>
#include <limits>
#include <optional>
#include <unistd.h>
#include <variant>
#include <vector>

#include "commands.hpp"
#include "kdm/backend/native.hpp"
#include "kdm/fit/initialize.hpp"
#include "kdm/io/npy.hpp"
#include "kdm/io/trajectories.hpp"
#include "kdm/nn/summary.hpp"
#include "kdm/train/checkpoint.hpp"
#include "kdm/train/interrupt.hpp"
#include "kdm/train/metrics_log.hpp"
#include "kdm/train/progress.hpp"
#include "kdm/train/validation.hpp"
#include "held_out.hpp"
#include "provenance.hpp"
#include "student.hpp"
#include "training_log.hpp"

namespace kdm_command {

namespace {

using pair_set = kdm::io::pair_set<scalar>;
using fit_backend = kdm::native_backend<scalar>;  // the fits of the operator run on the host, whatever trains

/// Defaults, then the file, then the command line.
settings effective(const distill_options& o, const model_folder& folder) {
  settings s;
  if (o.resume) s = load_settings(folder.configuration());
  const json before = to_json(s);
  if (!o.config.empty()) {
    read(s, kdm::io::read_json(o.config), o.config.string());
    check(s, o.config.string());
  }
  if (o.steps) s.training.steps = *o.steps;
  if (o.batch) s.training.batch = *o.batch;
  if (o.learning_rate) s.training.learning_rate = *o.learning_rate;
  if (o.keep) s.training.keep = *o.keep;
  if (o.seed) s.training.seed = *o.seed;
  if (o.hidden) s.model.hidden = *o.hidden;
  if (o.depth) s.model.depth = *o.depth;
  if (o.latent) s.model.latent = *o.latent;
  check(s, "kdm distill");
  if (o.resume && to_json(s) != before)
    kdm::fail<kdm::option_error>("--resume goes on with ", folder.configuration().string(),
                                 ": leave out --config and the options that change it");
  return s;
}

/// Fills in what the pairs decide; what the configuration states must agree.
template <class T>
void complete(model_settings& m, const kdm::io::pair_set<T>& pairs, const std::string& file) {
  const auto agree = [&](const char* key, index_t& stated, index_t found) {
    if (stated == 0) stated = found;
    if (stated != found)
      kdm::fail<kdm::option_error>(file, ": has ", found, " columns, expected '", key, "' = ", stated,
                                   " of the configuration");
  };
  agree("noise_dimension", m.noise_dimension, pairs.xT.cols());
  agree("data_dimension", m.data_dimension, pairs.x0.cols());
  if (m.latent == 0) m.latent = m.hidden;
}

/// What a run learns from and is held against.
struct data_sets {
  pair_set training;  ///< standardised
  pair_set held_out;  ///< xT standardised, x0 in its own unit
  column_scaling noise, data;
  std::uint64_t fingerprint = 0;
};

/// Pairs with their numbers as the file has them, float or double.
using file_pairs = std::variant<kdm::io::pair_set<float>, kdm::io::pair_set<double>>;

file_pairs load_as_stored(const std::filesystem::path& file) {
  kdm::io::input_file in(file);
  if (kdm::io::read_npy_header(in).item_size == sizeof(float)) return kdm::io::load_pairs<float>(file);
  return kdm::io::load_pairs<double>(file);
}

/// Means and deviations of the training pairs, in double, and both sets in these units. Fills in sizes and prior.
template <class T>
data_sets prepare(settings& s, const kdm::io::pair_set<T>& training, const file_pairs& held_out,
                  const distill_options& o) {
  const std::string file = o.pairs.string();
  complete(s.model, training, file);
  data_sets sets;
  const auto [prior, plain] = choose_prior(training.xT.view(), s.model.prior, file, std::cerr);
  s.model.prior = prior;
  const auto measure = [&](const kdm::matrix<T>& x, const std::string& name) {
    const column_statistics found = statistics_of(x.view());
    if (const std::string text = rounding_warning(found, file + ": " + name); !text.empty())
      std::cerr << "warning: " << text << '\n';
    return scaling_of(found, s.training.scaling, file + ": " + name);
  };
  sets.noise = measure(training.xT, "x_T");
  sets.data = measure(training.x0, "x_0");
  if (plain && s.training.scaling != "none") sets.noise = plain_scaling(training.xT.cols(), prior.scale);
  sets.training = {standardised(training.xT.view(), sets.noise), standardised(training.x0.view(), sets.data)};
  std::visit(
      [&](const auto& held) {
        complete(s.model, held, (o.validation.empty() ? o.pairs : o.validation).string());
        sets.held_out = {standardised(held.xT.view(), sets.noise), kdm::matrix<scalar>(held.x0.view())};
      },
      held_out);
  sets.fingerprint = fingerprint(training);
  return sets;
}

void print(const kdm::operator_fit_report& fit) {
  std::cerr << "operator fitted on " << fit.pairs << " pairs: relative residual " << fit.residual << " (before "
            << fit.residual_before << "), rank " << fit.rank << ", condition " << fit.condition << "\n";
}

kdm::train_options options_of(const training_settings& t) {
  const kdm::schedule base = t.schedule == "cosine" ? kdm::schedules::cosine() : kdm::schedules::constant();
  return {.steps = t.steps,
          .batch = t.batch,
          .learning_rate = t.learning_rate,
          .schedule = kdm::schedules::warm_up(std::min(t.warm_up, t.steps / 10), base),
          .clip_norm = t.clip_norm,
          .average = {t.average_decay},
          .seed = t.seed,
          .slices = {.rows = t.slice_rows}};
}

/// A phase of the run: its objective, and the step after which it ends.
struct phase {
  phase_objective objective;
  index_t last_step;
};

std::vector<phase> phases_of(const objective_settings& w, index_t steps) {
  const auto boundary = index_t(std::llround(w.prediction_from * double(steps)));
  std::vector<phase> phases;
  if (boundary > 0) phases.push_back({{w.latent, w.reconstruction, 0, w.latent_noise}, boundary});
  if (boundary < steps || steps == 0)
    phases.push_back({{w.latent, w.reconstruction, w.prediction, w.late_noise}, steps});
  return phases;
}

int train(const settings& s, const distill_options& o, const model_folder& folder, const data_sets& sets,
          const engine& on, const any_executor& run, const kdm::stop_on_interrupt& interrupt) {
  const pair_set &pairs = sets.training, &held_out = sets.held_out;
  const student_model model = build(s.model);
  const auto& t = s.training;
  require_kept(t.keep, held_out.size());
  const kdm::adam rule{.beta2 = t.beta2, .weight_decay = t.weight_decay};
  const auto trainer_for = [&](const phase& p) {
    return on.train({model, p.objective, rule, options_of(t), pairs.xT.view(), pairs.x0.view(), sets.data});
  };
  const std::vector<phase> phases = phases_of(s.objective, t.steps);
  auto current = phases.begin();
  auto trainer = trainer_for(*current);
  // The next phase takes over weights, average and the rule's memory as they are.
  const auto hand_over = [&](const kdm::training_state<scalar>& state) {
    while (current->last_step <= state.step && current + 1 != phases.end()) trainer = trainer_for(*++current);
    trainer->restore(state);
  };
  const std::string configuration =
      kdm::concat(to_json(s).dump(), " on ", pairs.size(), " pairs, ", sets.fingerprint);
  const auto fit = [&] {
    // Forty pairs for every unknown of a row leave little to gain from more.
    return kdm::operator_fit_options{.latent_noise = current->objective.latent_noise,
                                     .max_pairs = 40 * (s.model.latent + 1)};
  };
  if (o.resume) {
    hand_over(kdm::load_checkpoint<scalar>(folder.checkpoint(), configuration));
    cut_training_log(folder.log(), trainer->step());
    std::cerr << "going on after step " << trainer->step() << "\n";
  } else {
    std::cerr << kdm::summary<scalar>(model);
    if (t.initial_fit)
      trainer->change_weights([&](kdm::view<scalar> w) {
        print(kdm::initialize_operator(model, w, pairs.xT.view(), pairs.x0.view(), fit(), fit_backend{}, run));
      });
    // From here on there is something to find in the folder.
    for (const auto& old : {folder.model(), folder.checkpoint(), folder.best()}) remove_file(old);
    remove_files(folder.path, fit_files);
    kdm::io::write_json(folder.configuration(), to_json(s));
  }

  held_out_validation held(held_out.xT.view(), held_out.x0.view(), o.validate_every, run);
  best_so_far best(t.keep, folder.best(), configuration);
  if (o.resume) best.resume(folder.log());
  kdm::metrics_log log(folder.log(), o.log_every, o.resume);
  log.add("held_out_pair_error", [&] { return held.unlogged(); });
  log.add("held_out_unexplained", [&] { return held.unlogged_unexplained(); });
  log.add("held_out_standard_error", [&] { return held.unlogged_standard_error(); });
  log.add("held_out_sliced_wasserstein_2", [&] { return held.unlogged_sliced_wasserstein(); });
  kdm::progress_line progress(std::cerr, isatty(STDERR_FILENO) != 0, [&] { return held.text(); });
  const kdm::checkpoint_every checkpoint(o.checkpoint_every, folder.checkpoint(), configuration);
  const index_t never = std::numeric_limits<index_t>::max();
  std::optional<kdm::refit_every<scalar, fit_backend, any_executor>> refit;
  const index_t first = trainer->step();
  bool stopped = interrupt.interrupted();
  const auto after_step = [&](training& now, const kdm::step_report& r) {
    (*refit)(now, r);
    held(now, r);
    best(now, r, held);
    log(now, r);
    progress(now, r);
    checkpoint(now, r);
    const bool enough = o.stop_after > 0 && r.step - first >= o.stop_after;
    stopped = enough || interrupt.interrupted();
    return stopped || r.step == current->last_step ? kdm::verdict::stop : kdm::verdict::go_on;
  };
  try {
    while (!stopped && trainer->step() < t.steps) {
      hand_over(trainer->state());
      refit.emplace(t.refit_every > 0 ? t.refit_every : never, pairs.xT.view(), pairs.x0.view(), fit(), fit_backend{}, run);
      trainer->run(after_step);
    }
  } catch (const kdm::numeric_error& e) {
    progress.finish();
    const bool saved = is_there(folder.checkpoint());
    kdm::fail<kdm::numeric_error>(e.what(), saved ? "; the last checkpoint is " + folder.checkpoint().string()
                                                  : std::string("; no checkpoint had been written yet"));
  }
  progress.finish();

  kdm::save_checkpoint(folder.checkpoint(), trainer->state(), configuration);
  const std::string kept = best.take_over(*trainer);
  kdm::matrix<scalar> average = trainer->average();
  fold_scaling(model, average.view(), sets.noise, sets.data);
  kdm::io::save_weights<scalar>(folder.model(), kdm::manifest_of(model), average.view(), weights_metadata(to_json(s)));
  if (trainer->step() < t.steps)
    std::cout << "stopped after step " << trainer->step() << " of " << t.steps << "; go on with --resume\n";
  std::cout << "wrote " << folder.model().string() << kept << ": " << held_out_text(held, *trainer) << '\n';
  std::cerr << best.rise();
  return interrupt.interrupted() && trainer->step() < t.steps ? 128 + interrupt.signal() : 0;
}

/// A folder holds the files of one run, unless the user says otherwise.
void require_new(const distill_options& o, const model_folder& folder) {
  if (o.resume || o.overwrite) return;
  if (is_there(folder.model()) || is_there(folder.checkpoint()))
    kdm::fail<kdm::option_error>(o.out.string(),
                                 " holds a model already: --resume goes on with it, --overwrite replaces it");
  for (const char* name : fit_files)
    if (is_there(folder.path / name))
      kdm::fail<kdm::option_error>((folder.path / name).string(), " is of a fit: --overwrite replaces it");
}

}  // namespace

int distill(const distill_options& o) {
  const kdm::stop_on_interrupt interrupt;
  const model_folder folder{o.out};
  output_folder mine(o.out);
  require_new(o, folder);
  const any_executor run = make_executor(o.compute);
  const auto on = make_engine(o.compute, run);
  settings s = effective(o, folder);
  const data_sets sets = std::visit(
      [&](const auto& all) {
        if (!o.validation.empty()) return prepare(s, all, load_as_stored(o.validation), o);
        // A tenth of the pairs, at most 5000, never all of them.
        const index_t count = std::min<index_t>(5000, all.size() / 10);
        if (count < 1)
          kdm::fail<kdm::option_error>(o.pairs.string(), ": has ", all.size(),
                                       " pairs, expected at least 10, or --validation with pairs of its own; a file is "
                                       "[snapshots, pairs, columns], noise in the first snapshot and data in the last");
        auto split = all.split(count);
        return prepare(s, split.training, std::move(split.validation), o);
      },
      load_as_stored(o.pairs));

  mine.make();
  require_new(o, folder);
  return train(s, o, folder, sets, *on, run, interrupt);
}

}  // namespace kdm_command
