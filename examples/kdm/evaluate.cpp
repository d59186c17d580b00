// kdm evaluate: how close the student is to its teacher on pairs it has not seen.
#include "evaluation.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iostream>
#include <span>

#include "commands.hpp"
#include "kdm/core/finite.hpp"
#include "kdm/io/trajectories.hpp"
#include "kdm/report/html.hpp"
#include "kdm/teacher/box_mixture.hpp"

namespace kdm_command {

namespace {

std::string percent(double share) { return kdm::rounded(100 * share, 3) + " %"; }

std::string number(double x) { return kdm::rounded(x, 3); }

std::string range_of(const kdm::interval& i, double factor = 1) {
  return " (" + number(factor * i.low) + " to " + number(factor * i.high) + ")";
}

/// "0.0953 ± 0.0021 (0.091 to 0.0994)"
std::string text_of(const kdm::split_figure& f) {
  return number(f.mean) + " ± " + kdm::rounded(f.standard_error, 2) + range_of(f.range);
}

/// Intervals of the errors by resampling the pairs.
std::vector<kdm::interval> intervals_of(const kdm::pair_errors& e, kdm::const_view<scalar> student,
                                        kdm::const_view<scalar> teacher, const any_executor& run) {
  const std::vector<double> distances = kdm::pair_distances(student, teacher);
  const kdm::matrix<double> centre = kdm::mean(teacher);
  const std::size_t n = distances.size();
  const auto squared_difference = [](double a, double b) { return (a - b) * (a - b); };
  std::vector<double> deviations(n), column_errors(n), column_deviations(n);
  for (std::size_t i = 0; i < n; ++i) {
    for (index_t j = 0; j < teacher.cols; ++j)
      deviations[i] += squared_difference(double(teacher(index_t(i), j)), centre(0, j));
    const double truth = double(teacher(index_t(i), e.worst_column));
    column_errors[i] = squared_difference(double(student(index_t(i), e.worst_column)), truth);
    column_deviations[i] = squared_difference(truth, centre(0, e.worst_column));
  }
  const auto figures = [&](std::span<const index_t> rows) {
    std::vector<double> drawn, f(6);
    drawn.reserve(n);
    double spread = 0, column_error = 0, column_spread = 0;
    for (const index_t row : rows) {
      const auto i = std::size_t(row);
      drawn.push_back(distances[i]);
      f[evaluation::mean_squared] += distances[i] * distances[i];
      f[evaluation::mean_distance] += distances[i] / double(n);
      f[evaluation::share_off] += distances[i] > 0.5 * e.spread ? 1 / double(n) : 0;
      spread += deviations[i];
      column_error += column_errors[i];
      column_spread += column_deviations[i];
    }
    f[evaluation::unexplained] = kdm::detail::share_missed(f[evaluation::mean_squared], spread);
    f[evaluation::worst_unexplained] = kdm::detail::share_missed(column_error, column_spread);
    f[evaluation::mean_squared] /= double(n) * double(teacher.cols);
    f[evaluation::median_distance] = kdm::detail::median_of(drawn);
    return f;
  };
  return kdm::bootstrap_intervals(index_t(n), figures, resampling, run);
}

/// An interval, or null where it has no finite number.
kdm::io::json to_json(const kdm::interval& i) {
  if (!std::isfinite(i.low) || !std::isfinite(i.high)) return nullptr;
  return {i.low, i.high};
}

kdm::io::json to_json(const kdm::split_figure& f) {
  return {{"mean", f.mean}, {"median", f.median}, {"standard_error", f.standard_error}, {"interval", to_json(f.range)}};
}

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
  // Two in each half: what the distances compare.
  if (pairs.size() < 4)
    kdm::fail<kdm::io_error>(file.string(), " (--pairs): has ", pairs.size(), pairs.size() == 1 ? " pair" : " pairs",
                             ", expected at least 4, to compare two halves of them");
  const kdm::const_view<scalar> x = pairs.x0.view();
  bool differ = false;
  for (index_t i = 1; i < x.rows; ++i)
    for (index_t j = 0; j < x.cols; ++j) differ = differ || x(i, j) != x(0, j);
  if (!differ)
    kdm::fail<kdm::io_error>(file.string(), " (--pairs): every x_0 is the same point, expected different ones");
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
  std::sort(seconds.begin(), seconds.end());
  e.samples_per_second = double(e.pairs) / seconds[2];
  e.samples_per_second_range = {double(e.pairs) / seconds[4], double(e.pairs) / seconds[0]};
  if (const index_t at = kdm::first_not_finite(kdm::const_view<scalar>(e.samples.view())); at >= 0)
    kdm::fail<kdm::numeric_error>("the student's sample ", at / e.samples.cols(), " is ", e.samples.data()[at],
                                  " in column ", at % e.samples.cols(), ", expected finite numbers");

