/// The subcommands of `kdm`: their options, and one function each.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "folders.hpp"
#include "settings.hpp"

namespace kdm_command {

struct teach_options {
  std::string teacher = "checkerboard", path = "flow", solver = "heun";
  index_t steps = 20, samples = 50000, snapshots = 10;
  std::uint64_t seed = 1;
  std::filesystem::path out, data;
  compute_options compute;
};
void teach(const teach_options& options);

/// Options that stand above the configuration file, where given.
struct distill_options {
  std::filesystem::path pairs, validation, out, config;
  std::optional<index_t> steps, batch, hidden, depth, latent;
  std::optional<double> learning_rate;
  std::optional<std::string> keep;
  std::optional<std::uint64_t> seed;
  index_t stop_after = 0, checkpoint_every = 1000, validate_every = 500, log_every = 50;
  bool resume = false, overwrite = false;
  compute_options compute;
};
/// Returns 0, or 128 + the number of the signal that interrupted the run.
int distill(const distill_options& options);

struct fit_options {
  std::filesystem::path pairs, out;
  std::string method = "exact", dictionary = "identity", data_precision;
  std::optional<index_t> rank;
  std::optional<double> energy, ridge;
  double dt = 1, bandwidth = 0;
  bool consecutive = false, student_only = false, pictures = true;
  std::uint64_t seed = 1;
  compute_options compute;
};
void fit(const fit_options& options);

struct sample_options {
  std::filesystem::path model, noise, out;
  index_t samples = 0;
  std::uint64_t seed = 1;
  compute_options compute;
};
void sample(const sample_options& options);

struct export_options {
  std::filesystem::path model, header, safetensors;
  std::string name = "student";
  bool overwrite = false;
};
void export_student(const export_options& options);

struct evaluate_options {
  std::filesystem::path model, pairs, out;
  std::string support;
  compute_options compute;
};
void evaluate(const evaluate_options& options);

struct analyze_options {
  std::filesystem::path model, pairs, out;
  std::string support;
  std::string command;  ///< as it was typed, for the page
  std::string image;    ///< HxW of samples that are images; empty: they are points
  compute_options compute;
};
void analyze(const analyze_options& options);

}  // namespace kdm_command
