// Dynamic mode decomposition on systems whose eigenvalues, modes and futures are known exactly.
#include "kdm/fit/dmd.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <string>
#include <vector>

#include "assignment.hpp"
#include "support.hpp"

namespace test_dmd {

using namespace kdm_test;
using complex = std::complex<double>;
using kdm::dmd_options;
using kdm::fit_status;
using kdm::index_t;
using kdm::linear_dynamics;
using kdm::matrix;
using kdm::rank_rule;
using kdm::snapshot_pairs;

struct method {
  const char* name;
  linear_dynamics (*pairs)(const snapshot_pairs&, const dmd_options&);
  linear_dynamics (*triangle)(const kdm::snapshot_qr&, const dmd_options&, double);
};
const std::vector<method> methods{
    {"projected", kdm::dmd::projected, kdm::dmd::projected},
    {"exact", kdm::dmd::exact, kdm::dmd::exact},
    {"total_least_squares", kdm::dmd::total_least_squares, kdm::dmd::total_least_squares},
    {"forward_backward", kdm::dmd::forward_backward, kdm::dmd::forward_backward},
};

Eigen::MatrixXd random_eigen(index_t rows, index_t cols, unsigned seed) {
  return kdm::detail::to_eigen(random_matrix<double>(rows, cols, seed).view());
}
snapshot_pairs pairs_of(const Eigen::MatrixXd& x, const Eigen::MatrixXd& y, double dt = 1) {
  return kdm::pairs_from_matrices(kdm::detail::from_eigen(x), kdm::detail::from_eigen(y), dt);
}
/// Random rows x and y = x a' : columns move by a.
snapshot_pairs linear_pairs(const Eigen::MatrixXd& a, index_t m, unsigned seed = 1) {
  const Eigen::MatrixXd x = random_eigen(m, a.cols(), seed);
  return pairs_of(x, x * a.transpose());
}
double largest(const std::vector<double>& v) { return *std::max_element(v.begin(), v.end()); }

/// |fit of one step from x - y| over |y|.
double step_error(const linear_dynamics& d, const snapshot_pairs& p) { return relative_difference(d.step(p.x), p.y); }

struct linear_system {
  const char* name;
  Eigen::MatrixXd a;
  std::vector<complex> eigenvalues;
};

/// T1: shear, a non-normal 3 x 3, a negative eigenvalue in a rotated basis, and a triangle; then a spiral with signs.
std::vector<linear_system> linear_systems() {
  Eigen::MatrixXd shear(2, 2), three(3, 3), diagonal(2, 2), turn(2, 2), triangle(2, 2), spiral(4, 4);
  shear << .9, -.2, 0, .6;
  three << .9, .5, 0, 0, .8, .3, 0, 0, .5;
  diagonal << -.9, 0, 0, .7;
  turn << std::cos(0.4), -std::sin(0.4), std::sin(0.4), std::cos(0.4);
  triangle << .8, -.05, 0, .7;
  const complex pair = std::polar(0.95, 2.2);
  spiral << pair.real(), -pair.imag(), 1, 0, pair.imag(), pair.real(), 0, 2, 0, 0, -0.5, 0.3, 0, 0, 0, 1;
  return {{"shear", shear, {.9, .6}},
          {"non-normal", three, {.9, .8, .5}},
          {"negative", turn * diagonal * turn.transpose(), {-.9, .7}},
          {"triangle", triangle, {.8, .7}},
          {"spiral", spiral, {pair, std::conj(pair), -0.5, 1}}};
}

TEST_CASE("dmd: linear maps to rounding by every method from pairs and from a triangle") {
  for (const linear_system& system : linear_systems()) {
    CAPTURE(system.name);
    const index_t n = system.a.rows();
    for (const index_t m : {n, n + 2, index_t(50)}) {  // the pairs themselves, and their triangle
      CAPTURE(m);
      const snapshot_pairs p = linear_pairs(system.a, m);
      kdm::snapshot_qr qr(n, n);
      qr.append(p.x, p.y);
      for (const method& f : methods) {
        CAPTURE(f.name);
        for (const linear_dynamics& d : {f.pairs(p, {}), f.triangle(qr, {}, 1)}) {
          CHECK(matching_error(d.eigenvalues, system.eigenvalues) < (m == 50 ? 1e-14 : 3e-13));
          CHECK(largest(d.residuals) < 1e-12);
          CHECK(largest(d.mode_residuals) < 1e-12);
          CHECK(step_error(d, p) < 1e-12);
          CHECK(relative_difference(d.reconstruct(p.x), p.x) < 1e-12);
          CHECK(d.relative_residual < 1e-12);
          CHECK(d.status == fit_status::ok);
          CHECK(d.note.empty());
          CHECK(d.rank.rank == n);
        }
      }
    }
  }
}

TEST_CASE("dmd: forward over backward stays in one basis and keeps signs") {
  // Bases of x and y that differ cost 0.15 here; principal roots turn -0.9 into 0.9.
  const auto systems = linear_systems();
  for (const std::size_t k : {1, 2}) {
    const auto d = kdm::dmd::forward_backward(linear_pairs(systems[k].a, 200));
    const double error = matching_error(d.eigenvalues, systems[k].eigenvalues);
    MESSAGE(std::string(systems[k].name), ": forward-backward error ", error);
    CHECK(error < 1e-14);
  }
  // Squares that coincide: opposite eigenvalues, a quarter turn, a defective block.
  Eigen::MatrixXd opposite(2, 2), quarter(2, 2), defective(2, 2);
  opposite << .9, .4, 0, -.9;
  quarter << 0, -.9, .9, 0;
  defective << .9, 1, 0, .9;
  CHECK(matching_error(kdm::dmd::forward_backward(linear_pairs(opposite, 50)).eigenvalues, {.9, -.9}) < 1e-14);
  CHECK(matching_error(kdm::dmd::forward_backward(linear_pairs(quarter, 50)).eigenvalues,
                       {complex(0, .9), complex(0, -.9)}) < 1e-14);
  const auto d = kdm::dmd::forward_backward(linear_pairs(defective, 50));
  CHECK(matching_error(d.eigenvalues, {.9, .9}) < 1e-6);  // half the digits: what a defective eigenvalue has
  CHECK(std::abs(d.k(0, 0) + d.k(1, 1) - 1.8) < 1e-13);
  CHECK(std::abs(d.k(0, 0) * d.k(1, 1) - d.k(0, 1) * d.k(1, 0) - 0.81) < 1e-13);
}

TEST_CASE("dmd: the square root near a start squares to the matrix") {
  // b is far enough from start^2 that the first step does not do.
  const Eigen::MatrixXd root = random_eigen(5, 5, 3) + 3 * Eigen::MatrixXd::Identity(5, 5);
  const Eigen::MatrixXd start = root + 0.1 * random_eigen(5, 5, 4);
  const auto found = kdm::detail::square_root_near(root * root, start);
  CHECK(found.converged);
  CHECK((found.root - root).norm() < 1e-12);
  const auto none = kdm::detail::square_root_near(-Eigen::MatrixXd::Identity(1, 1), Eigen::MatrixXd::Ones(1, 1));
  CHECK_FALSE(none.converged);  // no real root
}

TEST_CASE("dmd: the quadratic map on its invariant functions") {
  // x1+ = l x1, x2+ = m x2 + (l^2 - m) x1^2 on (x1, x2, x1^2); Tu, Rowley, Luchtenburg, Brunton, Kutz 2014.
  const double l = 0.9, m = 0.5;
  const matrix<double> at = random_matrix<double>(40, 2, 7);
  matrix<double> x(40, 3), y(40, 3);
  for (index_t i = 0; i < 40; ++i) {
    const double x1 = at(i, 0), x2 = at(i, 1), y1 = l * x1, y2 = m * x2 + (l * l - m) * x1 * x1;
    x(i, 0) = x1, x(i, 1) = x2, x(i, 2) = x1 * x1;
    y(i, 0) = y1, y(i, 1) = y2, y(i, 2) = y1 * y1;
  }
  for (const method& f : methods) {
    CAPTURE(f.name);
    const auto d = f.pairs(kdm::pairs_from_matrices(x, y), {});
    CHECK(matching_error(d.eigenvalues, {l, m, l * l}) < 1e-14);
    // The eigenfunction of m is a multiple of x2 - x1^2.
    REQUIRE(std::abs(d.eigenvalues[2] - m) < 1e-14);
    const matrix<complex> phi = d.eigenfunctions(x);
    const complex scale = phi(0, 2) / (x(0, 1) - x(0, 2));
    for (index_t i = 0; i < 40; ++i) CHECK(std::abs(phi(i, 2) / scale - (x(i, 1) - x(i, 2))) < 1e-13);
  }
}

TEST_CASE("dmd: exact modes are eigenvectors of the operator on all states") {
  // Wide data that no linear map of rank m of their own span fits: y leaves the span of x.
  const index_t m = 4, n = 30;
  const Eigen::MatrixXd x = random_eigen(m, n, 1), y = random_eigen(m, n, 2);
  // A = Y' X'^+, formed here and nowhere else.
  const Eigen::MatrixXd a = y.transpose() * (x * x.transpose()).inverse() * x;
  const auto exact = kdm::dmd::exact(pairs_of(x, y)), projected = kdm::dmd::projected(pairs_of(x, y));
  CHECK(matching_error(exact.eigenvalues, projected.eigenvalues) == 0);
  double worst = 0, distance = 0;
  for (index_t j = 0; j < m; ++j) {
    Eigen::VectorXcd mode(n), shape(n);
    for (index_t i = 0; i < n; ++i) mode(i) = exact.modes(j, i), shape(i) = projected.modes(j, i);
    const complex lambda = exact.eigenvalues[std::size_t(j)];
    worst = std::max(worst, (a * mode - lambda * mode).norm() / mode.norm());
    // Mode residuals by their definition.
    const double residual = (a * shape - lambda * shape).norm() / shape.norm();
    CHECK(projected.mode_residuals[std::size_t(j)] == doctest::Approx(residual).epsilon(1e-12));
    CHECK(exact.mode_residuals[std::size_t(j)] == doctest::Approx(residual).epsilon(1e-12));
    distance = std::max(distance, residual);
    // The exact mode is A shape / lambda.
    CHECK((a * shape / lambda - mode).norm() < 1e-12 * mode.norm());
  }
  CHECK(worst < 1e-12);
  CHECK(distance > 0.1);
  CHECK(exact.status == fit_status::fewer_rows_than_columns);
  CHECK(largest(exact.residuals) < 1e-12);  // pairs met exactly say nothing
  CHECK(step_error(exact, pairs_of(x, y)) < 1e-12);
  CHECK(exact.relative_residual < 1e-12);
  CHECK(projected.relative_residual > 0.1);
}

TEST_CASE("dmd: residuals by their definition") {
  // Noisy pairs: |phi(y) - lambda phi(x)| / |phi(x)| from the eigenfunctions of the result.
  const Eigen::MatrixXd x = random_eigen(60, 3, 1);
  Eigen::MatrixXd a(3, 3);
  a << .9, .5, 0, 0, .8, .3, 0, 0, .5;
  snapshot_pairs p = pairs_of(x, x * a.transpose() + 0.1 * random_eigen(60, 3, 2));
  p.weights = matrix<double>(60, 1);
  for (index_t i = 0; i < 60; ++i) p.weights(i, 0) = double(i % 4);
  for (const method& f : methods) {
    CAPTURE(f.name);
    const auto d = f.pairs(p, {});
    const auto before = d.eigenfunctions(p.x), after = d.eigenfunctions(p.y);
    for (index_t j = 0; j < 3; ++j) {
      double error = 0, size = 0;
      for (index_t i = 0; i < 60; ++i) {
        error += p.weights(i, 0) * std::norm(after(i, j) - d.eigenvalues[std::size_t(j)] * before(i, j));
        size += p.weights(i, 0) * std::norm(before(i, j));
      }
      CHECK(d.residuals[std::size_t(j)] == doctest::Approx(std::sqrt(error / size)).epsilon(1e-12));
      CHECK(d.residuals[std::size_t(j)] > 0.01);
    }
    const auto step = d.step(p.x);
    double error = 0, size = 0;
    for (index_t i = 0; i < 60; ++i)
      for (index_t j = 0; j < 3; ++j) {
        error += p.weights(i, 0) * std::pow(step(i, j) - p.y(i, j), 2);
        size += p.weights(i, 0) * std::pow(p.y(i, j), 2);
      }
    CHECK(d.relative_residual == doctest::Approx(std::sqrt(error / size)).epsilon(1e-12));
  }
}

TEST_CASE("dmd: weights repeat rows and unit snapshots divide by their size") {
  const Eigen::MatrixXd x = random_eigen(9, 2, 1), y = random_eigen(9, 2, 2);
  snapshot_pairs weighted = pairs_of(x, y);
  weighted.weights = matrix<double>(9, 1);
  Eigen::MatrixXd again_x(18, 2), again_y(18, 2);
  index_t rows = 0;
  for (index_t i = 0; i < 9; ++i) {
    weighted.weights(i, 0) = double(i % 3);
    for (index_t k = 0; k < i % 3; ++k) again_x.row(rows) = x.row(i), again_y.row(rows++) = y.row(i);
  }
  const snapshot_pairs repeated = pairs_of(again_x.topRows(rows), again_y.topRows(rows));
  const Eigen::VectorXd norms = x.rowwise().norm();
  const snapshot_pairs divided =
      pairs_of(norms.cwiseInverse().asDiagonal() * x, norms.cwiseInverse().asDiagonal() * y);
  for (const method& f : methods) {
    CAPTURE(f.name);
    CHECK(matching_error(f.pairs(weighted, {}).eigenvalues, f.pairs(repeated, {}).eigenvalues) < 1e-13);
    const auto scaled = f.pairs(pairs_of(x, y), {rank_rule::tolerance(), true});
    CHECK(matching_error(scaled.eigenvalues, f.pairs(divided, {}).eigenvalues) < 1e-13);
    CHECK(matching_error(scaled.eigenvalues, f.pairs(pairs_of(x, y), {}).eigenvalues) > 1e-3);
  }
}

TEST_CASE("dmd: zero eigenvalues have no exact mode and are dropped") {
  // A defective zero and 0.8, seen through 6 states.
  Eigen::MatrixXd a(3, 3);
  a << 0, 1, 0.3, 0, 0, 0.2, 0, 0, 0.8;
  const Eigen::MatrixXd lift = random_eigen(3, 6, 5), z = random_eigen(20, 3, 1);
  const snapshot_pairs p = pairs_of(z * lift, z * a.transpose() * lift);
  const auto exact = kdm::dmd::exact(p);
  CHECK(matching_error(exact.eigenvalues, {0.8}) < 1e-13);
  CHECK(exact.note == "dropped 2 zero eigenvalues: 0 to 1e-09 of the largest");
  CHECK(exact.rank.rank == 3);
  const auto projected = kdm::dmd::projected(p);
  CHECK(matching_error(projected.eigenvalues, {0.8, 0, 0}) < 1e-6);
  CHECK(step_error(projected, p) < 1e-12);
  // From two steps on the two agree: the zeros have died out.
  CHECK(relative_difference(exact.step(p.x, 2), projected.step(p.x, 2)) < 1e-12);
  CHECK(relative_difference(exact.step(p.x, 3), projected.step(p.x, 3)) < 1e-12);
  CHECK(message_of<kdm::numeric_error>([&] { kdm::dmd::exact(pairs_of(z, 0 * z)); }) ==
        "dmd::exact: every eigenvalue is 0, expected one that has a mode");
  CHECK(matching_error(kdm::dmd::projected(pairs_of(z, 0 * z)).eigenvalues, {0, 0, 0}) == 0);

  // Small is not zero: 1e-9 beside 0.8 keeps its mode.
  Eigen::MatrixXd small(2, 2);
  small << 0.8, 0, 0, 1e-9;
  const auto kept = kdm::dmd::exact(linear_pairs(small, 50));
  CHECK(matching_error(kept.eigenvalues, {0.8, 1e-9}) < 1e-14);
  CHECK(kept.note.empty());
}

TEST_CASE("dmd: units and element type do not matter") {
  Eigen::MatrixXd a(3, 3);
  a << .9, .5, 0, 0, .8, .3, 0, 0, .5;
  const snapshot_pairs p = linear_pairs(a, 50), few = linear_pairs(a, 5);
  for (const double unit : {1e-300, 1e-160, 1e160, 1e300})
    for (const snapshot_pairs* source : {&p, &few}) {
      snapshot_pairs scaled = *source;
      for (matrix<double>* m : {&scaled.x, &scaled.y})
        for (index_t i = 0; i < m->size(); ++i) m->data()[i] *= unit;
      for (const method& f : methods) {
        CAPTURE(f.name);
        const auto d = f.pairs(scaled, {});
        CHECK(matching_error(d.eigenvalues, {.9, .8, .5}) < 1e-12);
        CHECK(d.rank.singular_values[0] / unit ==
              doctest::Approx(f.pairs(*source, {}).rank.singular_values[0]).epsilon(1e-12));
      }
    }
  const matrix<float> x(p.x.view()), y(p.y.view());
  for (const method& f : methods)
    CHECK(matching_error(f.pairs(kdm::pairs_from_matrices(x, y), {}).eigenvalues, {.9, .8, .5}) < 1e-6);
}

}  // namespace test_dmd