  const kdm::const_view<scalar> student = e.samples.view(), teacher = pairs.x0.view();
  e.errors = kdm::pair_error(student, teacher);
  e.intervals = intervals_of(e.errors, student, teacher, run);

  const auto add = [&](const char* key, const char* name, index_t limit, const kdm::split_distances& d, double same) {
    const auto figure = [](std::vector<double> values) { return kdm::figure_of(std::move(values), resampling.level); };
    e.distances.push_back({key, name, std::min(e.pairs / 2, limit), figure(d.student), figure(d.teacher),
                           figure(d.excess()), same});
  };
  add("sliced_wasserstein_2", "sliced Wasserstein-2", splitting.limit,
      kdm::sliced_wasserstein_of_halves(student, teacher, splitting, {}, run),
      kdm::sliced_wasserstein(student, teacher, {}, run));
  kdm::halves_options few = splitting;
  few.limit = quadratic_limit;
  add("energy_distance", "energy distance", few.limit,
      kdm::distance_of_halves(
          student, teacher, [&](const auto& a, const auto& b) { return kdm::energy_distance(a, b, {}, run); }, few),
      kdm::energy_distance(student, teacher, {}, run));
  e.bandwidth = kdm::median_bandwidth(teacher, teacher);
  const auto discrepancy = [&](const auto& a, const auto& b, bool paired) {
    return kdm::maximum_mean_discrepancy(a, b, {.bandwidths = {e.bandwidth}, .paired = paired}, run);
  };
  add("mmd_squared", "squared MMD", few.limit,
      kdm::distance_of_halves(
          student, teacher, [&](const auto& a, const auto& b) { return discrepancy(a, b, false); }, few),
      discrepancy(student, teacher, true));
  if (support == "checkerboard") {
    const auto board = kdm::checkerboard<scalar>();
    const auto error = [&](double share) { return std::sqrt(share * (1 - share) / double(e.pairs)); };
    for (const double tolerance : {0., 0.05}) {
      const double by_student = kdm::share_outside(student, board, scalar(tolerance), run);
      const double by_teacher = kdm::share_outside(teacher, board, scalar(tolerance), run);
      e.support.push_back({tolerance, by_student, by_teacher, error(by_student), error(by_teacher)});
    }
  }
  return e;
}

kdm::io::json to_json(const evaluation& e) {
  const auto interval = [&](evaluation::error which) { return to_json(e.intervals[std::size_t(which)]); };
  kdm::io::json j = {{"pairs", e.pairs},
                     {"pair_error",
                      {{"mean_squared", e.errors.mean_squared},
                       {"mean_squared_standard_error", e.errors.standard_error},
                       {"mean_squared_interval", interval(evaluation::mean_squared)},
                       {"root_mean_squared", e.errors.root_mean_squared},
                       {"mean_distance", e.errors.mean_distance},
                       {"mean_distance_interval", interval(evaluation::mean_distance)},
                       {"median_distance", e.errors.median_distance},
                       {"median_distance_interval", interval(evaluation::median_distance)},
                       {"spread", e.errors.spread},
                       {"share_off_by_half_the_spread", e.errors.share_off},
                       {"share_off_by_half_the_spread_interval", interval(evaluation::share_off)},
                       {"share_of_variance", e.errors.unexplained},
                       {"share_of_variance_interval", interval(evaluation::unexplained)},
                       {"worst_column", e.errors.worst_column},
                       {"worst_column_share_of_variance", e.errors.worst_unexplained},
                       {"worst_column_share_of_variance_interval", interval(evaluation::worst_unexplained)}}},
                     {"intervals",
                      {{"level", resampling.level},
                       {"resamples", resampling.resamples},
                       {"splits", splitting.splits},
                       {"seed", resampling.seed}}},
                     {"mmd_bandwidth", e.bandwidth},
                     {"samples_per_second", e.samples_per_second},
                     {"samples_per_second_range", to_json(e.samples_per_second_range)}};
  for (const auto& d : e.distances) {
    j["halves"][d.key] = {{"rows", d.rows},
                          {"student_to_teacher", to_json(d.student)},
                          {"teacher_to_teacher", to_json(d.teacher)},
                          {"excess", to_json(d.excess)}};
    j["same_noise"][d.key] = d.same_noise;
  }
  for (const auto& o : e.support)
    j["share_outside_support"].push_back({{"tolerance", o.tolerance},
                                          {"student", o.student},
                                          {"student_standard_error", o.student_error},
                                          {"teacher", o.teacher},
                                          {"teacher_standard_error", o.teacher_error}});
  return j;
}

std::vector<std::pair<std::string, std::string>> rows_of(const evaluation& e) {
  const auto range = [&](evaluation::error which, double factor = 1) {
    return range_of(e.intervals[std::size_t(which)], factor);
  };
  std::vector<std::pair<std::string, std::string>> rows{
      {"held-out pairs", kdm::concat(e.pairs)},
      {"pair error (mean square per coordinate)", number(e.errors.mean_squared) + " ± " +
                                                      kdm::rounded(e.errors.standard_error, 2) +
                                                      range(evaluation::mean_squared)},
      {"  of the variance of the data", percent(e.errors.unexplained) + range(evaluation::unexplained, 100)},
      {kdm::concat("  in the worst column, number ", e.errors.worst_column),
       percent(e.errors.worst_unexplained) + range(evaluation::worst_unexplained, 100)},
      {"median distance of a pair", number(e.errors.median_distance) + range(evaluation::median_distance)},
      {"pairs off by more than half the spread, " + number(0.5 * e.errors.spread),
       percent(e.errors.share_off) + range(evaluation::share_off, 100)}};
  for (const auto& o : e.support)
    rows.emplace_back(o.tolerance > 0 ? "outside the support by more than " + number(o.tolerance) : "outside the support",
                      percent(o.student) + " ± " + kdm::rounded(100 * o.student_error, 2) + ", teacher " +
                          percent(o.teacher) + " ± " + kdm::rounded(100 * o.teacher_error, 2));
  for (const auto& d : e.distances) {
    rows.emplace_back(kdm::concat(d.name, ", halves of ", d.rows), text_of(d.student));
    rows.emplace_back("  its floor, teacher to teacher", text_of(d.teacher));
    rows.emplace_back("  above the floor", text_of(d.excess));
    rows.emplace_back("  all pairs, from the same noise", number(d.same_noise));
  }
  rows.emplace_back("samples per second", number(e.samples_per_second) + range_of(e.samples_per_second_range));
  return rows;
}

std::string reading_of(const evaluation& e) {
  std::string close;
  for (const auto& d : e.distances)
    if (d.excess.range.low <= 0) close += (close.empty() ? "" : ", ") + d.name;
  return kdm::concat("± is one standard error; in brackets the middle ", 100 * resampling.level, " % of ",
                     resampling.resamples, " resamples of the pairs, of ", splitting.splits,
                     " splits into halves for distances, and the slowest and fastest of five pushes. ",
                     close.empty() ? "By every distance the student can be told from its teacher with so many samples."
                                   : "With so many samples student and teacher cannot be told apart by: " + close + ".");
}

void evaluate(const evaluate_options& o) {
  if (!o.out.empty()) require_place(o.out);
  const student s = load_student({o.model});
  const evaluation e = measure(s, load_pairs_for(s, o.pairs), o.support, o.compute);
  for (const auto& [name, value] : rows_of(e))
    std::cout << name << std::string(name.size() < 48 ? 48 - name.size() : 1, ' ') << value << '\n';
  std::cout << reading_of(e) << '\n';
  if (o.out.empty()) return;
  kdm::io::write_json(o.out, to_json(e));
  std::cout << "wrote " << o.out.string() << '\n';
}

}  // namespace kdm_command
