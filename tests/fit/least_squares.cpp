// Least squares against exact maps, against closed forms and against the degenerate cases.
#include "kdm/fit/least_squares.hpp"

#include <doctest/doctest.h>

#include <Eigen/LU>
#include <cmath>
#include <limits>

#include "support.hpp"

namespace test_least_squares {

using namespace kdm_test;
using kdm::fit_status;
using kdm::index_t;
using kdm::least_squares;
using kdm::matrix;
using kdm::snapshot_qr;

snapshot_qr factor_of(const matrix<double>& a, const matrix<double>& b, const matrix<double>& weights = {}) {
  snapshot_qr qr(a.cols(), b.cols());
  qr.append(a, b, weights);
  return qr;
}

matrix<double> product(const matrix<double>& a, const matrix<double>& k) {
  return kdm::detail::from_eigen(kdm::detail::to_eigen(a) * kdm::detail::to_eigen(k));
}

bool all_finite(const matrix<double>& m) { return kdm::detail::to_eigen(m).allFinite(); }

/// The minimiser of |A K - B|^2 + sum_j penalty_j |K_j|^2 by its normal equations, for well-conditioned A.
matrix<double> normal_equations(const matrix<double>& a_, const matrix<double>& b_, const Eigen::VectorXd& penalty) {
  const Eigen::MatrixXd a = kdm::detail::to_eigen(a_), b = kdm::detail::to_eigen(b_);
  Eigen::MatrixXd gram = a.transpose() * a;
  gram += penalty.asDiagonal();
  return kdm::detail::from_eigen(gram.partialPivLu().solve(a.transpose() * b));
}

TEST_CASE("svd: singular values and vectors of matrices with known ones") {
  for (index_t n : {1, 2, 5, 20}) {
    CAPTURE(n);
    // Two orthogonal factors by QR, singular values over twelve decades.
    const auto orthogonal = [n](unsigned seed) {
      const Eigen::MatrixXd m = kdm::detail::to_eigen(random_matrix<double>(n, n, seed));
      return Eigen::MatrixXd(Eigen::HouseholderQR<Eigen::MatrixXd>(m).householderQ());
    };
    Eigen::VectorXd s(n);
    for (index_t k = 0; k < n; ++k) s(k) = std::pow(10., -12. * double(k) / 20);
    const Eigen::MatrixXd a = orthogonal(1) * s.asDiagonal() * orthogonal(2).transpose();
    const auto f = kdm::detail::jacobi_svd(a);
    CHECK((f.s - s).cwiseAbs().maxCoeff() < 1e-14);
    CHECK((f.u * f.s.asDiagonal() * f.v.transpose() - a).norm() < 1e-13);
    CHECK((f.u.transpose() * f.u - Eigen::MatrixXd::Identity(n, n)).norm() < 1e-12);
    CHECK((f.v.transpose() * f.v - Eigen::MatrixXd::Identity(n, n)).norm() < 1e-12);
  }
  // Columns that differ in scale alone keep their relative accuracy, and nothing overflows or underflows.
  Eigen::MatrixXd graded(3, 3);
  graded << 1e200, 1e100, 1e-20, 0, 1e100, 1e-20, 0, 0, 1e-20;
  const auto f = kdm::detail::jacobi_svd(graded);
  CHECK(f.s(0) == doctest::Approx(1e200));
  CHECK(f.s(1) == doctest::Approx(1e100));
  CHECK(f.s(2) == doctest::Approx(1e-20));
  const auto zero = kdm::detail::jacobi_svd(Eigen::MatrixXd::Zero(3, 3));
  CHECK(zero.s.norm() == 0);
  graded(1, 1) = std::nan("");
  CHECK_THROWS_AS(kdm::detail::jacobi_svd(graded), kdm::numeric_error);
}

TEST_CASE("least_squares: an exact linear map is recovered") {
  const auto a = random_matrix<double>(100, 6, 1), k = random_matrix<double>(6, 4, 2);
  const auto fit = least_squares(factor_of(a, product(a, k)));
  CHECK(relative_difference(fit.k, k) < 1e-13);
  CHECK(fit.residual < 1e-13);
  CHECK(fit.relative_residual < 1e-14);
  CHECK(fit.rank == 6);
  CHECK(fit.condition >= 1);
  CHECK(fit.condition < 3);
  CHECK(fit.status == fit_status::ok);
}

TEST_CASE("least_squares: noisy data meet the normal equations and the residual their sum") {
  const auto a = random_matrix<double>(200, 5, 1), b = random_matrix<double>(200, 3, 2);
  const auto fit = least_squares(factor_of(a, b));
  CHECK(relative_difference(fit.k, normal_equations(a, b, Eigen::VectorXd::Zero(5))) < 1e-12);
  const auto fitted = product(a, fit.k);
  double left = 0, whole = 0;
  for (index_t i = 0; i < b.size(); ++i) {
    left += std::pow(fitted.data()[i] - b.data()[i], 2);
    whole += std::pow(b.data()[i], 2);
  }
  CHECK(fit.residual == doctest::Approx(std::sqrt(left / 600)).epsilon(1e-12));
  CHECK(fit.relative_residual == doctest::Approx(std::sqrt(left / whole)).epsilon(1e-12));
}

TEST_CASE("least_squares: the condition is that of unit columns") {
  // Columns e1 and cos e1 + sin e2 have sigma^2 = 1 +- cos; their lengths do not matter.
  matrix<double> a(2, 2), b(2, 1);
  const double angle = 0.3;
  a(0, 0) = 1e6, a(0, 1) = 1e-4 * std::cos(angle), a(1, 1) = 1e-4 * std::sin(angle);
  b(0, 0) = 1, b(1, 0) = 2;
  const auto fit = least_squares(factor_of(a, b));
  CHECK(fit.condition == doctest::Approx(std::sqrt((1 + std::cos(angle)) / (1 - std::cos(angle)))).epsilon(1e-12));
  CHECK(relative_difference(product(a, fit.k), b) < 1e-12);
}

TEST_CASE("least_squares: badly scaled columns cost no digits") {
  auto a = random_matrix<double>(100, 5, 1);
  const auto k = random_matrix<double>(5, 2, 2);
  const auto plain = least_squares(factor_of(a, product(a, k)));
  const auto b = product(a, k);
  for (index_t i = 0; i < 100; ++i)
    for (index_t j = 0; j < 5; ++j) a(i, j) *= std::pow(10., 30. * double(j - 2));
  const auto scaled = least_squares(factor_of(a, b));
  CHECK(scaled.rank == 5);
  CHECK(scaled.condition == doctest::Approx(plain.condition).epsilon(1e-10));
  for (index_t j = 0; j < 5; ++j)
    for (index_t c = 0; c < 2; ++c)
      CHECK(scaled.k(j, c) * std::pow(10., 30. * double(j - 2)) == doctest::Approx(k(j, c)).epsilon(1e-12));
}

TEST_CASE("least_squares: ridge is relative to the columns and input noise is not") {
  const auto a = random_matrix<double>(50, 4, 1), b = random_matrix<double>(50, 3, 2);
  const Eigen::VectorXd squares = kdm::detail::to_eigen(a).colwise().squaredNorm().transpose();
  const auto qr = factor_of(a, b);
  for (double alpha : {1e-6, 1e-2, 3.})
    CHECK(relative_difference(least_squares(qr, {.ridge = alpha}).k, normal_equations(a, b, alpha * squares)) < 1e-12);
  for (double s : {1e-2, 0.5})
    CHECK(relative_difference(least_squares(qr, {.input_noise = s}).k,
                              normal_equations(a, b, Eigen::VectorXd::Constant(4, s * s * 50))) < 1e-12);
  CHECK(relative_difference(least_squares(qr, {.ridge = 0.1, .input_noise = 0.5}).k,
                            normal_equations(a, b, 0.1 * squares + Eigen::VectorXd::Constant(4, 12.5))) < 1e-12);

  // One column: ridge divides the coefficient by 1 + alpha, whatever the unit.
  for (double unit : {1e-8, 1., 1e8}) {
    matrix<double> x(2, 1), y(2, 1);
    x(0, 0) = unit, x(1, 0) = 2 * unit, y(0, 0) = 3, y(1, 0) = 6;
    CHECK(least_squares(factor_of(x, y), {.ridge = 0.5}).k(0, 0) * unit == doctest::Approx(2).epsilon(1e-13));
  }
}

TEST_CASE("least_squares: an intercept costs nothing and the others are measured from their means") {
  auto a = random_matrix<double>(60, 4, 1);
  const auto b = random_matrix<double>(60, 2, 2);
  for (index_t i = 0; i < 60; ++i) {
    a(i, 0) = 1;
    a(i, 2) += 7;
  }
  const Eigen::MatrixXd m = kdm::detail::to_eigen(a);
  const double alpha = 0.2, s = 0.3;
  Eigen::VectorXd penalty(4);
  for (index_t j = 0; j < 4; ++j)
    penalty(j) = j == 0 ? 0 : alpha * (m.col(j).array() - m.col(j).mean()).square().sum() + s * s * 60;
  const auto fit = least_squares(factor_of(a, b), {.ridge = alpha, .input_noise = s, .intercept = true});
  CHECK(relative_difference(fit.k, normal_equations(a, b, penalty)) < 1e-12);
}

TEST_CASE("least_squares: weights are repetitions") {
  const auto a = random_matrix<double>(30, 3, 1), b = random_matrix<double>(30, 2, 2);
  matrix<double> weights(30, 1);
  snapshot_qr repeated(3, 2);
  for (index_t i = 0; i < 30; ++i) {
    weights(i, 0) = double(1 + i % 3);
    for (index_t k = 0; k <= i % 3; ++k) repeated.append(a.view().row(i), b.view().row(i));
  }
  const auto x = least_squares(factor_of(a, b, weights), {.input_noise = 0.4});
  const auto y = least_squares(repeated, {.input_noise = 0.4});
  CHECK(relative_difference(x.k, y.k) < 1e-12);
  CHECK(x.residual == doctest::Approx(y.residual).epsilon(1e-12));
}

TEST_CASE("least_squares: a redundant dictionary is flagged and solved with the least norm") {
  // Columns 3 and 4 repeat combinations of 0, 1 and 2.
  auto a = random_matrix<double>(500, 5, 1);
  for (index_t i = 0; i < 500; ++i) {
    a(i, 3) = a(i, 0);
    a(i, 4) = a(i, 1) - 2 * a(i, 2);
  }
  const auto b = product(a, random_matrix<double>(5, 3, 2));
  const auto fit = least_squares(factor_of(a, b));
  CHECK(fit.status == fit_status::rank_deficient);
  CHECK(fit.rank == 3);
  CHECK(fit.condition < 10);
  CHECK(all_finite(fit.k));
  CHECK(fit.relative_residual < 1e-13);
  // Equal columns share their coefficient in the solution of least norm.
  for (index_t c = 0; c < 3; ++c) CHECK(fit.k(0, c) == doctest::Approx(fit.k(3, c)).epsilon(1e-10));
  // Ridge makes the solution unique; the report still says what the data determine.
  const auto ridge = least_squares(factor_of(a, b), {.ridge = 1e-6});
  CHECK(ridge.status == fit_status::rank_deficient);
  CHECK(ridge.rank == 3);
  CHECK(relative_difference(ridge.k, fit.k) < 1e-4);
}

TEST_CASE("least_squares: degenerate data have a finite solution and a status") {
  SUBCASE("fewer rows than columns") {
    for (index_t rows : {1, 2, 3}) {
      CAPTURE(rows);
      const auto a = random_matrix<double>(rows, 4, 1), b = random_matrix<double>(rows, 2, 2);
      const auto fit = least_squares(factor_of(a, b));
      CHECK(fit.status == fit_status::fewer_rows_than_columns);
      CHECK(fit.rank == rows);
      CHECK(fit.relative_residual < 1e-13);
      CHECK(all_finite(fit.k));
    }
  }
  SUBCASE("a zero column gets zero") {
    auto a = random_matrix<double>(30, 3, 1);
    for (index_t i = 0; i < 30; ++i) a(i, 1) = 0;
    for (double ridge : {0., 1e-3}) {
      const auto fit = least_squares(factor_of(a, random_matrix<double>(30, 2, 2)), {.ridge = ridge});
      CHECK(fit.status == fit_status::rank_deficient);
      CHECK(fit.rank == 2);
      CHECK(std::abs(fit.k(1, 0)) + std::abs(fit.k(1, 1)) == 0);
      CHECK(fit.k(0, 0) != 0);
    }
  }
  SUBCASE("a constant column beside an intercept") {
    auto a = random_matrix<double>(30, 3, 1);
    const auto b = random_matrix<double>(30, 2, 2);
    for (index_t i = 0; i < 30; ++i) a(i, 0) = 1, a(i, 2) = 5;
    for (double ridge : {0., 1e-6}) {
      const auto fit = least_squares(factor_of(a, b), {.ridge = ridge, .intercept = true});
      CHECK(fit.status == fit_status::rank_deficient);
      CHECK(fit.rank == 2);
      CHECK(all_finite(fit.k));
      CHECK(relative_difference(fit.k, matrix<double>(3, 2)) < 10);
    }
  }
  SUBCASE("all zero") {
    const auto fit = least_squares(factor_of(matrix<double>(5, 2), matrix<double>(5, 2)), {.ridge = 1});
    CHECK(fit.rank == 0);
    CHECK(fit.status == fit_status::rank_deficient);
    CHECK(relative_difference(fit.k, matrix<double>(2, 2)) == 0);
    CHECK(fit.residual == 0);
    CHECK(fit.relative_residual == 0);
  }
  SUBCASE("weights that leave nothing") {
    const auto a = random_matrix<double>(5, 2, 1);
    const auto fit = least_squares(factor_of(a, a, matrix<double>(5, 1)));
    CHECK(fit.rank == 0);
    CHECK(fit.residual == 0);
  }
}

TEST_CASE("least_squares: bad arguments are refused") {
  CHECK(message_of<kdm::shape_error>([] { least_squares(snapshot_qr(2, 2)); }) ==
        "least_squares: no rows, expected at least 1");
  const auto a = random_matrix<double>(5, 2, 1);
  CHECK(message_of<kdm::option_error>([&] { least_squares(factor_of(a, a), {.ridge = -1}); }) ==
        "least_squares: ridge is -1 and input_noise 0, expected finite numbers, 0 or more");
  CHECK(message_of<kdm::option_error>([&] { least_squares(factor_of(a, a), {.input_noise = std::nan("")}); }) ==
        "least_squares: ridge is 0 and input_noise nan, expected finite numbers, 0 or more");
  CHECK(message_of<kdm::shape_error>([&] { kdm::residual_norm(factor_of(a, a).blocks(), matrix<double>(3, 2)); }) ==
        "residual_norm: rows of k is 3, expected 2");
}

TEST_CASE("least_squares: statuses have names") {
  CHECK(name_of(fit_status::ok) == "ok");
  CHECK(name_of(fit_status::rank_deficient) == "rank deficient");
  CHECK(name_of(fit_status::fewer_rows_than_columns) == "fewer rows than columns");
}

}  // namespace test_least_squares
