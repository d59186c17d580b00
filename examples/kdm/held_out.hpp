/// What held-out pairs say of a run of `kdm distill`: its best step, which weights to keep, the last line.
#pragma once

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <string>
#include <utility>

#include "engine.hpp"
#include "folders.hpp"
#include "kdm/io/safetensors.hpp"
#include "kdm/io/safetensors_save.hpp"
#include "kdm/report/html.hpp"
#include "kdm/train/validation.hpp"
#include "training_log.hpp"

namespace kdm_command {

using held_out_validation = kdm::validation<scalar, any_executor>;

/// The pair error with its error, beside the spread of the data and in the worst column, and the distance with its floor.
inline std::string held_out_text(held_out_validation& held, training& t) {
  const kdm::pair_errors e = held.measure(t);
  const auto number = [](double x) { return kdm::rounded(x, 3); };
  std::string text = "held-out pair error " + number(e.mean_squared);
  if (std::isfinite(e.standard_error)) text += " ± " + kdm::rounded(e.standard_error, 2);
  text += " (";
  if (std::isfinite(e.unexplained))
    text += kdm::concat(number(100 * e.unexplained), " % of the variance, in the worst column, number ", e.worst_column,
                        ", ", number(100 * e.worst_unexplained), " %; ");
  text += kdm::concat("median distance ", number(e.median_distance), ", ", number(100 * e.share_off),
                      " % of the pairs off by more than half the spread)");
  if (const double distance = held.measure_distance(t); std::isfinite(distance))
    text += kdm::concat("; sliced Wasserstein-2 ", number(distance), ", floor ", number(held.sliced_wasserstein_floor()));
  return text;
}

/// Throws.    option_error where there would be no distance to keep weights by.
inline void require_kept(const std::string& keep, index_t held_out_pairs) {
  if (keep == "sliced_wasserstein" && held_out_pairs < 4)
    kdm::fail<kdm::option_error>("--keep sliced_wasserstein: has ", held_out_pairs,
                                 " held-out pairs, expected at least 4, two for each half");
}

/// A callback behind the validation: remembers the best step, and with --keep writes its averaged weights to a file, from
/// which a resumed run goes on.
class best_so_far {
 public:
  best_so_far(std::string keep, std::filesystem::path file, std::string configuration)
      : keep_(std::move(keep)), file_(std::move(file)), configuration_(std::move(configuration)) {}

  /// Takes up what earlier parts of the run have left: the lines of the log, and the weights.
  ///
  /// Throws.    io_error for a file of another run.
  void resume(const std::filesystem::path& log) {
    for (const auto& [text, values, step] : read_training_log(log).lines) {
      const kdm::io::json& line = values;
      if (!line.contains("held_out_pair_error")) continue;
      const auto value = [&](const char* key) {
        return line.contains(key) && line[key].is_number() ? line[key].get<double>() : unknown;
      };
      consider({index_t(step), value("held_out_pair_error"), value("held_out_standard_error"),
                value("held_out_sliced_wasserstein_2")});
    }
    if (keep_ == "last" || !is_there(file_)) return;
    const kdm::io::safetensors file = kdm::io::load_safetensors(file_);
    const auto place = file.metadata().find("configuration");
    if (place == file.metadata().end() || place->second != configuration_)
      kdm::fail<kdm::io_error>(file.file(), ": was made with another configuration, expected that of this run");
    const auto shape = file.entry("average").shape;
    if (shape.size() != 2) kdm::fail<kdm::io_error>(file.file(), ": tensor average is no matrix");
    kept_weights_ = kdm::matrix<scalar>(shape[0], shape[1]);
    file.copy_to("average", kept_weights_.view());
    kdm::matrix<double> row(1, 4);
    file.copy_to("figures", row.view());
    kept_ = {index_t(row(0, 0)), row(0, 1), row(0, 2), row(0, 3)};
  }

  /// Throws.    io_error.
  void operator()(training& now, const kdm::step_report& r, const held_out_validation& held) {
    if (held.step() != r.step) return;
    const figures found{r.step, held.errors().mean_squared, held.errors().standard_error, held.sliced_wasserstein()};
    consider(found);
    if (keep_ == "last") return;
    if (kept_.step >= 0 && !(score(found) < score(kept_))) return;
    kept_ = found;
    kept_weights_ = now.average();
    kdm::matrix<double> row(1, 4);
    row(0, 0) = double(found.step), row(0, 1) = found.error, row(0, 2) = found.standard_error;
    row(0, 3) = std::isnan(found.distance) ? -1 : found.distance;
    kdm::io::save_safetensors(file_, {{"average", kept_weights_.view()}, {"figures", row.view()}},
                              {{"configuration", configuration_}});
  }

  /// Makes the kept weights the average of a run that has ended, and says so: " (step 3000, the lowest pair_error)".
  std::string take_over(training& t) const {
    if (kept_.step < 0 || kept_weights_.size() != t.average().size()) return {};
    kdm::training_state<scalar> state = t.state();
    state.average = kept_weights_;
    t.restore(state);
    return kdm::concat(" (step ", kept_.step, ", the lowest ", keep_, ")");
  }

  /// A line where the pair error has risen since its best by more than twice the error of the difference.
  std::string rise() const {
    const double error = std::hypot(lowest_.standard_error, last_.standard_error);
    if (lowest_.step < 0 || !(last_.error - lowest_.error > 2 * error)) return {};
    const auto pair = [](const figures& f) {
      return kdm::rounded(f.error, 3) + " ± " + kdm::rounded(f.standard_error, 2);
    };
    std::string text = kdm::concat("the held-out pair error was lowest at step ", lowest_.step, ", ", pair(lowest_),
                                   ", and has risen to ", pair(last_), " at step ", last_.step);
    if (!std::isnan(lowest_.distance) && !std::isnan(last_.distance))
      text += kdm::concat("; sliced Wasserstein-2 went from ", kdm::rounded(lowest_.distance, 3), " to ",
                          kdm::rounded(last_.distance, 3));
    return text + (keep_ == "last" ? "; --keep saves the best weights by one of the two\n" : "\n");
  }

 private:
  static constexpr double unknown = std::numeric_limits<double>::quiet_NaN();

  struct figures {
    index_t step = -1;
    double error = unknown, standard_error = unknown, distance = unknown;
  };

  double score(const figures& f) const { return keep_ == "pair_error" ? f.error : f.distance; }

  void consider(const figures& f) {
    last_ = f;
    if (lowest_.step < 0 || f.error < lowest_.error) lowest_ = f;
  }

  std::string keep_;
  std::filesystem::path file_;
  std::string configuration_;
  figures lowest_, last_, kept_;
  kdm::matrix<scalar> kept_weights_;
};

}  // namespace kdm_command
