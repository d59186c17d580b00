/// Training curves as JSON lines: one object a step that was logged.
#pragma once

#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "kdm/core/error.hpp"
#include "kdm/train/trainer.hpp"

namespace kdm {

/// A callback that appends {"step": 100, "loss": ..., "<term>": ..., "learning_rate": ..., "seconds": ...} every so
/// many steps and after the last. Flushed line by line: a run that is killed loses at most the line under way.
///
/// `seconds` counts from the construction of the log.
/// Throws.    io_error naming the file.
class metrics_log {
 public:
  /// Starts the file anew, or appends to it (`append`, for a run that goes on).
  metrics_log(const std::filesystem::path& path, index_t every, bool append = false)
      : path_(path.string()), every_(every) {
    if (every < 1) fail<option_error>("metrics_log: every ", every, " steps, expected at least 1");
    out_.open(path, append ? std::ios::app : std::ios::trunc);
    if (!out_) fail<io_error>(path_, ": cannot be opened for writing");
  }

  /// Adds a value of one's own to the lines; a NaN is left out of its line.
  void add(std::string name, std::function<double()> value) { extra_.emplace_back(std::move(name), std::move(value)); }

  template <class Trainer>
  void operator()(Trainer& t, const step_report& r) {
    if (r.step % every_ != 0 && r.step != r.steps) return;
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    std::string line = concat("{\"step\": ", r.step);
    const auto put = [&](const std::string& name, double value) {
      if (std::isfinite(value)) line += concat(", \"", name, "\": ", value);
    };
    put("loss", r.loss);
    const auto names = t.objective().names();
    for (std::size_t k = 0; k < names.size(); ++k) put(names[k], r.terms[k]);
    put("learning_rate", r.learning_rate);
    for (const auto& e : extra_) put(e.first, e.second());
    put("seconds", seconds);
    out_ << line << "}" << std::endl;
    if (!out_) fail<io_error>(path_, ": cannot be written; is the disk full?");
  }

 private:
  std::string path_;
  index_t every_;
  std::ofstream out_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::vector<std::pair<std::string, std::function<double()>>> extra_;
};

}  // namespace kdm
