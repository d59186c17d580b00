// kdm fit: dictionaries by name, and the methods that work on features.
#include <charconv>
#include <cmath>

#include "fit.hpp"
#include "kdm/fit/dictionaries/dictionaries.hpp"
#include "kdm/fit/edmd.hpp"
#include "kdm/fit/mp_edmd.hpp"
#include "kdm/fit/pseudospectrum.hpp"

namespace kdm_command {

namespace {

/// The number after the colon.
index_t count_of(const std::string& dictionary, const std::string& text, index_t least) {
  index_t value = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || end.ec != std::errc() || end.ptr != text.data() + text.size() || value < least || value > 65536)
    kdm::fail<kdm::option_error>("--dictionary ", dictionary, ": found '", text, "' after the colon, expected ", least,
                                 " to 65536");
  return value;
}

/// A width that N features can resolve: over +-3 deviations of n coordinates there is room for about one wave or bump a
/// cell of the width / 6, and in many dimensions none closer than sqrt(n) deviations helps.
double default_width(const kdm::matrix<double>& x, index_t features) {
  double total = 0;
  for (index_t j = 0; j < x.cols(); ++j) {
    double mean = 0, square = 0;
    for (index_t i = 0; i < x.rows(); ++i) mean += x(i, j) / double(x.rows());
    for (index_t i = 0; i < x.rows(); ++i) square += (x(i, j) - mean) * (x(i, j) - mean) / double(x.rows());
    total += square;
  }
  const double n = double(x.cols()), deviation = std::sqrt(total / n);
  if (!(deviation > 0)) return 1;
  return deviation * std::min(6 * std::pow(double(features), -1 / n), std::max(1., std::sqrt(n)));
}

/// The frequencies of random waves, from the slopes of the sines at 0.
kdm::matrix<double> frequencies_of(const kdm::random_fourier& d) {
  const index_t n = d.inputs(), waves = d.features() / 2;
  kdm::matrix<double> zero(n, n), along(n, n), slope(n, 2 * waves), w(waves, n);
  for (index_t j = 0; j < n; ++j) along(j, j) = 1;
  d.derivatives(zero.view(), along.view(), slope.view(), {});
  for (index_t k = 0; k < waves; ++k)
    for (index_t j = 0; j < n; ++j) w(k, j) = slope(j, 2 * k + 1) / std::sqrt(1. / double(waves));
  return w;
}

/// Portions of rows by all lanes, merged in order: cut by their number alone, so that threads change no bit.
kdm::edmd_accumulator<any_dictionary> gathered(const kdm::snapshot_pairs& p, const any_dictionary& psi,
                                               const any_executor& run) {
  const index_t rows = p.count(), grain = std::max({index_t(1024), 16 * psi.features(), (rows + 15) / 16});
  const kdm::edmd_accumulator<any_dictionary> empty(psi);
  std::vector<kdm::edmd_accumulator<any_dictionary>> parts(std::size_t((rows + grain - 1) / grain), empty);
  run.for_chunks(rows, grain, [&](index_t first, index_t last, int) {
    const index_t m = last - first;
    parts[std::size_t(first / grain)].append(p.x.view().row_range(first, m), p.y.view().row_range(first, m), {},
                                          p.rounding);
  });
  for (std::size_t k = 1; k < parts.size(); ++k) parts[0].merge(parts[k]);
  return parts[0];
}

/// The upper half plane around the eigenvalues and the unit circle; the lower half is its mirror image.
tau_grid tau_around(const kdm::pseudospectrum& tau, const kdm::linear_dynamics& d) {
  double edge = 1;
  for (const auto& lambda : d.eigenvalues) edge = std::max(edge, std::abs(lambda));
  edge = 1.12 * std::min(edge, 4.);
  constexpr int steps = 24;
  tau_grid g;
  for (int k = -steps; k <= steps; ++k) g.re.push_back(edge * k / steps);
  for (int k = 0; k <= steps; ++k) g.im.push_back(edge * k / steps);
  g.tau = tau.grid(g.re, g.im);
  return g;
}

}  // namespace

chosen_dictionary choose_dictionary(const fit_options& o, const kdm::snapshot_pairs& pairs) {
  const std::string& name = o.dictionary;
  const auto colon = name.find(':');
  const std::string kind = name.substr(0, colon), rest = colon == std::string::npos ? "" : name.substr(colon + 1);
  const index_t n = pairs.states();
  if (o.bandwidth != 0 && kind != "rff" && kind != "rbf")
    kdm::fail<kdm::option_error>("--bandwidth belongs to --dictionary rff:N and rbf:N, found ", name);
  const auto width = [&](index_t features) { return o.bandwidth > 0 ? o.bandwidth : default_width(pairs.x, features); };
  if (name == "identity") return {any_dictionary(kdm::identity_dictionary(n)), name, kind, 0, {}};
  if (kind == "monomials") return {any_dictionary(kdm::monomials(n, count_of(name, rest, 0))), name, kind, 0, {}};
  if (kind == "fourier") {
    if (n != 1)
      kdm::fail<kdm::option_error>("--dictionary ", name, " is of one angle, found ", n, " columns in ", o.pairs.string());
    return {any_dictionary(kdm::fourier(count_of(name, rest, 1))), name, kind, 0, {}};
  }
  if (kind == "rff") {
    const index_t features = count_of(name, rest, 2);
    if (features % 2 != 0)
      kdm::fail<kdm::option_error>("--dictionary ", name, ": found ", features,
                                   " features, expected an even number: a sine and a cosine a wave");
    const kdm::random_fourier d(n, features / 2, width(features), o.seed);
    return {any_dictionary(d), name, kind, width(features), frequencies_of(d)};
  }
  if (kind == "rbf") {
    // Bumps stand at both ends, so that they cover noise and data.
    const index_t features = count_of(name, rest, 1), m = pairs.count();
    kdm::matrix<double> both(2 * m, n);
    std::copy_n(pairs.x.data(), m * n, both.data());
    std::copy_n(pairs.y.data(), m * n, both.data() + m * n);
    const auto d = kdm::radial_basis(both.view(), features, width(features), o.seed);
    return {any_dictionary(d), name, kind, width(features), d.centres()};
  }
  kdm::fail<kdm::option_error>("--dictionary is ", name,
                               ", expected identity, monomials:DEGREE, rff:N, rbf:N or fourier:HARMONICS");
}

operator_fit fit_features(const fit_options& o, const kdm::snapshot_pairs& pairs, const chosen_dictionary& d,
                          const any_executor& run) {
  const auto data = gathered(pairs, d.psi, run);
  kdm::edmd_options options{rank_rule_of(o), o.ridge.value_or(0), pairs.dt};
  operator_fit fit{o.method == "mp_edmd" ? kdm::mp_edmd(data, options).dynamics : data.fit(options).dynamics, {}};
  kdm::warn_of_rounding(fit.dynamics, d.psi, pairs);
  // Every point of the grid costs O(rank^3).
  if (o.pictures && fit.dynamics.latent() <= 40)
    fit.tau = tau_around(kdm::pseudospectrum(data.factor(), options.rank), fit.dynamics);
  return fit;
}

}  // namespace kdm_command
