/// What `kdm evaluate` measures and `kdm analyze` shows.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "kdm/io/json.hpp"
#include "kdm/io/pairs.hpp"
#include "kdm/metrics/metrics.hpp"
#include "student.hpp"

namespace kdm_command {

struct evaluation {
  index_t pairs = 0;
  kdm::matrix<scalar> samples;  ///< the student's x_0 for the noise of the pairs
  kdm::pair_errors errors;
  double sliced_wasserstein = 0, sliced_wasserstein_floor = 0;  ///< student to teacher; one half of the teacher to the other
  double energy_distance = 0, mmd_squared = 0;                  ///< student to teacher
  double samples_per_second = 0;
  struct outside {
    double tolerance, student, teacher;
  };
  std::vector<outside> support;  ///< empty without --support
};

evaluation measure(const student& s, const kdm::io::pair_set<scalar>& pairs, const std::string& support,
                   const compute_options& compute);

kdm::io::json to_json(const evaluation& e);

/// Names and values for people.
std::vector<std::pair<std::string, std::string>> rows_of(const evaluation& e);

/// Reads pairs and checks that they fit the model.
kdm::io::pair_set<scalar> load_pairs_for(const student& s, const std::filesystem::path& file);

}  // namespace kdm_command
