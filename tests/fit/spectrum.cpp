// Spectra and residuals of systems whose Koopman eigenvalues are known exactly.
#include "kdm/fit/spectrum.hpp"

#include <doctest/doctest.h>

#include <Eigen/LU>
#include <cmath>
#include <complex>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "assignment.hpp"
#include "kdm/fit/least_squares.hpp"
#include "kdm/fit/residuals.hpp"
#include "support.hpp"

namespace test_spectrum {

using namespace kdm_test;
using complex = std::complex<double>;
using kdm::index_t;
using kdm::least_squares;
using kdm::matrix;
using kdm::snapshot_qr;
using kdm::spectrum;

constexpr double pi = 3.14159265358979323846;

/// Rows of a dictionary at n points in [-1, 1]^2 and at their images: snapshot pairs.
template <class Dictionary, class Map>
std::pair<matrix<double>, matrix<double>> snapshots(index_t n, Dictionary psi, Map map) {
  std::mt19937 engine(1);
  const auto uniform = [&] { return 2 * (double(engine()) + 0.5) / 4294967296. - 1; };
  std::pair<matrix<double>, matrix<double>> pair;
  for (index_t i = 0; i < n; ++i) {
    const double x1 = uniform(), x2 = uniform();
    const auto y = map(x1, x2);
    const std::vector<double> at_x = psi(x1, x2), at_y = psi(y.first, y.second);
    if (i == 0) pair = {matrix<double>(n, index_t(at_x.size())), matrix<double>(n, index_t(at_x.size()))};
    for (std::size_t j = 0; j < at_x.size(); ++j) {
      pair.first(i, index_t(j)) = at_x[j];
      pair.second(i, index_t(j)) = at_y[j];
    }
  }
  return pair;
}

snapshot_qr factor_of(const std::pair<matrix<double>, matrix<double>>& pair) {
  snapshot_qr qr(pair.first.cols(), pair.second.cols());
  qr.append(pair.first, pair.second);
  return qr;
}

std::vector<double> residuals_of(const snapshot_qr& qr, const kdm::spectrum_result& s) {
  return eigenpair_residuals(qr, s.eigenvalues, s.eigenvectors.view());
}

TEST_CASE("assignment: the best matching is found where the greedy one is not") {
  // Greedy takes 1 -> column 0 (cost 1) and pays 10 for the other.
  CHECK(optimal_assignment({{1, 2}, {2, 10}}) == std::vector<std::size_t>{1, 0});
  CHECK(optimal_assignment({{4, 1, 3}, {2, 0, 5}, {3, 2, 2}}) == std::vector<std::size_t>{1, 0, 2});
  CHECK(matching_error({1, 2, 3}, {3, 1, 2.5}) == 0.5);
  CHECK(std::isinf(matching_error({1.}, {})));
}

TEST_CASE("spectrum: eigenvalues by magnitude with conjugate pairs side by side") {
  // Blocks: 0.5, a pair of modulus 2, -3, a pair of modulus 1, in a basis that is not orthogonal.
  Eigen::MatrixXd d = Eigen::MatrixXd::Zero(6, 6);
  const auto rotation = [&](index_t at, double r, double angle) {
    d(at, at) = d(at + 1, at + 1) = r * std::cos(angle);
    d(at, at + 1) = -r * std::sin(angle), d(at + 1, at) = r * std::sin(angle);
  };
  d(0, 0) = 0.5, d(3, 3) = -3;
  rotation(1, 2, 0.7);
  rotation(4, 1, 2.1);
  const Eigen::MatrixXd basis =
      Eigen::MatrixXd::Identity(6, 6) + 0.1 * kdm::detail::to_eigen(random_matrix<double>(6, 6, 3));
  const Eigen::MatrixXd a = basis * d * basis.inverse();
  const auto s = spectrum(kdm::detail::from_eigen(a));
  const std::vector<complex> expected{-3., std::polar(2., 0.7), std::polar(2., -0.7), std::polar(1., 2.1),
                                      std::polar(1., -2.1), 0.5};
  REQUIRE(s.eigenvalues.size() == 6);
  for (std::size_t k = 0; k < 6; ++k) CHECK(std::abs(s.eigenvalues[k] - expected[k]) < 1e-13);
  CHECK(s.eigenvalues[1] == std::conj(s.eigenvalues[2]));
  CHECK(s.radius() == doctest::Approx(3).epsilon(1e-13));
  for (index_t k = 0; k < 6; ++k) {
    double norm = 0;
    for (index_t i = 0; i < 6; ++i) {
      complex image = 0;
      for (index_t j = 0; j < 6; ++j) image += a(i, j) * s.eigenvectors(j, k);
      CHECK(std::abs(image - s.eigenvalues[std::size_t(k)] * s.eigenvectors(i, k)) < 1e-13);
      norm += std::norm(s.eigenvectors(i, k));
    }
    CHECK(norm == doctest::Approx(1));
  }
  // |A|_F^2 is the sum of squares of the singular values, |det A| their product.
  double sum = 0, factor = 1;
  for (const double sigma : s.singular_values) sum += sigma * sigma, factor *= sigma;
  CHECK(sum == doctest::Approx(a.squaredNorm()).epsilon(1e-12));
  CHECK(factor == doctest::Approx(std::abs(d.determinant())).epsilon(1e-12));
  CHECK(std::is_sorted(s.singular_values.rbegin(), s.singular_values.rend()));
  CHECK(s.norm() == s.singular_values.front());
}

TEST_CASE("spectrum: the norm of a nilpotent matrix is not its radius") {
  matrix<double> a(2, 2);
  a(0, 1) = 5;
  const auto s = spectrum(a);
  CHECK(s.radius() == 0);
  CHECK(s.norm() == doctest::Approx(5));
}

TEST_CASE("spectrum: pairs of equal modulus and repeated pairs stay together") {
  // A permutation: the fifth roots of unity twice, all of modulus one up to rounding.
  matrix<double> a(10, 10);
  for (index_t i = 0; i < 5; ++i) a(i, (i + 1) % 5) = 1, a(5 + i, 5 + (i + 1) % 5) = 1;
  const auto s = spectrum(a);
  std::vector<complex> expected;
  for (int k = 0; k < 10; ++k) expected.push_back(std::polar(1., 2 * pi * k / 5));
  CHECK(matching_error(s.eigenvalues, expected) < 1e-13);
  for (std::size_t k = 0; k < 10; ++k)
    if (s.eigenvalues[k].imag() > 0) {
      REQUIRE(k + 1 < 10);
      CHECK(s.eigenvalues[k + 1] == std::conj(s.eigenvalues[k]));
      ++k;
    } else {
      CHECK(s.eigenvalues[k].imag() == 0);
    }
}

TEST_CASE("spectrum: bad matrices are refused") {
  CHECK(message_of<kdm::shape_error>([] { spectrum(matrix<double>(2, 3)); }) ==
        "spectrum: the matrix is 2 x 3, expected a square one");
  CHECK_THROWS_AS(spectrum(matrix<double>()), kdm::shape_error);
  matrix<double> a(2, 2);
  a(1, 0) = std::nan("");
  CHECK(message_of<kdm::numeric_error>([&] { spectrum(a); }) == "spectrum: an element of the matrix is not finite");
}

TEST_CASE("edmd: a linear map on monomials has the products of its eigenvalues") {
  // x+ = A x with A = [[0.9 -0.2] [0 0.6]]: eigenvalues 0.9^i 0.6^j for i + j <= 3.
  const auto psi = [](double x, double y) {
    return std::vector<double>{1, x, y, x * x, x * y, y * y, x * x * x, x * x * y, x * y * y, y * y * y};
  };
  const auto map = [](double x, double y) { return std::pair(0.9 * x - 0.2 * y, 0.6 * y); };
  const auto qr = factor_of(snapshots(200, psi, map));
  const auto fit = least_squares(qr);
  CHECK(fit.status == kdm::fit_status::ok);
  CHECK(fit.relative_residual < 1e-14);
  const auto s = spectrum(fit.k);
  std::vector<complex> expected;
  for (int i = 0; i <= 3; ++i)
    for (int j = 0; i + j <= 3; ++j) expected.push_back(std::pow(0.9, i) * std::pow(0.6, j));
  CHECK(matching_error(s.eigenvalues, expected) < 1e-12);
  for (const double r : residuals_of(qr, s)) CHECK(r < 1e-12);
}

TEST_CASE("edmd: the quadratic map has its three eigenvalues and eigenfunctions") {
  // x1+ = l x1, x2+ = m x2 + (l^2 - m) x1^2; Tu, Rowley, Luchtenburg, Brunton, Kutz 2014.
  const double l = 0.9, m = 0.5;
  const auto psi = [](double x, double y) { return std::vector<double>{x, y, x * x}; };
  const auto qr = factor_of(snapshots(50, psi, [&](double x, double y) {
    return std::pair(l * x, m * y + (l * l - m) * x * x);
  }));
  const auto fit = least_squares(qr);
  const auto s = spectrum(fit.k);
  CHECK(matching_error(s.eigenvalues, {l, m, l * l}) < 1e-12);
  REQUIRE(std::abs(s.eigenvalues[2] - m) < 1e-12);
  CHECK(std::abs(s.eigenvectors(0, 2)) < 1e-12);  // x2 - x1^2
  CHECK(std::abs(s.eigenvectors(1, 2) + s.eigenvectors(2, 2)) < 1e-12);
  for (const double r : residuals_of(qr, s)) CHECK(r < 1e-12);

  SUBCASE("a redundant function adds exact zeros") {
    const auto more = [](double x, double y) { return std::vector<double>{x, y, x * x, x + y, y - 2 * x * x}; };
    const auto redundant = least_squares(factor_of(
        snapshots(50, more, [&](double x, double y) { return std::pair(l * x, m * y + (l * l - m) * x * x); })));
    CHECK(redundant.rank == 3);
    CHECK(redundant.status == kdm::fit_status::rank_deficient);
    CHECK(matching_error(spectrum(redundant.k).eigenvalues, {l, m, l * l, 0, 0}) < 1e-12);
  }
}

TEST_CASE("edmd: the slow manifold keeps the digits that products of the data lose") {
  // Monomials x1^i x2^j with i + 2 j <= 10 are exactly invariant: eigenvalues exp((i mu + j la) dt).
  const double mu = -0.05, la = -1, dt = 0.1, beta = la / (la - 2 * mu);
  const auto psi = [](double x, double y) {
    std::vector<double> values;
    for (int i = 0; i <= 10; ++i)
      for (int j = 0; i + 2 * j <= 10; ++j) values.push_back(std::pow(x, i) * std::pow(y, j));
    return values;
  };
  const auto pair = snapshots(2000, psi, [&](double x, double y) {
    const double bend = beta * x * x;
    return std::pair(x * std::exp(mu * dt), (y - bend) * std::exp(la * dt) + bend * std::exp(2 * mu * dt));
  });
  std::vector<complex> expected;
  for (int i = 0; i <= 10; ++i)
    for (int j = 0; i + 2 * j <= 10; ++j) expected.push_back(std::exp((i * mu + j * la) * dt));
  REQUIRE(expected.size() == 36);

  const auto qr = factor_of(pair);
  const auto fit = least_squares(qr);
  CHECK(fit.rank == 36);
  const auto s = spectrum(fit.k);
  const double error = matching_error(s.eigenvalues, expected);
  CHECK(error < 1e-12);
  for (const double r : residuals_of(qr, s)) CHECK(r < 1e-10);

  const Eigen::MatrixXd x = kdm::detail::to_eigen(pair.first), y = kdm::detail::to_eigen(pair.second);
  const Eigen::MatrixXd gram = x.transpose() * x, cross = x.transpose() * y;
  const double gram_error =
      matching_error(spectrum(kdm::detail::from_eigen(gram.partialPivLu().solve(cross))).eigenvalues, expected);
  MESSAGE("largest eigenvalue error: triangle ", error, ", products ", gram_error, ", condition ", fit.condition);
  CHECK(gram_error > 10 * error);
}

TEST_CASE("residuals: the doubling map has one eigenvalue that the data support") {
  // x+ = 2 x mod 1 on 1, cos and sin of 2 pi k x, k <= 8: the fit says 1 and sixteen zeros; only 1 is one.
  const index_t nodes = 256;
  matrix<double> at_x(nodes, 17), at_y(nodes, 17);
  for (index_t i = 0; i < nodes; ++i) {
    at_x(i, 0) = at_y(i, 0) = 1;
    for (index_t k = 1; k <= 8; ++k) {
      const double phase = 2 * pi * double(k * i) / double(nodes);
      at_x(i, 2 * k - 1) = std::cos(phase), at_x(i, 2 * k) = std::sin(phase);
      at_y(i, 2 * k - 1) = std::cos(2 * phase), at_y(i, 2 * k) = std::sin(2 * phase);
    }
  }
  const auto qr = factor_of({at_x, at_y});
  const auto s = spectrum(least_squares(qr).k);
  const auto r = residuals_of(qr, s);
  CHECK(std::abs(s.eigenvalues[0] - 1.) < 1e-12);
  CHECK(r[0] < 1e-12);
  for (std::size_t k = 1; k < 17; ++k) {
    CHECK(std::abs(s.eigenvalues[k]) < 1e-3);  // a defective zero: rounding is amplified
    CHECK(std::abs(r[k] - 1) < 1e-3);
  }
  // Exact vectors: the constant with 1 and with 0.5, cos(2 pi k x) with 0.
  matrix<complex> g(17, 4);
  g(0, 0) = g(0, 1) = g(1, 2) = g(15, 3) = 1;
  const auto exact = eigenpair_residuals(qr, {1, 0.5, 0, 0}, g);
  CHECK(exact[0] < 1e-14);
  for (const auto& [k, value] : {std::pair<std::size_t, double>(1, 0.5), {2, 1.}, {3, 1.}})
    CHECK(exact[k] == doctest::Approx(value).epsilon(1e-13));
  CHECK(std::isinf(eigenpair_residuals(qr, {1}, matrix<complex>(17, 1))[0]));
}

TEST_CASE("residuals: shapes that do not fit are named") {
  const snapshot_qr wide(3, 2), square(3, 3);
  CHECK(message_of<kdm::shape_error>([&] { eigenpair_residuals(wide, {1}, matrix<complex>(3, 1)); }) ==
        "eigenpair_residuals: columns of b is 2, expected 3");
  CHECK(message_of<kdm::shape_error>([&] { eigenpair_residuals(square, {1}, matrix<complex>(2, 1)); }) ==
        "eigenpair_residuals: rows of the eigenvectors is 2, expected 3");
  CHECK(message_of<kdm::shape_error>([&] { eigenpair_residuals(square, {1}, matrix<complex>(3, 2)); }) ==
        "eigenpair_residuals: columns of the eigenvectors is 2, expected 1");
}

}  // namespace test_spectrum
