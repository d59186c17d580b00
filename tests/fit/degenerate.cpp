// Data that determine nothing, or are none: every method throws an error that says so, or returns finite numbers and a
// status. Never NaN, never silence.
#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "kdm/fit/bagging_dmd.hpp"
#include "kdm/fit/dictionaries/kernels.hpp"
#include "kdm/fit/dictionaries/polynomials.hpp"
#include "kdm/fit/dmd.hpp"
#include "kdm/fit/dmdc.hpp"
#include "kdm/fit/edmd.hpp"
#include "kdm/fit/gedmd.hpp"
#include "kdm/fit/hankel_dmd.hpp"
#include "kdm/fit/kernel_edmd.hpp"
#include "kdm/fit/mp_edmd.hpp"
#include "kdm/fit/online_dmd.hpp"
#include "kdm/fit/optimized_dmd.hpp"
#include "kdm/fit/randomized_dmd.hpp"
#include "kdm/fit/sparse_dmd.hpp"
#include "kdm/fit/streaming_dmd.hpp"
#include "kdm/fit/structured.hpp"
#include "kdm/fit/vamp.hpp"
#include "support.hpp"

namespace test_degenerate {

using namespace kdm_test;
using kdm::index_t;
using kdm::linear_dynamics;
using kdm::matrix;
using kdm::snapshot_pairs;

constexpr double inf = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();

/// What came of a fit.
struct outcome {
  std::string error;                 ///< what was thrown, else empty
  std::optional<std::string> doubt;  ///< a status other than "fine", in words
  std::string not_finite;            ///< the first number that is not finite
  std::vector<std::complex<double>> eigenvalues;
};

class inspection {
 public:
  explicit inspection(outcome& o) : o_(o) {}

  void number(const char* name, double value) {
    if (!std::isfinite(value) && o_.not_finite.empty()) o_.not_finite = kdm::concat(name, " = ", value);
  }
  void numbers(const char* name, const matrix<double>& m) {
    for (index_t k = 0; k < m.size(); ++k) number(name, m.data()[k]);
  }
  void numbers(const char* name, const matrix<std::complex<double>>& m) {
    for (index_t k = 0; k < m.size(); ++k) number(name, std::abs(m.data()[k]));
  }
  template <class T>
  void numbers(const char* name, const std::vector<T>& v) {
    for (const T& x : v) number(name, std::abs(x));
  }
  /// Infinity is an answer here: an eigenfunction that vanishes on the data, a basis that is defective.
  void never_nan(const char* name, const std::vector<double>& v) {
    for (const double x : v) number(name, std::isnan(x) ? x : 0);
  }
  void doubt(std::string_view words) { o_.doubt = std::string(words); }

  void dynamics(const linear_dynamics& d) {
    numbers("encode", d.encode);
    numbers("k", d.k);
    numbers("decode", d.decode);
    numbers("eigenvalues", d.eigenvalues);
    o_.eigenvalues = d.eigenvalues;
    numbers("eigenvectors", d.eigenvectors);
    never_nan("residuals", d.residuals);
    never_nan("mode_residuals", d.mode_residuals);
    never_nan("eigenvector_condition", {d.eigenvector_condition});
    if (std::isfinite(d.eigenvector_condition)) numbers("modes", d.modes);
    number("condition", d.condition);
    number("relative_residual", d.relative_residual);
    numbers("singular values", d.rank.singular_values);
    if (d.status != kdm::fit_status::ok) doubt(kdm::name_of(d.status));
    if (!d.note.empty()) doubt(d.note);
  }
  void optimized(const kdm::dmd::optimized_dynamics& d) {
    numbers("exponents", d.exponents);
    numbers("modes", d.modes);
    numbers("amplitudes", d.amplitudes);
    numbers("encode", d.encode);
    never_nan("residuals", d.residuals);
    number("relative_residual", d.relative_residual);
    if (d.status != kdm::dmd::optimized_status::converged) doubt(name_of(d.status));
    dynamics(d.dynamics(0.1));
  }

