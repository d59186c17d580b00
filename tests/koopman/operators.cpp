// Every operator as a layer: gradients, other memory spaces, and the matrix that it says to be.
#include <doctest/doctest.h>

#include <cmath>
#include <complex>
#include <limits>
#include <string>
#include <vector>

#include "backend/six_clauses.hpp"
#include "kdm/backend/reference.hpp"
#include "kdm/koopman/block_diagonal_operator.hpp"
#include "kdm/koopman/controlled_operator.hpp"
#include "kdm/koopman/eigen_operator.hpp"
#include "kdm/koopman/generator_operator.hpp"
#include "kdm/koopman/low_rank_operator.hpp"
#include "kdm/koopman/model.hpp"
#include "kdm/koopman/orthogonal_operator.hpp"
#include "kdm/nn/runner.hpp"
#include "kdm/testing/layers.hpp"
#include "support.hpp"

namespace {

using namespace kdm_test;
using kdm::block_diagonal_operator;
using kdm::const_view;
using kdm::controlled_operator;
using kdm::eigen_operator;
using kdm::generator_operator;
using kdm::index_t;
using kdm::low_rank_operator;
using kdm::matrix;
using kdm::option_error;
using kdm::orthogonal_operator;
using kdm::reference_backend;
using kdm::shape_error;

template <class O>
constexpr bool is_operator = kdm::koopman_operator<O, reference_backend<double>> &&
                             kdm::koopman_operator<O, six_clauses<float>>;
static_assert(is_operator<block_diagonal_operator> && is_operator<eigen_operator> && is_operator<low_rank_operator>);
static_assert(is_operator<orthogonal_operator> && is_operator<generator_operator> && is_operator<controlled_operator>);

/// Initial weights with noise on top, so that nothing is zero.
template <class O>
matrix<double> weights_of(const O& o, unsigned seed = 1) {
  matrix<double> w = kdm::initial_weights<double>(kdm::manifest_of(o), seed);
  const matrix<double> noise = random_matrix<double>(1, w.cols(), seed + 100, 0.1);
  for (index_t k = 0; k < w.size(); ++k) w.data()[k] += noise.data()[k];
  return w;
}

matrix<double> product(const matrix<double>& a, const matrix<double>& b) {
  matrix<double> c(a.rows(), b.cols());
  for (index_t i = 0; i < a.rows(); ++i)
    for (index_t j = 0; j < b.cols(); ++j)
      for (index_t k = 0; k < a.cols(); ++k) c(i, j) += a(i, k) * b(k, j);
  return c;
}

matrix<double> transpose(const matrix<double>& a) {
  matrix<double> t(a.cols(), a.rows());
  for (index_t i = 0; i < a.rows(); ++i)
    for (index_t j = 0; j < a.cols(); ++j) t(j, i) = a(i, j);
  return t;
}

matrix<double> eye(index_t n) {
  matrix<double> m(n, n);
  for (index_t k = 0; k < n; ++k) m(k, k) = 1;
  return m;
}

/// The layer on every backend, its gradient against differences, and its rows against the matrix that it shows.
template <class O>
void check_everything(const O& o, const char* name) {
  INFO(name, ", latent ", o.latent());
  kdm::testing::conformance_report report;
  kdm::testing::check_layer(reference_backend<double>{}, o, name, report);
  kdm::testing::check_layer(six_clauses<double>{}, o, name, report);
  kdm::testing::check_layer(six_clauses<float>{}, o, name, report);
  for (const auto& topic : report.topics())
    for (const auto& failure : topic.failures) FAIL_CHECK(failure);

  const matrix<double> w = weights_of(o), z = random_matrix<double>(9, o.inputs(), 7);
  const kdm::affine_map map = o.affine(w.view());
  matrix<double> expected = product(matrix<double>(z.view().col_range(0, o.latent())), transpose(map.a));
  for (index_t i = 0; i < 9; ++i)
    for (index_t j = 0; j < o.latent(); ++j) expected(i, j) += map.c(0, j);
  matrix<double> shown = z;
  for (index_t i = 0; i < 9; ++i)
    for (index_t j = o.latent(); j < o.inputs(); ++j) shown(i, j) = 0;  // no control
  kdm::runner run(o, w.view(), reference_backend<double>{});
  CHECK(relative_difference(run(shown.view()), expected) < 1e-13);
}

/// assign and affine are each other's inverse for what the operator can be.
template <class O>
void check_round_trip(const O& o, double allowed, unsigned seed = 1) {
  const matrix<double> w = weights_of(o, seed);
  const kdm::affine_map map = o.affine(w.view());
  matrix<double> back = weights_of(o, seed + 1);
  o.assign(map, back.view());
  const kdm::affine_map again = o.affine(back.view());
  INFO("latent ", o.latent());
  CHECK(relative_difference(again.a, map.a) < allowed);
  CHECK(relative_difference(again.c, map.c) < allowed);
}

TEST_CASE("operators: gradients in every space and the matrix they show") {
  SUBCASE("block_diagonal_operator") {
    check_everything(block_diagonal_operator(8), "pairs");
    check_everything(block_diagonal_operator(7), "pairs and a real eigenvalue");
    check_everything(block_diagonal_operator(6, 4), "a pair and real eigenvalues");
    check_everything(block_diagonal_operator(3, 3), "real eigenvalues");
    check_everything(block_diagonal_operator(1), "one number");
  }
  SUBCASE("eigen_operator") {
    check_everything(eigen_operator(6), "pairs");
    check_everything(eigen_operator(7), "pairs and a real eigenvalue");
    check_everything(eigen_operator(6, 4), "a pair and real eigenvalues");
    check_everything(eigen_operator(3, 3), "real eigenvalues");
    check_everything(eigen_operator(2), "one pair");
    check_everything(eigen_operator(1), "one number");
  }
  SUBCASE("low_rank_operator") {
    check_everything(low_rank_operator(7, 3), "rank 3");
    check_everything(low_rank_operator(7, 3, false), "rank 3, no bias");
    check_everything(low_rank_operator(4, 4), "full rank");
    check_everything(low_rank_operator(1, 1), "one number");
  }
  SUBCASE("orthogonal_operator") {
    check_everything(orthogonal_operator(6), "rotations of even dimension");
    check_everything(orthogonal_operator(7), "rotations of odd dimension");
    check_everything(orthogonal_operator(6, -1), "with a reflection");
    check_everything(orthogonal_operator(2), "a plane");
  }
  SUBCASE("generator_operator") {
    check_everything(generator_operator(6, 1, 16, kdm::initializer::pytorch), "time 1");
    check_everything(generator_operator(5, -0.3, 4, kdm::initializer::pytorch), "back in time");
    check_everything(generator_operator(4, 0), "time 0");
    check_everything(generator_operator(4), "the identity");
  }
  SUBCASE("controlled_operator") { check_everything(controlled_operator(5, 2), "two controls"); }
}

TEST_CASE("operators: a matrix that an operator can be is set exactly") {
  for (unsigned seed = 1; seed < 4; ++seed) {
    for (const index_t latent : {1, 2, 3, 8}) {
      check_round_trip(block_diagonal_operator(latent), 1e-14, seed);
      check_round_trip(low_rank_operator(latent, (latent + 1) / 2), 1e-14, seed);
      check_round_trip(orthogonal_operator(latent), 1e-14, seed);
      check_round_trip(orthogonal_operator(latent, -1), 1e-14, seed);
      check_round_trip(generator_operator(latent, 0.7, 16, kdm::initializer::pytorch), 1e-13, seed);
      check_round_trip(eigen_operator(latent), 1e-13, seed);
    }
    check_round_trip(block_diagonal_operator(6, 4), 1e-14, seed);
    check_round_trip(eigen_operator(9, 5), 1e-13, seed);
    check_round_trip(eigen_operator(9, 9), 1e-13, seed);
    check_round_trip(controlled_operator(4, 3), 0x1p-52, seed);
  }
  check_round_trip(eigen_operator(40), 1e-12);
  check_round_trip(eigen_operator(41, 21), 1e-12);
}

TEST_CASE("operators: sizes and tensors") {
  CHECK(kdm::manifest_of(block_diagonal_operator(7)).size() == 7);
  CHECK(kdm::manifest_of(eigen_operator(7)).size() == 49);
  CHECK(kdm::manifest_of(low_rank_operator(10, 3)).size() == 70);
  CHECK(kdm::manifest_of(orthogonal_operator(7)).size() == 42);
  CHECK(kdm::manifest_of(controlled_operator(4, 3)).size() == 28);
  std::vector<std::string> names;
  for (const auto& e : kdm::manifest_of(eigen_operator(7), "koopman")) names.push_back(e.name);
  CHECK(names == std::vector<std::string>{"koopman.nu", "koopman.theta", "koopman.rho", "koopman.upper",
                                          "koopman.reflections"});
}

TEST_CASE("operators: what cannot be is named") {
  CHECK(message_of<shape_error>([] { block_diagonal_operator(0); }) ==
        "block_diagonal_operator: latent is 0, expected at least 1");
  CHECK(message_of<option_error>([] { block_diagonal_operator(5, 2); }) ==
        "block_diagonal_operator: reals is 2, expected 0 to 5 with an even number left for pairs");
  CHECK(message_of<option_error>([] { eigen_operator(4, 6); }) ==
        "eigen_operator: reals is 6, expected 0 to 4 with an even number left for pairs");
  CHECK(message_of<shape_error>([] { eigen_operator(0); }) == "eigen_operator: latent is 0, expected at least 1");
  CHECK(message_of<shape_error>([] { low_rank_operator(3, 4); }) ==
        "low_rank_operator: rank is 4, expected 1 to 3, the latent dimension");
  CHECK(message_of<option_error>([] { orthogonal_operator(3, 0); }) ==
        "orthogonal_operator: determinant is 0, expected 1 or -1");
  CHECK(message_of<option_error>([] { generator_operator(3, std::nan("")); }) ==
        "generator_operator: time is nan, expected a finite number");
  CHECK(message_of<option_error>([] { generator_operator(3, 1, 0); }) ==
        "generator_operator: bound is 0, expected a finite number above 0");
  CHECK(message_of<shape_error>([] { controlled_operator(3, 0); }) ==
        "controlled_operator: controls is 0, expected at least 1");

  const kdm::affine_map small{eye(2), matrix<double>(1, 2)};
  const auto refused = [&](const auto& o) {
    matrix<double> w = weights_of(o);
    const matrix<double> before = w;
    const std::string message = message_of<shape_error>([&] { o.assign(small, w.view()); });
    CHECK(relative_difference(w, before) == 0);
    return message;
  };
  CHECK(refused(block_diagonal_operator(3)) == "block_diagonal_operator: rows of the fitted matrix is 2, expected 3");
  CHECK(refused(eigen_operator(3)) == "eigen_operator: rows of the fitted matrix is 2, expected 3");
  CHECK(refused(low_rank_operator(3, 1)) == "low_rank_operator: rows of the fitted matrix is 2, expected 3");
  CHECK(refused(orthogonal_operator(3)) == "orthogonal_operator: rows of the fitted matrix is 2, expected 3");
  CHECK(refused(generator_operator(3)) == "generator_operator: rows of the fitted matrix is 2, expected 3");
  CHECK(refused(controlled_operator(3, 1)) == "controlled_operator: rows of the fitted matrix is 2, expected 3");

  kdm::affine_map broken{eye(3), matrix<double>(1, 3)};
  broken.a(1, 2) = std::numeric_limits<double>::infinity();
  matrix<double> w = weights_of(eigen_operator(3));
  CHECK(message_of<kdm::numeric_error>([&] { eigen_operator(3).assign(broken, w.view()); }) ==
        "eigen_operator: element (1, 2) of the fitted matrix is inf, expected a finite number");
}

TEST_CASE("block_diagonal_operator: eigenvalues are those of its weights") {
  const block_diagonal_operator o(5, 1);
  const matrix<double> w = weights_of(o), a = o.affine(w.view()).a;
  for (index_t k = 0; k < 2; ++k) {
    // Acting on (1, -i) in the pair's two columns multiplies by lambda.
    const std::complex<double> lambda = std::exp(std::complex<double>(-std::exp(w(0, k)), w(0, 2 + k)));
    CHECK(std::abs(std::complex<double>(a(k, k), -a(k, 2 + k)) - lambda) < 1e-15);
    CHECK(std::abs(std::complex<double>(a(2 + k, k), -a(2 + k, 2 + k)) - std::complex<double>(0, -1) * lambda) < 1e-15);
  }
  CHECK(a(4, 4) == doctest::Approx(std::tanh(w(0, 4))).epsilon(1e-15));
}

TEST_CASE("block_diagonal_operator: a fit becomes the nearest such matrix") {
  const block_diagonal_operator o(5);
  const matrix<double> fit = random_matrix<double>(5, 5, 3, 0.3);
  matrix<double> w(1, 5);
  o.assign({fit, matrix<double>(1, 5)}, w.view());
  const auto distance = [&](const matrix<double>& weights) {
    const matrix<double> a = o.affine(weights.view()).a;
    double sum = 0;
    for (index_t k = 0; k < a.size(); ++k) sum += (a.data()[k] - fit.data()[k]) * (a.data()[k] - fit.data()[k]);
    return sum;
  };
  const double best = distance(w);
  for (unsigned seed = 0; seed < 50; ++seed) {
    matrix<double> other = w;
    const matrix<double> step = random_matrix<double>(1, 5, seed, 0.1);
    for (index_t k = 0; k < 5; ++k) other.data()[k] += step.data()[k];
    CHECK(distance(other) > best);
  }
  // Outside the disc: onto its rim, in the same direction.
  matrix<double> far = eye(5);
  far(0, 0) = far(2, 2) = 3, far(2, 0) = 4, far(0, 2) = -4, far(4, 4) = -2;
  o.assign({far, matrix<double>(1, 5)}, w.view());
  const matrix<double> a = o.affine(w.view()).a;
  CHECK(a(0, 0) == doctest::Approx(0.6).epsilon(2e-6));
  CHECK(a(2, 0) == doctest::Approx(0.8).epsilon(2e-6));
  CHECK(a(4, 4) == doctest::Approx(-1).epsilon(2e-6));
}

TEST_CASE("orthogonal_operator: orthogonal for any weights and of the determinant promised") {
  for (const int determinant : {1, -1})
    for (const index_t n : {1, 2, 5, 8, 30}) {
      const orthogonal_operator o(n, determinant);
      CHECK(o.determinant() == determinant);
      matrix<double> w = weights_of(o);
      for (index_t k = 0; k < w.size(); ++k) w.data()[k] *= std::pow(10., double(k % 7) - 3);
      for (index_t k = n; k < w.size(); ++k)
        if (n == 8) w.data()[k] = w.data()[k % n] + 1e-6 * w.data()[k];  // reflections that are nearly the same
      const matrix<double> a = o.affine(w.view()).a;
      CHECK(relative_difference(product(a, transpose(a)), eye(n)) < 1e-13);
      // The determinant, by elimination.
      matrix<double> m = a;
      double det = 1;
      for (index_t k = 0; k < n; ++k) {
        index_t p = k;
        for (index_t i = k; i < n; ++i)
          if (std::abs(m(i, k)) > std::abs(m(p, k))) p = i;
        for (index_t j = 0; j < n; ++j) std::swap(m(k, j), m(p, j));
        det *= m(k, k) * (p == k ? 1 : -1);
        for (index_t i = k + 1; i < n; ++i) {
          const double factor = m(i, k) / m(k, k);
          for (index_t j = k; j < n; ++j) m(i, j) -= factor * m(k, j);
        }
      }
      CHECK(det == doctest::Approx(determinant));
    }
}

TEST_CASE("orthogonal_operator: a fit becomes the nearest orthogonal matrix") {
  for (const int determinant : {1, -1}) {
    const orthogonal_operator o(4, determinant);
    matrix<double> fit = random_matrix<double>(4, 4, 3), w(1, o.size());
    for (index_t rank = 4; rank >= 0; rank -= 2) {
      for (index_t i = 0; i < 4; ++i)
        for (index_t j = rank; j < 4; ++j) fit(i, j) = 0;  // of rank 4, 2 and 0
      o.assign({fit, matrix<double>(1, 4)}, w.view());
      const matrix<double> q = o.affine(w.view()).a;
      CHECK(relative_difference(product(q, transpose(q)), eye(4)) < 1e-14);
      // Of all orthogonal matrices the nearest has the largest trace(Q' A).
      const auto agreement = [&](const matrix<double>& a) {
        double sum = 0;
        for (index_t k = 0; k < a.size(); ++k) sum += a.data()[k] * fit.data()[k];
        return sum;
      };
      for (unsigned seed = 0; seed < 100; ++seed) {
        matrix<double> other = seed % 2 ? random_matrix<double>(1, o.size(), seed) : w;
        for (index_t k = 0; k < other.size(); ++k) other.data()[k] += 0.1 * double((k * 7 + seed) % 5) - 0.2;
        CHECK(agreement(o.affine(other.view()).a) <= agreement(q) + 1e-12);
      }
    }
  }
  // Columns that are axes already, or opposite to one, and a matrix next to the identity.
  const orthogonal_operator o(4);
  matrix<double> w(1, o.size()), signs = eye(4), near = eye(4);
  signs(1, 1) = signs(2, 2) = -1;
  near(0, 1) = 1e-9, near(1, 0) = -1e-9;
  for (const matrix<double>& q : {eye(4), signs, near}) {
    o.assign({q, matrix<double>(1, 4)}, w.view());
    CHECK(relative_difference(o.affine(w.view()).a, q) < 1e-15);
  }
}

TEST_CASE("low_rank_operator: a fit is cut off at the rank with the error of its lost singular values") {
  // diag(5, 3, 1, 0.5) between two rotations.
  matrix<double> s = eye(4);
  s(0, 0) = 5, s(1, 1) = 3, s(3, 3) = 0.5;
  const orthogonal_operator turn(4);
  const matrix<double> u = turn.affine(weights_of(turn, 1).view()).a, v = turn.affine(weights_of(turn, 2).view()).a;
  const matrix<double> fit = product(product(u, s), v);
  const matrix<double> c = random_matrix<double>(1, 4, 5);
  for (index_t rank = 1; rank <= 4; ++rank) {
    const low_rank_operator o(4, rank);
    matrix<double> w(1, o.size());
    o.assign({fit, c}, w.view());
    matrix<double> cut = s;
    for (index_t k = rank; k < 4; ++k) cut(k, k) = 0;
    CHECK(relative_difference(o.affine(w.view()).a, product(product(u, cut), v)) < 1e-14);
    CHECK(relative_difference(o.affine(w.view()).c, c) == 0);
  }
}

TEST_CASE("generator_operator: exponentials that are known") {
  const double t = 0.8;
  const generator_operator o(3, t);
  // A damped rotation in one plane, a decay beside it.
  matrix<double> w(1, 9);
  w.data()[0] = w.data()[4] = -0.4, w.data()[1] = -5, w.data()[3] = 5, w.data()[8] = -2;
  matrix<double> expected(3, 3);
  expected(0, 0) = expected(1, 1) = std::exp(-0.4 * t) * std::cos(5 * t);
  expected(1, 0) = std::exp(-0.4 * t) * std::sin(5 * t), expected(0, 1) = -expected(1, 0);
  expected(2, 2) = std::exp(-2 * t);
  CHECK(relative_difference(o.affine(w.view()).a, expected) < 1e-14);
  CHECK(o.norm(w.view()) == doctest::Approx(5.4));

  // A Jordan block, which has no eigenvectors.
  matrix<double> jordan(1, 9);
  jordan.data()[0] = jordan.data()[4] = jordan.data()[8] = -1, jordan.data()[1] = jordan.data()[5] = 3;
  matrix<double> triangle(3, 3);
  for (index_t k = 0; k < 3; ++k) triangle(k, k) = std::exp(-t);
  triangle(0, 1) = triangle(1, 2) = 3 * t * std::exp(-t), triangle(0, 2) = 4.5 * t * t * std::exp(-t);
  CHECK(relative_difference(o.affine(jordan.view()).a, triangle) < 1e-14);

  // Two times one after the other are their sum; time and its opposite are nothing.
  const matrix<double> any = random_matrix<double>(1, 9, 4);
  const auto at = [&](double time) { return o.at(time).affine(any.view()).a; };
  CHECK(relative_difference(product(at(0.3), at(1.1)), at(1.4)) < 1e-13);
  CHECK(relative_difference(product(at(2), at(-2)), eye(3)) < 1e-12);
  CHECK(relative_difference(at(0), eye(3)) == 0);
  CHECK(o.at(2.5).time() == 2.5);
}

TEST_CASE("generator_operator: the error at its bound and beyond") {
  // exp of a rotation by an angle: at the bound to rounding, at four times the bound still to 1e-5.
  const auto error = [](double angle, auto zero) {
    using T = decltype(zero);
    const generator_operator o(2, 1, 8);
    matrix<T> w(1, 4), z(2, 2);
    w.data()[1] = T(-angle), w.data()[2] = T(angle), z(0, 0) = z(1, 1) = 1;
    kdm::runner run(o, w.view(), reference_backend<T>{});
    const matrix<T> rows = run(z.view());
    return std::max(std::abs(double(rows(0, 0)) - std::cos(angle)), std::abs(double(rows(0, 1)) - std::sin(angle)));
  };
  CHECK(generator_operator(2, 1, 8).squarings() == 4);
  CHECK(error(8, 0.) < 1e-13);
  CHECK(error(32, 0.) < 1e-5);
  CHECK(error(8, 0.f) < 1e-5);
}

TEST_CASE("generator_operator: a fit that is no exponential is refused") {
  const generator_operator o(2);
  matrix<double> w = random_matrix<double>(1, 4, 1);
  const matrix<double> before = w;
  const auto refuse = [&](double a, double b, double c, double d, const generator_operator& to) {
    matrix<double> m(2, 2);
    m(0, 0) = a, m(0, 1) = b, m(1, 0) = c, m(1, 1) = d;
    return message_of<kdm::error>([&] { to.assign({m, matrix<double>(1, 2)}, w.view()); });
  };
  const std::string none =
      "generator_operator: the fitted matrix has no real principal logarithm (an eigenvalue at or near zero, or on the "
      "negative real axis), expected a matrix that is the exponential of a generator";
  CHECK(refuse(-1, 0, 0, 2, o) == none);
  CHECK(refuse(0, 0, 0, 2, o) == none);
  CHECK(refuse(1, 2, 2, 4, o) == none);
  CHECK(refuse(0, 1, 1, 0, o) == none);
  CHECK(refuse(1, 0, 0, 1, o.at(0)) ==
        "generator_operator: time is 0, expected another one to be set from a fit");
  CHECK(refuse(1e-10, 0, 0, 1, o).starts_with("generator_operator: the 1-norm of the fitted generator is 23.02"));
  CHECK(relative_difference(w, before) == 0);
  // A Jordan block and a quarter turn have one.
  CHECK(refuse(0.5, 1, 0, 0.5, o) == "(nothing of that type was thrown)");
  CHECK(w(0, 1) == doctest::Approx(2));
  CHECK(refuse(0, -1, 1, 0, o) == "(nothing of that type was thrown)");
  CHECK(w(0, 2) == doctest::Approx(1.5707963267948966).epsilon(1e-13));
}

TEST_CASE("eigen_operator: any matrix inside the disc is set exactly") {
  // Scaled random matrices have some number of real eigenvalues: the operator with that number reproduces them.
  int exact = 0, pairs_too_few = 0;
  for (unsigned seed = 0; seed < 60; ++seed) {
    const index_t n = 2 + seed % 9;
    const matrix<double> fit = random_matrix<double>(n, n, seed, 0.3 / std::sqrt(double(n)));
    for (index_t reals = n % 2; reals <= n; reals += 2) {
      const eigen_operator o(n, reals);
      matrix<double> w(1, o.size());
      o.assign({fit, matrix<double>(1, n)}, w.view());
      const matrix<double> a = o.affine(w.view()).a;
      const double difference = relative_difference(a, fit);
      CHECK(std::isfinite(difference));
      if (difference < 1e-13) ++exact;
      else ++pairs_too_few;
      // The trace is the sum of the eigenvalues, whichever became which.
      double trace = 0, fitted = 0;
      for (index_t k = 0; k < n; ++k) trace += a(k, k), fitted += fit(k, k);
      CHECK(trace == doctest::Approx(fitted).epsilon(1e-12));
    }
  }
  CHECK(exact == 60);  // one number of real eigenvalues is right
  CHECK(pairs_too_few > 60);
}

TEST_CASE("eigen_operator: a fit outside the disc keeps its vectors and comes to the rim") {
  // Eigenvalues 2, -3 and 0.5 in a basis that is not orthogonal: (1, 0, 0), (1, 1, 0), (1, 1, 1).
  matrix<double> fit(3, 3);
  fit(0, 0) = 2, fit(0, 1) = -5, fit(0, 2) = 3.5, fit(1, 1) = -3, fit(1, 2) = 3.5, fit(2, 2) = 0.5;
  const eigen_operator o(3, 3);
  matrix<double> w(1, 9);
  o.assign({fit, matrix<double>(1, 3)}, w.view());
  const matrix<double> a = o.affine(w.view()).a;
  matrix<double> expected = fit;  // triangular: its own Schur form
  expected(0, 0) = 1 - 1e-6, expected(1, 1) = -(1 - 1e-6);
  CHECK(relative_difference(a, expected) < 1e-13);
}

TEST_CASE("eigen_operator: defective and structured matrices") {
  const auto check = [](const matrix<double>& fit, index_t reals, double allowed) {
    const eigen_operator o(fit.rows(), reals);
    matrix<double> w(1, o.size());
    o.assign({fit, matrix<double>(1, fit.rows())}, w.view());
    CHECK(relative_difference(o.affine(w.view()).a, fit) < allowed);
  };
  matrix<double> jordan(4, 4), permutation(5, 5), zero(3, 3), companion(4, 4);
  for (index_t k = 0; k < 4; ++k) jordan(k, k) = 0.5;
  for (index_t k = 0; k < 3; ++k) jordan(k, k + 1) = 1;
  for (index_t k = 0; k < 5; ++k) permutation(k, (k + 1) % 5) = 0.9;
  check(jordan, 4, 1e-14);
  check(permutation, 1, 1e-14);
  check(zero, 3, 0x1p-52);
  // The same pair twice in one Jordan block: (x^2 - x + 0.5)^2 = x^4 - 2 x^3 + 2 x^2 - x + 0.25.
  companion(0, 0) = 2, companion(0, 1) = -2, companion(0, 2) = 1, companion(0, 3) = -0.25;
  for (index_t k = 0; k < 3; ++k) companion(k + 1, k) = 1;
  check(companion, 0, 1e-14);
}

TEST_CASE("controlled_operator: a state moves by A and B") {
  const controlled_operator o(2, 1);
  matrix<double> w = weights_of(o), a(2, 2), b(2, 1);
  a(0, 0) = 1.5, a(1, 1) = 0.1, b(0, 0) = 1, b(1, 0) = -2;
  o.assign({a, matrix<double>(1, 2)}, b.view(), w.view());
  matrix<double> state(1, 3);
  state(0, 0) = 2, state(0, 1) = 10, state(0, 2) = 0.5;
  kdm::runner run(o, w.view(), reference_backend<double>{});
  const matrix<double> next = run(state.view());
  CHECK(next(0, 0) == doctest::Approx(3.5));
  CHECK(next(0, 1) == doctest::Approx(0));
  const kdm::affine_map held = o.affine(w.view(), state.view().col_range(2, 1));
  CHECK(held.c(0, 0) == doctest::Approx(0.5));
  CHECK(held.c(0, 1) == doctest::Approx(-1));
  // A alone leaves B as it is.
  o.assign({eye(2), matrix<double>(1, 2)}, w.view());
  CHECK(o.affine(w.view()).a(0, 0) == 1);
  CHECK(o.affine(w.view(), state.view().col_range(2, 1)).c(0, 1) == doctest::Approx(-1));
  const matrix<double> before = w;
  CHECK(message_of<shape_error>([&] { o.assign({a, matrix<double>(1, 2)}, a.view(), w.view()); }) ==
        "controlled_operator: columns of the fitted control matrix is 2, expected 1");
  CHECK(relative_difference(w, before) == 0);
}

TEST_CASE("controlled_operator: a model has no control to give it") {
  const kdm::dense_layer<> encode(3, 2), decode(2, 3);
  CHECK(message_of<shape_error>([&] { kdm::koopman_model{encode, encode, controlled_operator(2, 1), decode}; }) ==
        "koopman_model: outputs of encoder_noise is 2, expected 3");
}

}  // namespace
