/// training.jsonl as a whole: what an interruption may have left in it is no part of it.
#pragma once

#include <algorithm>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "kdm/io/json.hpp"

namespace kdm_command {

/// A line of the log, as text and as the object that it is.
struct log_line {
  std::string text;
  kdm::io::json values;
  double step = 0;
};

/// The log, line by line.
struct training_log {
  std::vector<log_line> lines;
  kdm::index_t torn = 0;  ///< lines that are no JSON object with a step: an interruption cut them
};

/// Reads a log; empty where there is none. Blocks of zeros, which a power cut leaves, are taken out, and of a line that
/// begins with the stump of another the whole one is kept.
///
/// Throws.    io_error when the file cannot be read.
inline training_log read_training_log(const std::filesystem::path& file) {
  training_log log;
  std::error_code missing;
  if (!std::filesystem::exists(file, missing)) return log;
  std::string text = kdm::io::read_file(file);
  std::erase(text, '\0');
  for (std::size_t begin = 0, end; begin < text.size(); begin = end + 1) {
    end = std::min(text.find('\n', begin), text.size());
    std::string line = text.substr(begin, end - begin);
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    if (const auto last = line.rfind("{\"step\""); last != std::string::npos) line.erase(0, last);
    try {
      kdm::io::json values = kdm::io::parse_json(line, file.string());
      if (values.is_object() && values.contains("step") && values["step"].is_number()) {
        const double step = values["step"].get<double>();
        log.lines.push_back({std::move(line), std::move(values), step});
        continue;
      }
    } catch (const kdm::io_error&) {
    }
    ++log.torn;
  }
  return log;
}

/// Drops torn lines and those of steps beyond a checkpoint: the resumed run writes them again.
inline void cut_training_log(const std::filesystem::path& file, kdm::index_t last_step) {
  std::string kept;
  for (const log_line& line : read_training_log(file).lines)
    if (line.step <= double(last_step)) kept += line.text + '\n';
  kdm::io::write_file(file, kept);
}

}  // namespace kdm_command
