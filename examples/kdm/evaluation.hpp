/// What `kdm evaluate` measures and `kdm analyze` shows.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "kdm/io/json.hpp"
#include "kdm/io/pairs.hpp"
#include "kdm/metrics/metrics.hpp"
#include "student.hpp"

namespace kdm_command {

/// How the errors of the figures are found.
inline constexpr kdm::bootstrap_options resampling{.resamples = 1000, .level = 0.95};
inline constexpr kdm::halves_options splitting{.splits = 32};
/// Rows of a half where the work grows with their square.
inline constexpr index_t quadratic_limit = 2'000;

struct evaluation {
  index_t pairs = 0;
  kdm::matrix<scalar> samples;  ///< the student's x_0 for the noise of the pairs
  kdm::pair_errors errors;

  /// Intervals of the errors, in this order.
  enum error { mean_squared, mean_distance, median_distance, share_off, unexplained, worst_unexplained };
  std::vector<kdm::interval> intervals;

  /// A distance between distributions: over halves of the pairs, and for all pairs with the noise they share.
  struct distance {
    std::string key, name;
    index_t rows;  ///< of each half
    kdm::split_figure student, teacher, excess;
    double same_noise;
  };
  std::vector<distance> distances;
  double bandwidth = 0;  ///< of the squared MMD: the median distance between the teacher's samples

  double samples_per_second = 0;
  kdm::interval samples_per_second_range{0, 0};  ///< slowest and fastest of five pushes
  struct outside {
    double tolerance, student, teacher, student_error, teacher_error;
  };
  std::vector<outside> support;  ///< empty without --support
};

evaluation measure(const student& s, const kdm::io::pair_set<scalar>& pairs, const std::string& support,
                   const compute_options& compute);

kdm::io::json to_json(const evaluation& e);

/// Names and values for people.
std::vector<std::pair<std::string, std::string>> rows_of(const evaluation& e);

/// How to read the signs in them: one sentence.
std::string reading_of(const evaluation& e);

/// Reads pairs and checks that they fit the model and can be compared.
kdm::io::pair_set<scalar> load_pairs_for(const student& s, const std::filesystem::path& file);

}  // namespace kdm_command
