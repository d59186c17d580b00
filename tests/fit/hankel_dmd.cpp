// Delays: exponents of signals that are seen in part.
#include "kdm/fit/hankel_dmd.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <complex>
#include <string>
#include <vector>

#include "assignment.hpp"
#include "support.hpp"

namespace test_hankel_dmd {

using namespace kdm_test;
using complex = std::complex<double>;
using kdm::index_t;
using kdm::matrix;

/// sin(0.3 t) + 0.5 sin(0.8 t + 1): one number a snapshot, four exponents.
matrix<double> sines(index_t rows, double phase) {
  matrix<double> x(rows, 1);
  for (index_t t = 0; t < rows; ++t)
    x(t, 0) = std::sin(0.3 * double(t) + phase) + 0.5 * std::sin(0.8 * double(t) + 1 + phase);
  return x;
}
const std::vector<complex> circle{std::polar(1., 0.3), std::polar(1., -0.3), std::polar(1., 0.8), std::polar(1., -0.8)};

TEST_CASE("hankel_dmd: delays find the exponents of a scalar signal where plain DMD cannot") {
  const auto x = sines(60, 0);
  CHECK(kdm::hankel_dmd(x, {1, kdm::rank_rule::tolerance(), 1}).relative_residual > 0.1);
  for (index_t delays : {4, 8}) {
    const auto d = kdm::hankel_dmd(x, {delays, kdm::rank_rule::fixed(4), 1});
    CHECK(matching_error(d.eigenvalues, circle) < 1e-11);
    CHECK(d.states() == 1);
    CHECK(d.features() == delays);
    CHECK(d.modes.cols() == 1);
    const auto windows = kdm::delay_rows(x, delays);
    CHECK(d.step(windows.view().row(0), 20)(0, 0) == doctest::Approx(x(delays - 1 + 20, 0)).epsilon(1e-9));
  }
}

TEST_CASE("hankel_dmd: trajectories of uneven length with no window across a boundary") {
  const std::vector<matrix<double>> several{sines(25, 0), sines(9, 2), sines(40, 4)};
  CHECK(matching_error(kdm::hankel_dmd(several, {4, kdm::rank_rule::fixed(4), 1}).eigenvalues, circle) < 1e-11);
  const std::vector<matrix<double>> with_short{sines(25, 0), sines(4, 2)};
  CHECK(message_of<kdm::shape_error>([&] { kdm::hankel_dmd(with_short, {4, kdm::rank_rule::tolerance(), 1}); }) ==
        "snapshot_pairs: snapshots of trajectory 1 is 4, expected at least 5 for 4 delays and lag 1");
}

TEST_CASE("hodmd: exponents amplitudes and forecasts of several trajectories") {
  const std::vector<matrix<double>> several{sines(50, 0), sines(30, 2)};
  kdm::hodmd_options o;
  o.delays = 6;
  o.dt = 0.5;
  const auto h = kdm::hodmd(several, o);
  CHECK(matching_error(h.eigenvalues, circle) < 1e-9);
  CHECK(h.spatial_rank == 1);
  CHECK(h.relative_residual < 1e-9);
  std::vector<complex> omega;
  for (const auto& l : circle) omega.push_back(std::log(l) / 0.5);
  CHECK(matching_error(h.exponents(), omega) < 1e-8);
  for (index_t i = 0; i < 2; ++i)
    for (index_t j = 0; j < 4; ++j) {
      const bool slow = std::abs(std::arg(h.eigenvalues[std::size_t(j)])) < 0.5;
      CHECK(std::abs(h.amplitudes(i, j)) == doctest::Approx(slow ? 0.5 : 0.25).epsilon(1e-6));
    }
  const auto windows = kdm::delay_rows(several[0], 6);
  CHECK(h.dynamics.step(windows.view().row(0), 10)(0, 0) == doctest::Approx(several[0](15, 0)).epsilon(1e-8));
  // A coarse tolerance keeps the strong pair alone.
  o.mode_tolerance = 0.7;
  CHECK(kdm::hodmd(several, o).eigenvalues.size() == 2);
  o.mode_tolerance = 1;
  CHECK(message_of<kdm::option_error>([&] { kdm::hodmd(several, o); }).find("mode_tolerance 1") != std::string::npos);
  CHECK(message_of<kdm::numeric_error>([&] { kdm::hodmd(matrix<double>(30, 2), {}); }).find("hodmd") == 0);
}

}  // namespace test_hankel_dmd
