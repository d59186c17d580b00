// Fits with a known structure: exact recovery, optimality against perturbations, guarantees on noise.
#include "kdm/fit/structured.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <string>

#include "assignment.hpp"
#include "edmd_data.hpp"
#include "support.hpp"

namespace test_structured {

using namespace kdm_test;
using kdm::matrix_structure;
using kdm::structured_fit;

constexpr matrix_structure all[] = {matrix_structure::orthogonal, matrix_structure::symmetric, matrix_structure::skew,
                                    matrix_structure::circulant, matrix_structure::stable};

Eigen::MatrixXd eigen(const matrix<double>& m) { return kdm::detail::to_eigen(m); }
matrix<double> times(const matrix<double>& x, const Eigen::MatrixXd& k) { return kdm::detail::from_eigen((eigen(x) * k).eval()); }

/// A random matrix of the structure; eps small keeps an orthogonal one near another.
Eigen::MatrixXd example_of(matrix_structure s, index_t n, unsigned seed, double eps = 1) {
  const Eigen::MatrixXd m = eps * eigen(random_matrix<double>(n, n, seed));
  switch (s) {
    case matrix_structure::orthogonal: {  // Cayley transform
      const Eigen::MatrixXd a = (m - m.transpose()) / 2, one = Eigen::MatrixXd::Identity(n, n);
      return (one + a).partialPivLu().solve(one - a);
    }
    case matrix_structure::symmetric: return (m + m.transpose()) / 2;
    case matrix_structure::skew: return (m - m.transpose()) / 2;
    case matrix_structure::circulant: {
      Eigen::MatrixXd c(n, n);
      for (index_t i = 0; i < n; ++i)
        for (index_t j = 0; j < n; ++j) c(i, j) = m(0, (j - i + n) % n);
      return c;
    }
    case matrix_structure::stable: return m * 0.9 / (eps * std::max(1., m.norm() / eps));
  }
  return m;
}

double violation(matrix_structure s, const Eigen::MatrixXd& k) {
  const index_t n = k.rows();
  switch (s) {
    case matrix_structure::orthogonal: return (k.transpose() * k - Eigen::MatrixXd::Identity(n, n)).norm();
    case matrix_structure::symmetric: return (k - k.transpose()).norm();
    case matrix_structure::skew: return (k + k.transpose()).norm();
    case matrix_structure::circulant: {
      double worst = 0;
      for (index_t i = 0; i < n; ++i)
        for (index_t j = 0; j < n; ++j) worst = std::max(worst, std::abs(k(i, j) - k(0, (j - i + n) % n)));
      return worst;
    }
    case matrix_structure::stable:
      return std::max(0., kdm::spectrum(kdm::detail::from_eigen(k)).radius() - 1);
  }
  return INFINITY;
}

TEST_CASE("structured: exact data give back the matrix that made them") {
  for (const auto s : all) {
    const auto x = random_matrix<double>(40, 6, 1);
    const Eigen::MatrixXd k = example_of(s, 6, 2);
    const auto d = structured_fit(x, times(x, k), s, 0.5);
    CAPTURE(kdm::name_of(s));
    CHECK((eigen(d.k) - k).norm() < 1e-12);
    CHECK(violation(s, eigen(d.k)) < 1e-13);
    CHECK(d.relative_residual < 1e-13);
    CHECK(d.dt == 0.5);
    for (const double r : d.residuals) CHECK(r < 1e-11);
    CHECK(d.status == kdm::fit_status::ok);
  }
}

TEST_CASE("structured: noisy data give the best matrix of the structure") {
  for (const auto s : {matrix_structure::orthogonal, matrix_structure::symmetric, matrix_structure::skew,
                       matrix_structure::circulant}) {
    CAPTURE(kdm::name_of(s));
    const auto x = random_matrix<double>(30, 5, 3), y = random_matrix<double>(30, 5, 4);
    const Eigen::MatrixXd k = eigen(structured_fit(x, y, s).k);
    CHECK(violation(s, k) < 1e-13);
    const auto square = [&](const Eigen::MatrixXd& m) { return (eigen(x) * m - eigen(y)).squaredNorm(); };
    const double best = square(k);
    for (unsigned seed = 10; seed < 30; ++seed) {
      // On both sides of the minimum along the manifold.
      const Eigen::MatrixXd step = example_of(s, 5, seed, 1e-3);
      const bool turned = s == matrix_structure::orthogonal;
      const double ahead = square(turned ? (k * step).eval() : (k + step).eval());
      const double behind = square(turned ? (k * step.transpose()).eval() : (k - step).eval());
      CHECK(ahead > best);
      CHECK(behind > best);
    }
  }
}

TEST_CASE("structured: what the data do not show is left out and said") {
  // All states lie in a plane of four dimensions.
  const Eigen::MatrixXd plane = eigen(random_matrix<double>(2, 4, 5));
  const matrix<double> x = times(random_matrix<double>(20, 2, 6), plane);
  for (const auto s : all) {
    CAPTURE(kdm::name_of(s));
    const auto d = structured_fit(x, times(x, example_of(s, 4, 7)), s);
    CHECK(d.rank.rank == 2);
    CHECK(d.status == kdm::fit_status::rank_deficient);
    CHECK(violation(s, eigen(d.k)) < 1e-12);
    // Still all the data say is met: a singular problem has many minima, and this is one of them.
    CHECK(d.relative_residual < 1e-12);
  }
}

TEST_CASE("structured: stable fits of unstable data stay in the disc and beat pulling the spectrum in") {
  double ratio = 0;
  for (unsigned seed = 0; seed < 5; ++seed) {
    const auto x = random_matrix<double>(60, 6, 20 + seed);
    Eigen::MatrixXd k = eigen(random_matrix<double>(6, 6, 40 + seed));
    k *= 1.3 / kdm::spectrum(kdm::detail::from_eigen(k)).radius();
    const matrix<double> y = times(x, k);
    const auto d = structured_fit(x, y, matrix_structure::stable);
    CHECK(std::abs(d.eigenvalues[0]) <= 1);
    const double found = (eigen(x) * eigen(d.k) - eigen(y)).norm(), pulled = (eigen(x) * (k / 1.3 - k)).norm();
    CHECK(found < pulled);
    ratio += found / pulled / 5;
  }
  MESSAGE("residual over that of the scaled matrix, mean of five: ", ratio);
  // A normal matrix: the best is to clip its eigenvalues, which the convex step can reach.
  const Eigen::MatrixXd turn = example_of(matrix_structure::orthogonal, 4, 9);
  const Eigen::VectorXd size = (Eigen::VectorXd(4) << 1.2, 0.9, 0.5, 1.1).finished();
  const Eigen::MatrixXd grown = turn * size.asDiagonal() * turn.transpose();
  const auto x = kdm::detail::from_eigen(Eigen::MatrixXd::Identity(4, 4));
  const auto clipped = structured_fit(x, times(x, grown), matrix_structure::stable);
  CHECK(matching_error(clipped.eigenvalues, {1, 0.9, 0.5, 1}) < 2e-3);
  CHECK((eigen(clipped.k) - grown).norm() == doctest::Approx(std::hypot(0.2, 0.1)).epsilon(1e-3));
}

TEST_CASE("structured: stable fits of a matrix far from normal are near the best one known") {
  // Eigenvalues 1.02 and 0.97. Its entry below the diagonal at -1.2e-4 gives the eigenvalues 1 and 0.99.
  const Eigen::MatrixXd a = (Eigen::MatrixXd(2, 2) << 1.02, 5, 0, 0.97).finished();
  Eigen::MatrixXd known = a;
  known(1, 0) = -1.2e-4;
  CHECK(kdm::spectrum(kdm::detail::from_eigen(known)).radius() < 1 + 1e-12);
  for (const double unit : {1., 1e-3, 1e3}) {  // of the second state beside the first
    CAPTURE(unit);
    const Eigen::MatrixXd units = Eigen::Vector2d(1, unit).asDiagonal();
    for (unsigned seed = 1; seed <= 3; ++seed) {
      CAPTURE(seed);
      const Eigen::MatrixXd plain = eigen(random_matrix<double>(200, 2, seed));
      const matrix<double> x = kdm::detail::from_eigen((plain * units).eval());
      const Eigen::MatrixXd wanted = plain * a.transpose() * units;
      const auto d = structured_fit(x, kdm::detail::from_eigen(wanted), matrix_structure::stable);
      const double best_known = (plain * known.transpose() * units - wanted).norm() / wanted.norm();
      CHECK(std::abs(d.eigenvalues[0]) <= 1);
      CHECK(d.relative_residual < 1.01 * best_known);
      CHECK(d.status == kdm::fit_status::ok);
      CHECK(d.note == "the unconstrained fit is unstable: this is a local minimum among the stable ones");
    }
  }
  // A chain of eight, radius 1.04: pulled in as a whole it is off by 4 %.
  Eigen::MatrixXd chain = Eigen::MatrixXd::Zero(8, 8);
  for (index_t i = 0; i < 8; ++i) {
    chain(i, i) = 0.9 + 0.02 * double(i);
    for (index_t j = i + 1; j < 8; ++j) chain(i, j) = 0.5;
  }
  const auto x = random_matrix<double>(100, 8, 4);
  const auto d = structured_fit(x, times(x, chain), matrix_structure::stable);
  CHECK(std::abs(d.eigenvalues[0]) <= 1);
  CHECK(d.relative_residual < 0.012);
  // Status and note agree, whichever way the search ended.
  CHECK((d.status == kdm::fit_status::ok) == (d.note.find("has not converged") == std::string::npos));
  // A stable minimum is taken as it is, and nothing need be said.
  const auto inside = structured_fit(x, times(x, 0.9 * chain), matrix_structure::stable);
  CHECK(inside.note.empty());
  CHECK(inside.relative_residual < 1e-13);
}

TEST_CASE("structured: bad input is refused") {
  const auto x = points(10, 3), y = points(10, 3, 2);
  for (const auto s : all) {
    CHECK_THROWS_AS(structured_fit(x, points(10, 2), s), kdm::shape_error);
    CHECK_THROWS_AS(structured_fit(x, points(9, 3), s), kdm::shape_error);
    CHECK_THROWS_AS(structured_fit(matrix<double>(0, 3), matrix<double>(0, 3), s), kdm::shape_error);
    CHECK_THROWS_AS(structured_fit(matrix<double>(5, 3), points(5, 3), s), kdm::numeric_error);
    CHECK_THROWS_AS(structured_fit(x, y, s, 0), kdm::option_error);
    matrix<double> bad = y;
    bad(2, 2) = INFINITY;
    CHECK_THROWS_AS(structured_fit(x, bad, s), kdm::numeric_error);
    const auto one = structured_fit(x.view().row_range(0, 1), y.view().row_range(0, 1), s);
    CHECK(one.status == kdm::fit_status::fewer_rows_than_columns);
    CHECK(violation(s, eigen(one.k)) < 1e-12);
  }
  CHECK(kdm::name_of(matrix_structure::skew) == "skew");
}

}  // namespace test_structured
