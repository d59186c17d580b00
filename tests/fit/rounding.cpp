// Rounded data: which rounding the numbers show, and that every fit cuts what a known one can make.
#include "kdm/fit/rounding.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <complex>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "assignment.hpp"
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

namespace test_rounding {

using namespace kdm_test;
using complex = std::complex<double>;
using kdm::data_rounding;
using kdm::index_t;
using kdm::matrix;
using kdm::snapshot_pairs;

std::optional<data_rounding> found_in(const matrix<double>& x) { return kdm::find_rounding(std::array{x.view()}); }

matrix<double> mapped(matrix<double> x, const std::function<double(double)>& f) {
  for (index_t k = 0; k < x.size(); ++k) x.data()[k] = f(x.data()[k]);
  return x;
}
matrix<double> decimals(const matrix<double>& x, int k) {
  const double ten = std::pow(10., k);
  return mapped(x, [ten](double v) { return std::round(v * ten) / ten; });
}

TEST_CASE("rounding: the last bits and decimals that numbers use are found") {
  for (const double scale : {1e-6, 1., 1e6, 1e12}) {
    const auto x = random_matrix<double>(20, 5, 3, scale);
    CHECK_FALSE(found_in(x));
    const auto single = found_in(mapped(x, [](double v) { return double(float(v)); }));
    REQUIRE(single);
    CHECK(single->relative == std::ldexp(1., -23));
    CHECK(single->absolute == 0);
  }
  for (const int k : {1, 3, 6, 9, 12, 13, 14}) {
    CAPTURE(k);
    const auto tens = found_in(decimals(random_matrix<double>(20, 5, 3), k));
    REQUIRE(tens);
    CHECK(tens->absolute == doctest::Approx(std::pow(10., -k)).epsilon(1e-12));
    CHECK_FALSE(tens->is_double());
  }
  // The last decimal that doubles of this size have is no rounding, nor is one number that is off.
  CHECK_FALSE(found_in(decimals(random_matrix<double>(20, 5, 3, 1e3), 13)));
  auto almost = decimals(random_matrix<double>(20, 5, 3), 6);
  almost(19, 4) = std::sqrt(2.);
  CHECK_FALSE(found_in(almost));
}

TEST_CASE("rounding: integers and binary fractions may be exact") {
  const auto x = random_matrix<double>(20, 5, 3, 100);
  CHECK_FALSE(found_in(mapped(x, [](double v) { return std::round(v); })));
  CHECK_FALSE(found_in(mapped(x, [](double v) { return 1e5 * std::round(v); })));
  CHECK_FALSE(found_in(mapped(x, [](double v) { return std::round(v) / 8; })));
  CHECK_FALSE(found_in(mapped(x, [](double v) { return std::round(v) / 256; })));
  CHECK_FALSE(found_in(matrix<double>(4, 4)));
  // Integers but for one half.
  auto half = mapped(x, [](double v) { return std::round(v); });
  half(0, 0) = 0.5;
  CHECK_FALSE(found_in(half));
}

TEST_CASE("rounding: options out of range are refused") {
  for (const double bad : {0., -1., double(NAN), double(INFINITY)})
    CHECK_THROWS_AS(data_rounding::to(bad), kdm::option_error);
  snapshot_pairs p = kdm::pairs_from_matrices(matrix<double>(2, 2), matrix<double>(2, 2));
  p.rounding.relative = -1;
  CHECK(message_of<kdm::option_error>([&] { kdm::dmd::exact(p); }) ==
        "dmd::exact: the rounding is -1 relative and 0 absolute, expected finite numbers, 0 or more");
}

/// cos .3t, sin .3t, .9^t and a mean in 40 states.
matrix<double> four_modes(index_t times, index_t states) {
  const auto shape = random_matrix<double>(4, states, 11);
  matrix<double> x(times, states);
  for (index_t t = 0; t < times; ++t) {
    const double f[4] = {std::cos(.3 * double(t)), std::sin(.3 * double(t)), std::pow(.9, double(t)), 1};
    for (index_t j = 0; j < states; ++j)
      for (index_t k = 0; k < 4; ++k) x(t, j) += f[k] * shape(k, j);
  }
  return x;
}
const std::vector<complex> four{std::polar(1., .3), std::polar(1., -.3), 1., .9};

std::vector<complex> without_zeros(const std::vector<complex>& all) {
  std::vector<complex> some;
  for (const complex z : all)
    if (std::abs(z) > 1e-3) some.push_back(z);
  return some;
}

TEST_CASE("rounding: no fit takes the rounding of floats for information") {
  const matrix<float> x(four_modes(60, 40).view());
  const auto before = x.view().row_range(0, 59), after = x.view().row_range(1, 59);
  const snapshot_pairs p = kdm::pairs_from_trajectory(x), same = kdm::pairs_from_matrices(before, after);
  for (const snapshot_pairs* pairs : {&p, &same}) CHECK(pairs->rounding.relative == std::ldexp(1., -23));
  kdm::snapshot_qr qr(40, 40);
  qr.append(before, after);
  kdm::streaming_dmd stream(40, {.max_rank = 10});
  stream.append(before, after);
  kdm::online_dmd recent(40, {.forgetting = 0.5}), all(40);
  recent.append(before, after);
  all.append(before, after);
  snapshot_pairs controlled = p;
  controlled.u = random_matrix<double>(59, 1, 5);
  kdm::edmd_accumulator<kdm::identity_dictionary> features{kdm::identity_dictionary(40)};
  features.append(before, after);
  kdm::hodmd_options higher;
  higher.delays = 5;
  const auto by_kernel =
      kdm::kernel_edmd(kdm::polynomial_kernel{1, 0}, p.x.view(), p.y.view(), {.rounding = p.rounding});
  const struct {
    const char* name;
    kdm::linear_dynamics d;
    double tolerance;
  } fits[] = {
      {"exact", kdm::dmd::exact(p), 1e-6},
      {"exact of the same pairs", kdm::dmd::exact(same), 1e-6},
      {"exact of a triangle", kdm::dmd::exact(qr), 1e-6},
      {"projected", kdm::dmd::projected(p), 1e-6},
      {"total least squares", kdm::dmd::total_least_squares(p), 1e-6},
      {"total least squares of a triangle", kdm::dmd::total_least_squares(qr), 1e-6},
      {"forward backward", kdm::dmd::forward_backward(p), 1e-6},
      {"hankel", kdm::hankel_dmd(x.view(), {.delays = 5}), 1e-6},
      {"higher order", kdm::hodmd(std::array{x.view()}, higher).dynamics, 1e-6},
      {"streaming", stream.dynamics(), 1e-6},
      {"online", all.dynamics(), 1e-6},
      {"online with forgetting", recent.dynamics(), 1e-3},  // .9^60 is hardly there any more
      {"randomized", kdm::randomized_dmd(p).dynamics, 1e-6},
      {"control", kdm::dmdc(controlled).free, 1e-5},
      {"edmd", kdm::edmd(kdm::identity_dictionary(40), p).dynamics, 1e-6},
      {"edmd accumulated", features.fit().dynamics, 1e-6},
      {"kernel", by_kernel.dynamics, 1e-6},
  };
  for (const auto& fit : fits) {
    INFO(std::string(fit.name), ": ", fit.d.text());
    CHECK(matching_error(without_zeros(fit.d.eigenvalues), four) < fit.tolerance);
    CHECK(fit.d.rank.rank == 4);
    // A kernel's squares are good to half of double's digits, which is as far as float goes.
    if (std::string(fit.name) != "kernel") CHECK(fit.d.rank.rule == "rounding");
    CHECK(fit.d.warnings.empty());
  }
  std::vector<double> times;
  for (index_t t = 0; t < 60; ++t) times.push_back(double(t));
  kdm::dmd::optimized_options known;
  known.rounding = data_rounding::of<float>();
  const auto fit = kdm::dmd::optimized(matrix<double>(x.view()), times, known);
  CHECK(matching_error(fit.dynamics(1).eigenvalues, four) < 1e-6);
}

TEST_CASE("rounding: states of unequal size keep what is known of the small ones") {
  // Float columns of 1e6 and 1e-3: both are good to seven digits, and the rounding of the one exceeds the other.
  matrix<float> x(60, 3);
  for (index_t t = 0; t < 60; ++t) {
    const double time = double(t);
    x(t, 0) = float(1e6 * std::cos(.3 * time)), x(t, 1) = float(1e6 * std::sin(.3 * time));
    x(t, 2) = float(1e-3 * std::pow(.8, time));
  }
  const auto d = kdm::dmd::exact(kdm::pairs_from_trajectory(x));
  CHECK(d.rank.rank == 3);
  CHECK(matching_error(d.eigenvalues, {std::polar(1., .3), std::polar(1., -.3), .8}) < 1e-6);
}

TEST_CASE("rounding: decimals are cut when they are declared and warned of when they are not") {
  // Few snapshots of many states, where rounding grows.
  const matrix<double> x = decimals(four_modes(30, 40), 6);
  snapshot_pairs p = kdm::pairs_from_trajectory(x);
  const auto unknown = kdm::dmd::exact(p);
  CHECK(unknown.rank.rank > 4);
  CHECK(std::abs(unknown.eigenvalues.front()) > 1.0001);
  REQUIRE(unknown.warnings.size() == 1);
  CHECK(unknown.warnings[0].starts_with(
      "growing eigenvalues lie within the rounding of the data, which are multiples of 1e-06: "));
  CHECK(unknown.text().find("\nwarning: growing eigenvalues") != std::string::npos);
  CHECK(unknown.note.find("directions kept lie within that rounding") != std::string::npos);
  CHECK_FALSE(kdm::edmd(kdm::identity_dictionary(40), p).dynamics.warnings.empty());

  p.rounding = data_rounding::to(1e-6);
  for (const auto& d : {kdm::dmd::exact(p), kdm::dmd::projected(p), kdm::edmd(kdm::identity_dictionary(40), p).dynamics}) {
    CHECK(d.rank.rank == 4);
    CHECK(matching_error(d.eigenvalues, four) < 1e-5);
    CHECK(d.warnings.empty());
  }
  // Trusted as they are: nothing is cut, nothing is said.
  p.rounding = data_rounding::none();
  CHECK(kdm::dmd::exact(p).warnings.empty());
  CHECK(kdm::dmd::exact(p).rank.rank > 4);
}

TEST_CASE("rounding: features of monomials carry the rounding of their states") {
  // x+ = 0.9 x, y+ = 0.5 y: products of the two. x and y go along a line, up to rounding, so half the monomials repeat.
  matrix<float> x(200, 2), y(200, 2);
  const auto at = random_matrix<double>(200, 1, 3);
  for (index_t i = 0; i < 200; ++i) {
    x(i, 0) = float(at(i, 0)), x(i, 1) = float(at(i, 0) / 3);
    y(i, 0) = float(0.9 * at(i, 0)), y(i, 1) = float(0.9 * at(i, 0) / 3);
  }
  kdm::edmd_accumulator<kdm::monomials> data{kdm::monomials(2, 2)};
  data.append(x, y);
  const auto d = data.fit().dynamics;
  CHECK(d.rank.rank == 3);  // 1, x, x^2
  CHECK(matching_error(d.eigenvalues, {1., .9, .81}) < 1e-5);
}

}  // namespace test_rounding
