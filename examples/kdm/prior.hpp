/// The prior of a student, as it is measured on the noise of the pairs and stands in configuration.json.
#pragma once

#include <algorithm>
#include <cmath>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "kdm/io/config.hpp"
#include "kdm/koopman/prior.hpp"
#include "kdm/metrics/moments.hpp"
#include "kdm/metrics/normality.hpp"
#include "settings.hpp"

namespace kdm_command {

/// Reads the keys of a prior; files that know N(0, scale^2) alone have 'prior_scale' and no more.
inline void read(prior_settings& p, kdm::io::config_reader& model) {
  p.kind = model.choice("prior", p.kind, {"", "normal", "unknown"});
  p.scale = model.get("prior_scale", p.scale);
  p.mean = model.get("prior_mean", p.mean);
  p.factor = model.get("prior_factor", p.factor);
  if (p.kind.empty() && (p.scale > 0 || !p.mean.empty() || !p.factor.empty())) p.kind = "normal";
}

inline void write(const prior_settings& p, kdm::io::json& model) {
  model["prior"] = p.kind;
  model["prior_scale"] = p.scale;
  if (!p.mean.empty()) model["prior_mean"] = p.mean;
  if (!p.factor.empty()) model["prior_factor"] = p.factor;
}

/// Throws option_error, shape_error beginning with `where`.
inline kdm::normal_prior prior_of(const prior_settings& p, index_t dimension, const std::string& where) {
  if (p.kind == "unknown") return kdm::normal_prior::unknown();
  kdm::normal_prior prior(p.scale > 0 || p.factor.empty() ? p.scale : 1);
  prior.mean = kdm::matrix<double>(kdm::const_view<double>{p.mean.data(), 1, index_t(p.mean.size())});
  if (!p.factor.empty()) prior.factor = kdm::matrix<double>(index_t(p.factor.size()), index_t(p.factor[0].size()));
  for (std::size_t i = 0; i < p.factor.size(); ++i) {
    kdm::require_size(kdm::concat(where, ": numbers in row ", i, " of 'prior_factor'"), index_t(p.factor[i].size()),
                      prior.factor.cols());
    for (std::size_t j = 0; j < p.factor[i].size(); ++j) prior.factor(index_t(i), index_t(j)) = p.factor[i][j];
  }
  prior.require_usable<float>(where, dimension);
  return prior;
}

/// Noise is of N(0, scale^2 I) unless it rejects that at this level.
inline constexpr double prior_level = 1e-3;

/// What is wrong with noise as N(0, scale^2): the departure that is least likely by chance.
inline std::string departure(const kdm::normality_report& r) {
  const auto number = [](double x) { return kdm::concat(std::round(x * 1e4) / 1e4); };
  if (r.shape.p < prior_level) return kdm::concat("column ", r.shape.column, " is not normally distributed");
  if (r.mean.p < prior_level)
    return kdm::concat("column ", r.mean.column, " has a mean of ", number(r.mean.value), " deviations");
  if (r.deviation.p < prior_level)
    return kdm::concat("column ", r.deviation.column, " has ", number(r.deviation.value),
                       " times the root mean square of all");
  return kdm::concat("columns ", r.correlation.column, " and ", r.correlation.other, " have a correlation of ",
                     number(r.correlation.value));
}

/// The prior that noise [n, d] comes from.
///
/// N(0, s^2) with s the root mean square of all numbers, or with s = 1 and 80, the priors of the two paths, where there
/// are 500 numbers or more and they do not speak against it. Otherwise the mean and deviation of every column, with the
/// covariance where columns are correlated and at most 64. Noise whose columns are not normal, or correlated and more,
/// has an unknown prior. `why` is then what speaks against the simpler one.
struct measured_prior {
  prior_settings settings;
  bool plain = false;  ///< the noise does not reject N(0, scale^2)
  std::string why;
};

template <class T>
measured_prior measure_prior(kdm::const_view<T> noise, const prior_settings& stated = {}) {
  constexpr double enough = 500;
  double squares = 0;
  for (index_t i = 0; i < noise.rows; ++i)
    for (index_t j = 0; j < noise.cols; ++j)
      squares += double(noise(i, j)) * double(noise(i, j)) / double(noise.size());
  const double scale = std::sqrt(squares);
  prior_settings found{.kind = "normal", .scale = scale > 0 ? scale : 1};
  std::vector<double> candidates;
  if (stated.kind == "normal" && stated.factor.empty() && stated.mean.empty()) {
    candidates.push_back(stated.scale);
  } else if (stated.kind.empty()) {
    if (double(noise.size()) >= enough) candidates = {1, 80};
    candidates.push_back(found.scale);
  } else {
    return {stated, false, {}};
  }
  kdm::normality_report report;
  for (const double s : candidates) {
    report = kdm::test_normal_noise(noise, s);
    if (report.rejects(prior_level)) continue;
    found.scale = s;
    return {found, true, {}};
  }
  const std::string why = departure(report);
  if (stated.kind == "normal") return {stated, false, why};
  constexpr index_t most = 64;
  const bool correlated = report.correlation.p < prior_level;
  if (report.shape.p < prior_level || (correlated && noise.cols > most)) return {{.kind = "unknown"}, false, why};

  const kdm::matrix<double> mean = kdm::mean(noise);
  found.scale = 0;
  found.mean.assign(mean.data(), mean.data() + mean.size());
  if (correlated) {
    // Cholesky: the covariance is L L'.
    const kdm::matrix<double> c = kdm::covariance(noise);
    const std::size_t d = std::size_t(noise.cols);
    found.factor.assign(d, std::vector<double>(d, 0));
    for (std::size_t i = 0; i < d; ++i)
      for (std::size_t j = 0; j <= i; ++j) {
        double rest = c(index_t(i), index_t(j));
        for (std::size_t k = 0; k < j; ++k) rest -= found.factor[i][k] * found.factor[j][k];
        if (i != j) found.factor[i][j] = rest / found.factor[j][j];
        // A column that is a sum of others but for rounding has no part of its own.
        else found.factor[i][i] = std::sqrt(std::max(rest, 1e-14 * c(index_t(i), index_t(i))));
      }
  } else {
    found.factor.assign(1, std::vector<double>(std::size_t(noise.cols), 0));
    for (index_t i = 0; i < noise.rows; ++i)
      for (index_t j = 0; j < noise.cols; ++j)
        found.factor[0][std::size_t(j)] +=
            (double(noise(i, j)) - mean(0, j)) * (double(noise(i, j)) - mean(0, j)) / double(noise.rows - 1);
    for (double& deviation : found.factor[0]) deviation = std::sqrt(deviation);
  }
  return {found, false, why};
}

/// The prior of the noise, and a line for people where it is not N(0, s^2): a warning where there is none to draw from,
/// or where another one is stated.
template <class T>
std::pair<prior_settings, bool> choose_prior(kdm::const_view<T> noise, const prior_settings& stated,
                                             const std::string& file, std::ostream& say) {
  const measured_prior m = measure_prior(noise, stated);
  const bool is_stated = !stated.kind.empty();
  if (!m.why.empty() && is_stated)
    say << "warning: " << file << ": the noise is not of the prior N(0, " << stated.scale << "^2) that is stated: "
        << m.why << '\n';
  else if (m.settings.kind == "unknown" && !is_stated)
    say << "warning: " << file << ": the noise is of no known distribution, " << m.why
        << ": kdm sample will need --noise\n";
  else if (!m.why.empty())
    say << "the noise is not N(0, s^2 I), " << m.why << ": the prior has the mean and "
        << (m.settings.factor.size() > 1 ? "covariance" : "deviation of every column") << " of the pairs\n";
  return {m.settings, m.plain};
}

}  // namespace kdm_command
