// kdm evaluate: how close the student is to its teacher on pairs it has not seen.
#include "evaluation.hpp"

#include <algorithm>
#include <chrono>
#include <iostream>

#include "commands.hpp"
#include "kdm/io/trajectories.hpp"
#include "kdm/report/html.hpp"
#include "kdm/teacher/box_mixture.hpp"

namespace kdm_command {

namespace {

std::string percent(double share) { return kdm::rounded(100 * share, 3) + " %"; }

}  // namespace

kdm::io::pair_set<scalar> load_pairs_for(const student& s, const std::filesystem::path& file) {
  kdm::io::pair_set<scalar> pairs = kdm::io::load_pairs<scalar>(file);
  const auto fits = [&](const char* what, index_t found, index_t expected) {
    if (found != expected)
      kdm::fail<kdm::io_error>(file.string(), ": has ", found, " columns of ", what, ", expected ", expected,
                               ", what the model has");
  };
  fits("noise", pairs.xT.cols(), s.noise_dimension());
  fits("data", pairs.x0.cols(), s.data_dimension());
  return pairs;
}

evaluation measure(const student& s, const kdm::io::pair_set<scalar>& pairs, const std::string& support,
                   const compute_options& compute) {
  if (support == "checkerboard" && s.data_dimension() != 2)
    kdm::fail<kdm::option_error>("--support checkerboard: the model has ", s.data_dimension(),
                                 " dimensions of data, expected 2");
  evaluation e;
  e.pairs = pairs.size();
  const any_executor run = make_executor(compute);
  const auto generator = s.generator(*make_engine(compute, run));
  e.samples = kdm::matrix<scalar>(pairs.size(), s.data_dimension());
  generator->push(pairs.xT.view(), e.samples.view());
  std::vector<double> seconds;
  for (int k = 0; k < 5; ++k) {
    const auto start = std::chrono::steady_clock::now();
    generator->push(pairs.xT.view(), e.samples.view());
    seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  std::nth_element(seconds.begin(), seconds.begin() + 2, seconds.end());
  e.samples_per_second = double(e.pairs) / seconds[2];

  const auto student = e.samples.view();
  const auto teacher = pairs.x0.view();
  e.errors = kdm::pair_error(student, teacher);
  e.sliced_wasserstein = kdm::sliced_wasserstein(student, teacher, {}, run);
  e.energy_distance = kdm::energy_distance(student, teacher, {}, run);
  e.mmd_squared = kdm::maximum_mean_discrepancy(student, teacher, {}, run);
  if (const index_t half = e.pairs / 2; half > 0)
    e.sliced_wasserstein_floor =
        kdm::sliced_wasserstein(teacher.row_range(0, half), teacher.row_range(half, half), {}, run);
  if (support == "checkerboard") {
    const auto board = kdm::checkerboard<scalar>();
    for (const double tolerance : {0., 0.05})
      e.support.push_back({tolerance, kdm::share_outside(student, board, scalar(tolerance), run),
                           kdm::share_outside(teacher, board, scalar(tolerance), run)});
  }
  return e;
}

kdm::io::json to_json(const evaluation& e) {
  kdm::io::json j = {{"pairs", e.pairs},
                     {"pair_error",
                      {{"mean_squared", e.errors.mean_squared},
                       {"root_mean_squared", e.errors.root_mean_squared},
                       {"mean_distance", e.errors.mean_distance},
                       {"median_distance", e.errors.median_distance},
                       {"share_off_by_more_than_0.5", e.errors.share_off}}},
                     {"student_to_teacher",
                      {{"sliced_wasserstein_2", e.sliced_wasserstein},
                       {"energy_distance", e.energy_distance},
                       {"mmd_squared", e.mmd_squared}}},
                     {"teacher_half_to_half", {{"sliced_wasserstein_2", e.sliced_wasserstein_floor}}},
                     {"samples_per_second", e.samples_per_second}};
  for (const auto& o : e.support)
    j["share_outside_support"].push_back(
        {{"tolerance", o.tolerance}, {"student", o.student}, {"teacher", o.teacher}});
  return j;
}

std::vector<std::pair<std::string, std::string>> rows_of(const evaluation& e) {
  const auto number = [](double x) { return kdm::rounded(x, 3); };
  std::vector<std::pair<std::string, std::string>> rows{
      {"held-out pairs", kdm::concat(e.pairs)},
      {"pair error (mean square per coordinate)", number(e.errors.mean_squared)},
      {"median distance of a pair", number(e.errors.median_distance)},
      {"pairs off by more than 0.5", percent(e.errors.share_off)}};
  for (const auto& o : e.support)
    rows.emplace_back(o.tolerance > 0 ? "outside the support by more than " + number(o.tolerance) : "outside the support",
                      percent(o.student) + " (teacher " + percent(o.teacher) + ")");
  rows.emplace_back("sliced Wasserstein-2, student to teacher", number(e.sliced_wasserstein));
  rows.emplace_back("the same, one half of the teacher to the other", number(e.sliced_wasserstein_floor));
  rows.emplace_back("energy distance, student to teacher", number(e.energy_distance));
  rows.emplace_back("squared MMD, student to teacher", number(e.mmd_squared));
  rows.emplace_back("samples per second", number(e.samples_per_second));
  return rows;
}

void evaluate(const evaluate_options& o) {
  if (!o.out.empty()) require_place(o.out);
  const student s = load_student({o.model});
  const evaluation e = measure(s, load_pairs_for(s, o.pairs), o.support, o.compute);
  for (const auto& [name, value] : rows_of(e))
    std::cout << name << std::string(name.size() < 48 ? 48 - name.size() : 1, ' ') << value << '\n';
  if (o.out.empty()) return;
  kdm::io::write_json(o.out, to_json(e));
  std::cout << "wrote " << o.out.string() << '\n';
}

}  // namespace kdm_command