 private:
  outcome& o_;
};

std::vector<double> times_of(const matrix<double>& z) {
  std::vector<double> t;
  for (index_t i = 0; i < z.rows(); ++i) t.push_back(0.1 * double(i));
  return t;
}

kdm::dmd::optimized_options quick_search() {
  kdm::dmd::optimized_options o;
  o.max_iterations = 20;
  return o;
}

/// A method on a trajectory z, of which x and y are the neighbouring snapshots.
struct method {
  std::string name;
  std::function<void(inspection&, const matrix<double>& z, const snapshot_pairs&)> run;
};

template <class Fit>
auto on_pairs(Fit fit) {
  return [fit](inspection& i, const matrix<double>&, const snapshot_pairs& p) { i.dynamics(fit(p)); };
}

auto structured(kdm::matrix_structure s) {
  return on_pairs([s](const snapshot_pairs& p) { return kdm::structured_fit(p.x, p.y, s); });
}

const std::vector<method>& methods() {
  static const std::vector<method> all{
      {"dmd::projected", on_pairs([](const auto& p) { return kdm::dmd::projected(p); })},
      {"dmd::exact", on_pairs([](const auto& p) { return kdm::dmd::exact(p); })},
      {"dmd::total_least_squares", on_pairs([](const auto& p) { return kdm::dmd::total_least_squares(p); })},
      {"dmd::forward_backward", on_pairs([](const auto& p) { return kdm::dmd::forward_backward(p); })},
      {"dmd::projected of a triangle", on_pairs([](const auto& p) {
         kdm::snapshot_qr qr(p.x.cols(), p.y.cols());
         qr.append(p.x, p.y);
         return kdm::dmd::projected(qr);
       })},
      {"dmd::optimized", [](inspection& i, const matrix<double>& z, const snapshot_pairs&) {
         i.optimized(kdm::dmd::optimized(z, times_of(z), quick_search()));
       }},
      {"dmd::bagging", [](inspection& i, const matrix<double>& z, const snapshot_pairs&) {
         const auto b = kdm::dmd::bagging(z, times_of(z), {.fit = quick_search(), .trials = 4});
         i.optimized(b.whole);
         i.numbers("mean exponents", b.exponents);
         i.numbers("deviations", b.growth_deviations);
         i.numbers("mode deviations", b.mode_deviations);
       }},
      {"dmd::sparse", [](inspection& i, const matrix<double>& z, const snapshot_pairs& p) {
         const auto d = kdm::dmd::projected(p);
         i.dynamics(d);
         const auto s = kdm::dmd::sparse(d, z);
         if (std::isfinite(d.eigenvector_condition)) i.numbers("optimal amplitudes", s.optimal.values);
         for (const auto& point : s.path) i.numbers("amplitudes", point.amplitudes.values);
       }},
      {"dmdc", [](inspection& i, const matrix<double>&, snapshot_pairs p) {
         p.u = random_matrix<double>(p.count(), 1, 1);
         const auto d = kdm::dmdc(p);
         i.dynamics(d.free);
         i.numbers("b", d.b);
         i.number("condition of [z u]", d.condition);
         i.number("relative_residual", d.relative_residual);
         if (d.verdict != kdm::identifiability::identified) i.doubt(kdm::name_of(d.verdict));
       }},
      {"hankel_dmd", [](inspection& i, const matrix<double>& z, const snapshot_pairs&) {
         i.dynamics(kdm::hankel_dmd(z.view(), {.delays = 2}));
       }},
      {"hodmd", [](inspection& i, const matrix<double>& z, const snapshot_pairs&) {
         const auto d = kdm::hodmd(z.view(), {.delays = 2});
         i.dynamics(d.dynamics);
         i.numbers("modes", d.modes);
         i.numbers("amplitudes", d.amplitudes);
         i.number("relative_residual", d.relative_residual);
       }},
      {"randomized_dmd", [](inspection& i, const matrix<double>&, const snapshot_pairs& p) {
         const auto d = kdm::randomized_dmd(p, {.rank = 2});
         i.dynamics(d.dynamics);
         i.number("error_bound", d.error_bound);
         i.number("relative_error_bound", d.relative_error_bound);
       }},
      {"streaming_dmd", on_pairs([](const auto& p) {
         kdm::streaming_dmd stream(p.states(), {.max_rank = 3});
         stream.append(p.x, p.y);
         return stream.dynamics();
       })},
      {"online_dmd", on_pairs([](const auto& p) {
         kdm::online_dmd online(p.states(), {.forgetting = 0.9});
         online.append(p.x, p.y);
         return online.dynamics();
       })},
      {"edmd", on_pairs([](const auto& p) { return kdm::edmd(kdm::monomials(p.states(), 2), p.x, p.y).dynamics; })},
      {"edmd with a ridge", on_pairs([](const auto& p) {
         return kdm::edmd(kdm::monomials(p.states(), 2), p.x, p.y, {.ridge = 1e-6}).dynamics;
       })},
      {"mp_edmd", on_pairs([](const auto& p) { return kdm::mp_edmd(kdm::monomials(p.states(), 2), p.x, p.y).dynamics; })},
      {"gedmd", on_pairs([](const auto& p) { return kdm::gedmd(kdm::monomials(p.states(), 2), p.x, p.y).dynamics; })},
      {"kernel_edmd", on_pairs([](const auto& p) {
         return kdm::kernel_edmd(kdm::gaussian_kernel{1.0}, p.x, p.y).dynamics;
       })},
      {"structured_fit orthogonal", structured(kdm::matrix_structure::orthogonal)},
      {"structured_fit symmetric", structured(kdm::matrix_structure::symmetric)},
      {"structured_fit skew", structured(kdm::matrix_structure::skew)},
      {"structured_fit circulant", structured(kdm::matrix_structure::circulant)},
      {"structured_fit stable", structured(kdm::matrix_structure::stable)},
      {"least_squares", [](inspection& i, const matrix<double>&, const snapshot_pairs& p) {
         kdm::snapshot_qr qr(p.x.cols(), p.y.cols());
         qr.append(p.x, p.y);
         const auto r = kdm::least_squares(qr);
         i.numbers("k", r.k);
         i.number("relative_residual", r.relative_residual);
         i.number("condition", r.condition);
         if (r.status != kdm::fit_status::ok) i.doubt(kdm::name_of(r.status));
       }},
      {"vamp", [](inspection& i, const matrix<double>&, const snapshot_pairs& p) {
         kdm::snapshot_qr qr(p.x.cols(), p.y.cols());
         qr.append(p.x, p.y);
         const auto v = kdm::vamp(qr);
         i.numbers("singular values", v.singular_values);
         i.number("score", v.score());
       }}};
  return all;
}

outcome result_of(const method& m, const matrix<double>& z, const snapshot_pairs& p) {
  outcome o;
  inspection i(o);
  try {
    m.run(i, z, p);
  } catch (const kdm::error& e) {
    o.error = e.what();
  }
  return o;
}

/// Pairs of neighbouring rows, whatever they hold: here it is the methods that have to look.
snapshot_pairs pairs_of(const matrix<double>& z) {
  const index_t m = z.rows() - 1;
  return {matrix<double>(z.view().row_range(0, m)), matrix<double>(z.view().row_range(1, m)), {}, {}, 0.1};
}

matrix<double> rotation(index_t rows, index_t cols) {
  matrix<double> z(rows, cols);
  for (index_t i = 0; i < rows; ++i)
    for (index_t j = 0; j < cols; ++j) z(i, j) = std::pow(0.95, double(i)) * std::cos(0.4 * double(i) + 1.3 * double(j * j));
  return z;
}

/// No number of the answer is NaN, no number is infinite that may not be; an error is a sentence that names its method.
void check_honest(const method& m, const outcome& o) {
  INFO(m.name << ": " << (o.error.empty() ? o.doubt.value_or("fine") : o.error));
  CHECK(o.not_finite == "");
  if (!o.error.empty()) CHECK(o.error.find(": ") != std::string::npos);
}

TEST_CASE("degenerate: data of which a fit has to say that they do not determine it") {
  matrix<double> dependent = rotation(30, 3), zero_column = rotation(30, 3), constant(30, 3), duplicates(30, 3);
  for (index_t i = 0; i < 30; ++i) {
    dependent(i, 2) = dependent(i, 0) - 2 * dependent(i, 1);
    zero_column(i, 1) = 0;
    for (index_t j = 0; j < 3; ++j) constant(i, j) = double(j + 1), duplicates(i, j) = double((i % 2) * 2 - 1 + j);
  }
  struct problem {
    std::string name;
    matrix<double> z;
  };
  for (const problem& c : {problem{"dependent columns", dependent}, {"a column of zeros", zero_column},
                           {"the same snapshot again and again", constant}, {"two snapshots in turn", duplicates},
                           {"one pair", rotation(2, 3)}, {"fewer pairs than states", rotation(4, 6)}})
    for (const method& m : methods()) {
      CAPTURE(c.name);
      const outcome o = result_of(m, c.z, pairs_of(c.z));
      check_honest(m, o);
      // Methods that look for as many directions as there are, and for them every answer is the whole answer.
      if (m.name == "dmd::optimized" || m.name == "dmd::bagging" || m.name == "vamp") continue;
      // A kernel has a function for every point that differs from the others.
      if (m.name == "kernel_edmd" && o.error.empty() && c.name != "the same snapshot again and again") continue;
      INFO(m.name);
      CHECK((!o.error.empty() || o.doubt));
    }
}

TEST_CASE("degenerate: no data at all") {
  for (const method& m : methods()) {
    const outcome zero = result_of(m, matrix<double>(20, 2), pairs_of(matrix<double>(20, 2)));
    check_honest(m, zero);
    CHECK((!zero.error.empty() || zero.doubt));
    const outcome none = result_of(m, matrix<double>(0, 2), {matrix<double>(0, 2), matrix<double>(0, 2), {}, {}, 0.1});
    INFO(m.name);
    CHECK(none.error != "");
  }
}

TEST_CASE("degenerate: a number that is not finite is named") {
  for (const double bad : {nan, inf, -inf})
    for (const index_t row : {index_t(0), index_t(11), index_t(19)}) {
      matrix<double> z = rotation(20, 2);
      z(row, 1) = bad;
      for (const method& m : methods()) {
        const std::string error = result_of(m, z, pairs_of(z)).error;
        INFO(m.name << " row " << row << ": " << error);
        CHECK(error.find("finite") != std::string::npos);
      }
    }
}

TEST_CASE("degenerate: numbers near the ends of the range") {
  for (const double scale : {1e-300, 1e-160, 1e150, 1e300}) {
    matrix<double> z = rotation(20, 2);
    const matrix<double> usual = rotation(20, 2);
    for (index_t k = 0; k < z.size(); ++k) z.data()[k] *= scale;
    for (const method& m : methods()) {
      CAPTURE(scale);
      const outcome o = result_of(m, z, pairs_of(z));
      check_honest(m, o);
      // Dictionaries and kernels have a scale of their own. All others find what they find in the usual range.
      const bool has_scale = m.name.find("edmd") != std::string::npos;
      if (has_scale || !o.error.empty()) continue;
      INFO(m.name);
      CHECK(kdm::matching_distance(o.eigenvalues, result_of(m, usual, pairs_of(usual)).eigenvalues) < 1e-6);
    }
  }
}

TEST_CASE("degenerate: parts that do not fit together") {
  const matrix<double> z = rotation(20, 3);
  const snapshot_pairs fine = pairs_of(z);
  snapshot_pairs rows = fine, columns = fine, both = fine;
  rows.y = matrix<double>(18, 3);
  columns.y = matrix<double>(19, 2);
  both.x = matrix<double>(19, 0), both.y = matrix<double>(19, 0);
  for (const method& m : methods()) {
    if (m.name == "dmd::optimized" || m.name == "dmd::bagging" || m.name == "hankel_dmd" || m.name == "hodmd") continue;
    INFO(m.name);
    CHECK(result_of(m, z, rows).error != "");
    // A map to other columns is a map for these two.
    if (m.name != "least_squares" && m.name != "vamp") CHECK(result_of(m, z, columns).error != "");
    CHECK(result_of(m, z, both).error != "");
  }
}

TEST_CASE("degenerate: times that do not increase") {
  const matrix<double> z = rotation(5, 2);
  for (const std::vector<double>& times :
       {std::vector<double>{0, 1, 1, 2, 3}, {0, 1, 3, 2, 4}, {4, 3, 2, 1, 0}, {0, 1, nan, 3, 4}, {0, 1, 2, 3, inf}}) {
    const std::string error = message_of<kdm::option_error>([&] { kdm::dmd::optimized(z, times); });
    CHECK(error.find("expected finite times, each later than the one before") != std::string::npos);
    CHECK(message_of<kdm::option_error>([&] { kdm::dmd::bagging(z, times); }) == error);
  }
  CHECK(message_of<kdm::shape_error>([&] { kdm::dmd::optimized(z, {0, 1, 2}); }).find("number of times") !=
        std::string::npos);
  CHECK_THROWS_AS(kdm::even_time_step(std::vector<double>{0, 1, 0.5}), kdm::error);
}

// Shapes and values drawn at random: few rows, few columns, many repeated and vanishing entries.
TEST_CASE("degenerate: random small problems") {
  std::mt19937 engine(7);
  const auto below = [&](int n) { return index_t(engine() % unsigned(n)); };
  const std::array<double, 8> values{0, 1, -1, 0.5, 1e-8, 1e8, 2, 1e-170};
  for (int trial = 0; trial < 60; ++trial) {
    matrix<double> z(1 + below(9), 1 + below(4));
    const index_t kinds = 1 + below(8);
    for (index_t k = 0; k < z.size(); ++k) z.data()[k] = values[std::size_t(below(int(kinds)))];
    for (const method& m : methods()) {
      CAPTURE(trial);
      check_honest(m, result_of(m, z, pairs_of(z)));
    }
  }
}

}  // namespace test_degenerate
