// Every method of fitting against the truth, over sizes, ranks, roundings, scales and noise: none is silently wrong.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <map>
#include <string>
#include <vector>

#include "kdm/fit/dictionaries/dictionaries.hpp"
#include "kdm/fit/dmd.hpp"
#include "kdm/fit/dmdc.hpp"
#include "kdm/fit/edmd.hpp"
#include "kdm/fit/hankel_dmd.hpp"
#include "kdm/fit/kernel_edmd.hpp"
#include "kdm/fit/online_dmd.hpp"
#include "kdm/fit/optimized_dmd.hpp"
#include "kdm/fit/randomized_dmd.hpp"
#include "kdm/fit/streaming_dmd.hpp"
#include "support.hpp"

namespace test_accuracy {

using namespace kdm_test;
using complex = std::complex<double>;
using kdm::data_rounding;
using kdm::fit_status;
using kdm::index_t;
using kdm::linear_dynamics;
using kdm::matrix;
using kdm::snapshot_pairs;

struct setting {
  index_t pairs, states, rank;
  std::string rounding;  ///< "none", "float32" or a number of decimals
  double scale, noise;
  bool known;  ///< whether the fits are told of the rounding

  std::string text() const {
    return kdm::concat(pairs, " pairs of ", states, " states, rank ", rank, ", rounding ", rounding,
                       known ? " known" : "", ", scale ", scale, ", noise ", noise);
  }
  data_rounding told() const {
    if (!known || rounding == "none") return {};
    if (rounding == "float32") return data_rounding::of<float>();
    return data_rounding::to(scale * std::pow(10., -std::stoi(rounding)));
  }
  /// What no fit can be asked to be better than: the size of the errors beside that of the data.
  double floor() const {
    const double step = rounding == "none" ? 0 : rounding == "float32" ? 1e-7 : std::pow(10., -std::stoi(rounding));
    return std::max(step, 1e-13) + noise;
  }
};

/// Rotations by .3 and 1.1 and a decay by .9, the first `rank` of them.
const std::vector<complex> truth{std::polar(1., .3), std::polar(1., -.3), .9, std::polar(1., 1.1), std::polar(1., -1.1)};

matrix<double> trajectory(const setting& s) {
  const auto shape = random_matrix<double>(5, s.states, 5), off = random_matrix<double>(s.pairs + 1, s.states, 7, s.noise);
  matrix<double> x(s.pairs + 1, s.states);
  for (index_t t = 0; t <= s.pairs; ++t) {
    const double time = double(t);
    const double f[5] = {std::cos(.3 * time), std::sin(.3 * time), std::pow(.9, time), std::cos(1.1 * time),
                         std::sin(1.1 * time)};
    for (index_t j = 0; j < s.states; ++j) {
      double& v = x(t, j);
      for (index_t k = 0; k < s.rank; ++k) v += f[k] * shape(k, j);
      v += off(t, j);
      if (s.rounding == "float32") {
        v = double(float(v * s.scale));
        continue;
      }
      if (s.rounding != "none") {
        const double ten = std::pow(10., std::stoi(s.rounding));
        v = std::round(v * ten) / ten;
      }
      v *= s.scale;
    }
  }
  return x;
}

struct answer {
  std::vector<complex> eigenvalues;
  bool doubted = false;  ///< by a status or a warning that says how little the answer is worth
  bool warned = false;
};

answer answer_of(const linear_dynamics& d) {
  const bool warned = !d.warnings.empty();
  return {d.eigenvalues,
          warned || d.status == fit_status::fewer_rows_than_columns || d.status == fit_status::inaccurate, warned};
}

/// The largest distance from a true eigenvalue to the nearest one found.
double error_of(const answer& a, const setting& s) {
  double worst = 0;
  for (index_t k = 0; k < s.rank; ++k) {
    double nearest = INFINITY;
    for (const complex z : a.eigenvalues) nearest = std::min(nearest, std::abs(z - truth[std::size_t(k)]));
    worst = std::max(worst, nearest);
  }
  return worst;
}
double radius_of(const answer& a) {
  double radius = 0;
  for (const complex z : a.eigenvalues) radius = std::max(radius, std::abs(z));
  return radius;
}

/// What a method makes of a setting. The reference is dmd::projected of the same pairs, as they count.
struct result {
  std::string method;
  answer found, reference;
};

std::vector<result> fit_all(const setting& s) {
  const matrix<double> x = trajectory(s);
  snapshot_pairs p = kdm::pairs_from_trajectory(x);
  p.rounding = s.told();
  kdm::snapshot_qr qr(s.states, s.states), faded(s.states, s.states, 0.95);
  qr.append(p.x, p.y, {}, p.rounding);
  faded.append(p.x, p.y, {}, p.rounding);
  const answer reference = answer_of(kdm::dmd::projected(p));
  std::vector<result> all{{"projected", reference, reference}};
  const auto add = [&](const char* method, const linear_dynamics& d) {
    all.push_back({method, answer_of(d), reference});
  };
  add("exact", kdm::dmd::exact(p));
  add("exact of a triangle", kdm::dmd::exact(qr));
  add("total least squares", kdm::dmd::total_least_squares(p));
  add("forward backward", kdm::dmd::forward_backward(p));
  add("hankel", kdm::hankel_dmd(x.view(), {.delays = 3, .rounding = p.rounding}));
  kdm::hodmd_options higher;
  higher.delays = 3;
  higher.rounding = p.rounding;
  add("higher order", kdm::hodmd(std::array{x.view()}, higher).dynamics);
  kdm::streaming_dmd stream(s.states, {.max_rank = 10, .rounding = p.rounding});
  stream.append(p.x, p.y);
  add("streaming", stream.dynamics());
  kdm::online_dmd online(s.states, {.rounding = p.rounding}), recent(s.states, {.forgetting = 0.95, .rounding = p.rounding});
  online.append(p.x, p.y);
  recent.append(p.x, p.y);
  add("online", online.dynamics());
  all.push_back({"online with forgetting", answer_of(recent.dynamics()), answer_of(kdm::dmd::projected(faded))});
  add("randomized", kdm::randomized_dmd(p).dynamics);
  add("edmd", kdm::edmd(kdm::identity_dictionary(s.states), p).dynamics);
  add("kernel", kdm::kernel_edmd(kdm::polynomial_kernel{1, 0}, p.x.view(), p.y.view(), {.rounding = p.rounding}).dynamics);
  snapshot_pairs controlled = p;
  controlled.u = random_matrix<double>(s.pairs, 1, 9, s.scale);
  add("control", kdm::dmdc(controlled).free);
  std::vector<double> times;
  for (index_t t = 0; t <= s.pairs; ++t) times.push_back(double(t));
  if (s.scale == 1 && s.noise == 0) {
    kdm::dmd::optimized_options o;
    o.rank = kdm::rank_rule::fixed(s.rank);
    o.max_iterations = 30;
    o.rounding = p.rounding;
    const auto fit = kdm::dmd::optimized(x, times, o);
    answer a = answer_of(fit.dynamics(1));
    a.doubted = a.doubted || fit.status != kdm::dmd::optimized_status::converged;
    all.push_back({"optimized", a, reference});
  }
  return all;
}

std::vector<setting> grid() {
  const struct {
    index_t pairs, states;
  } sizes[] = {{7, 20}, {19, 8}, {29, 24}, {12, 30}, {80, 6}};
  std::vector<setting> all;
  for (const auto& size : sizes)
    for (const index_t rank : {2, 3, 5})
      for (const char* rounding : {"none", "float32", "6", "9", "12", "13", "14"})
        for (const bool known : {false, true})
          for (const auto& [scale, noise] : {std::pair{1., 0.}, {1e-6, 0.}, {1e6, 0.}, {1., 1e-3}})
            if (!(known && std::string(rounding) == "none"))
              all.push_back({size.pairs, size.states, rank, rounding, scale, noise, known});
  return all;
}

TEST_CASE("accuracy: no method is silently worse than projected") {
  // Ten times the error of dmd::projected, or of the data.
  constexpr double factor = 10;
  struct column {
    double worst = 0;
    int doubted = 0, warned = 0;
    std::string where;
  };
  std::map<std::string, column> table;
  int count = 0;
  for (const setting& s : grid()) {
    ++count;
    for (const result& r : fit_all(s)) {
      column& c = table[r.method];
      c.doubted += r.found.doubted;
      c.warned += r.found.warned;
      const double ratio = error_of(r.found, s) / (error_of(r.reference, s) + s.floor());
      if (!r.found.doubted && ratio > c.worst) c.worst = ratio, c.where = s.text();
      // Clean data, and a rounding that is known, make no eigenvalue that grows, and no warning.
      if (s.noise == 0 && (s.known || s.rounding == "none")) {
        INFO(r.method, ": ", s.text());
        CHECK(radius_of(r.found) < 1 + 30 * s.floor() + 1e-12);
        CHECK_FALSE(r.found.warned);
      }
    }
  }
  for (const auto& entry : table) {
    const column& c = entry.second;
    INFO(entry.first, ": ", c.worst, " times, ", c.doubted, " of ", count, " doubted, ", c.warned, " warned; worst at ",
         c.where);
    CHECK(c.worst < factor);
  }
}

TEST_CASE("accuracy: exact has the eigenvalues of projected whatever the rounding") {
  // The rule's cut takes what is below the last decimals of doubles; data that were rounded are just above it.
  for (const index_t times : {8, 9, 10, 12, 20})
    for (const char* rounding : {"12", "13", "14", "float32"}) {
      const setting s{times - 1, 20, 3, rounding, 1, 0, false};
      INFO(s.text());
      matrix<double> x(times, 20);
      for (index_t t = 0; t < times; ++t)
        for (index_t j = 0; j < 20; ++j) {
          const double time = double(t), place = double(j);
          x(t, j) = std::cos(.3 * time) * std::cos(place) + std::sin(.3 * time) * std::cos(2 * place) +
                    std::pow(.9, time) * std::cos(3 * place);
          const double ten = s.rounding == "float32" ? 0 : std::pow(10., std::stoi(s.rounding));
          x(t, j) = ten > 0 ? std::round(x(t, j) * ten) / ten : double(float(x(t, j)));
        }
      const snapshot_pairs p = kdm::pairs_from_trajectory(x);
      kdm::snapshot_qr qr(20, 20);
      qr.append(p.x, p.y);
      const auto projected = kdm::dmd::projected(p), projected_qr = kdm::dmd::projected(qr);
      for (const auto& [d, same] : {std::pair{kdm::dmd::exact(p), projected}, {kdm::dmd::exact(qr), projected_qr}}) {
        CHECK(error_of(answer_of(d), s) < 1e-5);
        CHECK(d.relative_residual <= 2 * same.relative_residual + 1e-12);
        CHECK(d.status != fit_status::inaccurate);
        // Nothing but zeros may be missing.
        REQUIRE(d.eigenvalues.size() <= same.eigenvalues.size());
        for (std::size_t k = 0; k < same.eigenvalues.size(); ++k) {
          if (k < d.eigenvalues.size()) CHECK(std::abs(d.eigenvalues[k] - same.eigenvalues[k]) < 1e-9);
          else CHECK(std::abs(same.eigenvalues[k]) < 1e-4);
        }
        // One step meets the pairs as the residual says.
        const matrix<double> next = d.step(p.x);
        double off = 0, whole = 0;
        for (index_t i = 0; i < next.size(); ++i) {
          off += std::pow(next.data()[i] - p.y.data()[i], 2);
          whole += std::pow(p.y.data()[i], 2);
        }
        CHECK(std::sqrt(off / whole) <= d.relative_residual + 1e-12);
      }
    }
}

}  // namespace test_accuracy
