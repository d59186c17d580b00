// Streams: DMD of pairs that pass by once, and the operator of a system that changes.
#include "kdm/fit/streaming_dmd.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <complex>
#include <vector>

#include "assignment.hpp"
#include "kdm/fit/online_dmd.hpp"
#include "support.hpp"

namespace test_streaming_dmd {

using namespace kdm_test;
using complex = std::complex<double>;
using kdm::index_t;
using kdm::matrix;

/// Four modes in `n` dimensions: a rotating pair and two decays; row t is the state after t steps.
const std::vector<complex> lambda{std::polar(0.99, 0.3), std::polar(0.99, -0.3), 0.9, -0.8};
matrix<double> trajectory(index_t rows, index_t n) {
  const auto mode = random_matrix<double>(4, n, 17);
  matrix<double> x(rows, n);
  for (index_t t = 0; t < rows; ++t) {
    const complex turn = std::pow(lambda[0], double(t));
    const double c[4] = {turn.real(), turn.imag(), std::pow(0.9, double(t)), std::pow(-0.8, double(t))};
    for (index_t k = 0; k < n; ++k)
      for (index_t j = 0; j < 4; ++j) x(t, k) += c[j] * mode(j, k);
  }
  return x;
}

TEST_CASE("streaming_dmd: pairs seen once give the eigenvalues of all pairs") {
  const auto x = trajectory(41, 60);
  for (index_t portion : {1, 7, 40}) {
    CAPTURE(portion);
    kdm::streaming_dmd stream(60, {6, 1e-10, 0.5});
    for (index_t at = 0; at < 40; at += portion) {
      const index_t n = std::min(portion, 40 - at);
      stream.append(x.view().row_range(at, n), x.view().row_range(at + 1, n));
    }
    CHECK(stream.pairs() == 40);
    CHECK(stream.directions() == 4);
    CHECK(stream.lost() == 0);
    const auto d = stream.dynamics();
    CHECK(matching_error(d.eigenvalues, lambda) < 1e-12);
    CHECK(d.dt == 0.5);
    CHECK(relative_difference(d.step(x.view().row(0), 3), matrix<double>(x.view().row(3))) < 1e-12);
    for (const double r : d.residuals) CHECK(r < 1e-11);
  }
}

TEST_CASE("streaming_dmd: the basis is cut where noise fills it and the leading modes stay") {
  auto x = trajectory(200, 80);
  const auto noise = random_matrix<double>(200, 80, 5, 1e-7);
  for (index_t i = 0; i < x.size(); ++i) x.data()[i] += noise.data()[i];
  kdm::streaming_dmd stream(80, {8, 1e-10, 1});
  stream.append(x.view().row_range(0, 199), x.view().row_range(1, 199));
  CHECK(stream.directions() <= 16);
  CHECK(stream.lost() > 0);
  CHECK(stream.lost() < 1e-11);
  CHECK(matching_error(stream.dynamics(kdm::rank_rule::fixed(4)).eigenvalues, lambda) < 1e-5);
}

TEST_CASE("streaming_dmd: zero constant and bad pairs") {
  kdm::streaming_dmd stream(3, {2, 1e-10, 1});
  CHECK(message_of<kdm::shape_error>([&] { stream.dynamics(); }) == "streaming_dmd: no pairs, expected at least 1");
  stream.append(matrix<double>(2, 3), matrix<double>(2, 3));
  CHECK(message_of<kdm::numeric_error>([&] { stream.dynamics(); }) == "streaming_dmd: all snapshots are zero");
  matrix<double> bad(2, 3);
  bad(1, 2) = std::nan("");
  CHECK(message_of<kdm::numeric_error>([&] { stream.append(bad, matrix<double>(2, 3)); }) ==
        "snapshot_qr: row 3 of a has nan in column 2, expected a finite number");
  CHECK(message_of<kdm::shape_error>([&] { stream.append(matrix<double>(2, 4), matrix<double>(2, 4)); }) ==
        "streaming_dmd: columns of x is 4, expected 3");
  CHECK(stream.pairs() == 2);
  matrix<float> constant(4, 3);
  for (index_t i = 0; i < 12; ++i) constant.data()[i] = 2;
  stream.append(constant, constant);
  CHECK(stream.directions() == 1);
  CHECK(matching_error(stream.dynamics().eigenvalues, {1.}) < 1e-14);
  CHECK(message_of<kdm::option_error>([] { kdm::streaming_dmd(3, {0, 1e-10, 1}); }).find("max_rank is 0") !=
        std::string::npos);
}

TEST_CASE("online_dmd: without forgetting it is the fit of all pairs") {
  const auto a = random_matrix<double>(3, 3, 1, 0.4), x = random_matrix<double>(50, 3, 2);
  matrix<double> y(50, 3);
  for (index_t i = 0; i < 50; ++i)
    for (index_t j = 0; j < 3; ++j)
      for (index_t k = 0; k < 3; ++k) y(i, j) += x(i, k) * a(k, j);
  kdm::online_dmd online(3);
  for (index_t i = 0; i < 50; ++i) online.append(x.view().row(i), y.view().row(i));
  CHECK(online.pairs() == 50);
  CHECK(relative_difference(online.k(), a) < 1e-13);
  const auto d = online.dynamics();
  CHECK(relative_difference(d.step(x), y) < 1e-13);
  CHECK(d.status == kdm::fit_status::ok);
  CHECK(d.rank.rank == 3);
  for (const double r : d.residuals) CHECK(r < 1e-12);
}

TEST_CASE("online_dmd: with forgetting it follows a rotation that speeds up") {
  kdm::online_dmd online(2, {0.8, 1});
  double angle = 0;
  matrix<double> x(1, 2), y(1, 2);
  x(0, 0) = 1;
  for (int t = 0; t < 400; ++t) {
    angle = 0.1 + 0.001 * t;
    y(0, 0) = std::cos(angle) * x(0, 0) - std::sin(angle) * x(0, 1);
    y(0, 1) = std::sin(angle) * x(0, 0) + std::cos(angle) * x(0, 1);
    online.append(x, y);
    x = y;
  }
  // The fit is that of a mean some 1 / (1 - 0.8) steps back.
  const auto found = online.dynamics().eigenvalues;
  CHECK(matching_error(found, {std::polar(1., angle), std::polar(1., -angle)}) < 0.01);
  CHECK(matching_error(found, {std::polar(1., angle), std::polar(1., -angle)}) > 1e-4);
}

TEST_CASE("online_dmd: it stays finite on a stream that excites nothing") {
  for (const double forgetting : {0.9, 0.5}) {
    kdm::online_dmd online(2, {forgetting, 1});
    const auto first = random_matrix<double>(20, 2, 3);
    matrix<double> image(20, 2);
    for (index_t i = 0; i < 20; ++i) image(i, 0) = 0.5 * first(i, 0), image(i, 1) = 0.7 * first(i, 1);
    online.append(first, image);
    matrix<double> x(1, 2), y(1, 2);
    x(0, 0) = 1, x(0, 1) = 1;
    y(0, 0) = 0.5, y(0, 1) = 0.7;
    for (int t = 0; t < 5000; ++t) online.append(x, y);
    const auto d = online.dynamics();
    CHECK(kdm::first_not_finite(d.k.view()) == -1);
    CHECK(relative_difference(d.step(x), y) < 1e-12);
    CHECK(d.status == kdm::fit_status::rank_deficient);
  }
}

TEST_CASE("online_dmd: options and an empty stream are errors") {
  CHECK(message_of<kdm::option_error>([] { kdm::online_dmd(2, {0, 1}); }) ==
        "snapshot_qr: forgetting is 0, expected more than 0 and at most 1");
  CHECK(message_of<kdm::option_error>([] { kdm::online_dmd(2, {1, -1}); }) ==
        "online_dmd: dt is -1, expected a finite number above 0");
  CHECK(message_of<kdm::shape_error>([] { kdm::online_dmd(2).dynamics(); }) ==
        "least_squares: no rows, expected at least 1");
}

}  // namespace test_streaming_dmd
