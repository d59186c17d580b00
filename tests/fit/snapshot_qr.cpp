// The streamed triangle against R'R = A'A and against itself for other splits of the rows.
#include "kdm/fit/snapshot_qr.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kdm/exec/serial.hpp"
#include "support.hpp"

namespace test_snapshot_qr {

using namespace kdm_test;
using kdm::const_view;
using kdm::index_t;
using kdm::matrix;
using kdm::snapshot_qr;

template <class T>
snapshot_qr streamed(const matrix<T>& a, const matrix<T>& b, index_t portion) {
  snapshot_qr qr(a.cols(), b.cols());
  for (index_t at = 0; at < a.rows(); at += portion) {
    const index_t n = std::min(portion, a.rows() - at);
    qr.append(a.view().row_range(at, n), b.view().row_range(at, n));
  }
  return qr;
}

/// Largest difference between R'R and the weighted sum of the outer products of the rows, over the largest of these.
double gram_error(const matrix<double>& r, const matrix<double>& a, const matrix<double>& b,
                  const matrix<double>& weights = {}) {
  const index_t p = r.cols();
  matrix<double> expected(p, p), found(p, p);
  const auto entry = [&](index_t i, index_t j) { return j < a.cols() ? a(i, j) : b(i, j - a.cols()); };
  for (index_t j = 0; j < p; ++j)
    for (index_t k = 0; k < p; ++k) {
      for (index_t i = 0; i < a.rows(); ++i)
        expected(j, k) += (weights.size() ? weights(i, 0) : 1) * entry(i, j) * entry(i, k);
      for (index_t i = 0; i < p; ++i) found(j, k) += r(i, j) * r(i, k);
    }
  return relative_difference(found, expected);
}

void check_triangle(const matrix<double>& r) {
  for (index_t i = 0; i < r.rows(); ++i) {
    CHECK(r(i, i) >= 0);
    for (index_t j = 0; j < i; ++j) CHECK(r(i, j) == 0);
  }
}

TEST_CASE("snapshot_qr: the triangle reproduces all products of columns") {
  for (index_t rows : {7, 50, 256, 257, 1500}) {
    CAPTURE(rows);
    const auto a = random_matrix<double>(rows, 4, 1), b = random_matrix<double>(rows, 3, 2);
    const auto qr = streamed(a, b, rows);
    CHECK(qr.rows() == rows);
    CHECK(qr.weight() == double(rows));
    const auto r = qr.r();
    check_triangle(r);
    CHECK(gram_error(r, a, b) < 1e-13);
  }
}

TEST_CASE("snapshot_qr: the portions in which rows arrive do not change a bit") {
  const auto a = random_matrix<double>(1500, 4, 1), b = random_matrix<double>(1500, 3, 2);
  const auto whole = streamed(a, b, 1500).r();
  for (index_t portion : {1, 2, 7, 255, 256, 300, 1499}) {
    CAPTURE(portion);
    CHECK(relative_difference(streamed(a, b, portion).r(), whole) == 0);
  }
  // Asking for the triangle in between changes nothing either.
  snapshot_qr asked(4, 3);
  for (index_t at = 0; at < 1500; at += 100) {
    asked.append(a.view().row_range(at, 100), b.view().row_range(at, 100));
    (void)asked.r();
  }
  CHECK(relative_difference(asked.r(), whole) == 0);
}

TEST_CASE("snapshot_qr: merged parts are the whole") {
  const auto a = random_matrix<double>(1500, 4, 1), b = random_matrix<double>(1500, 3, 2);
  const auto whole = streamed(a, b, 1500).r();
  const std::vector<std::vector<index_t>> splits{{0, 700, 1500}, {0, 1, 1500}, {0, 3, 9, 800, 1499, 1500}};
  for (const auto& cuts : splits) {
    snapshot_qr merged(4, 3);
    for (std::size_t k = 1; k < cuts.size(); ++k) {
      snapshot_qr part(4, 3);
      part.append(a.view().row_range(cuts[k - 1], cuts[k] - cuts[k - 1]),
                  b.view().row_range(cuts[k - 1], cuts[k] - cuts[k - 1]));
      merged.merge(part);
    }
    CHECK(merged.rows() == 1500);
    CHECK(merged.weight() == 1500);
    check_triangle(merged.r());
    CHECK(relative_difference(merged.r(), whole) < 1e-12);
  }
}

TEST_CASE("snapshot_qr: many merges into one factor") {
  // More merged rows than the buffer takes, so it is folded in the middle of a merge.
  const auto a = random_matrix<double>(600, 2, 1), b = random_matrix<double>(600, 1, 2);
  snapshot_qr merged(2, 1);
  for (index_t at = 0; at < 600; at += 4) {
    snapshot_qr part(2, 1);
    part.append(a.view().row_range(at, 4), b.view().row_range(at, 4));
    merged.merge(part);
  }
  CHECK(relative_difference(merged.r(), streamed(a, b, 600).r()) < 1e-12);
}

TEST_CASE("snapshot_qr: a weight counts a row that many times") {
  const auto a = random_matrix<double>(40, 3, 1), b = random_matrix<double>(40, 2, 2);
  matrix<double> weights(40, 1);
  for (index_t i = 0; i < 40; ++i) weights(i, 0) = double(i % 4);
  snapshot_qr weighted(3, 2), repeated(3, 2);
  weighted.append(a, b, weights);
  for (index_t i = 0; i < 40; ++i)
    for (index_t k = 0; k < i % 4; ++k) repeated.append(a.view().row(i), b.view().row(i));
  CHECK(weighted.rows() == 40);
  CHECK(weighted.weight() == 60);
  CHECK(gram_error(weighted.r(), a, b, weights) < 1e-13);
  CHECK(relative_difference(weighted.r(), repeated.r()) < 1e-13);
}

TEST_CASE("snapshot_qr: float rows are the same rows in double, and strides are respected") {
  const auto a = random_matrix<float>(300, 4, 1), b = random_matrix<float>(300, 3, 2);
  const auto from_float = streamed(a, b, 100).r();
  const matrix<double> a_double(a.view()), b_double(b.view());
  CHECK(relative_difference(from_float, streamed(a_double, b_double, 300).r()) == 0);

  const auto both = random_matrix<double>(20, 5, 3);
  snapshot_qr strided(2, 3);
  strided.append(both.view().col_range(0, 2), both.view().col_range(2, 3));
  CHECK(relative_difference(
            strided.r(), streamed(matrix<double>(both.view().col_range(0, 2)),
                                  matrix<double>(both.view().col_range(2, 3)), 20).r()) == 0);
}

TEST_CASE("snapshot_qr: the blocks are the triangle cut in three") {
  const auto a = random_matrix<double>(30, 3, 1), b = random_matrix<double>(30, 2, 2);
  const auto qr = streamed(a, b, 30);
  const auto r = qr.r();
  const auto blocks = qr.blocks();
  CHECK(relative_difference(blocks.r11, matrix<double>(r.view().row_range(0, 3).col_range(0, 3))) == 0);
  CHECK(relative_difference(blocks.r12, matrix<double>(r.view().row_range(0, 3).col_range(3, 2))) == 0);
  CHECK(relative_difference(blocks.r22, matrix<double>(r.view().row_range(3, 2).col_range(3, 2))) == 0);
}

TEST_CASE("snapshot_qr: no rows and zero rows give a zero triangle") {
  snapshot_qr qr(2, 2);
  CHECK(relative_difference(qr.r(), matrix<double>(4, 4)) == 0);
  qr.append(matrix<double>(0, 2), matrix<double>(0, 2));
  CHECK(qr.rows() == 0);
  qr.append(matrix<double>(5, 2), matrix<double>(5, 2));
  CHECK(qr.rows() == 5);
  CHECK(relative_difference(qr.r(), matrix<double>(4, 4)) == 0);
}

TEST_CASE("snapshot_qr: a row that is not finite is named and nothing is appended") {
  const auto good_a = random_matrix<double>(10, 3, 1), good_b = random_matrix<double>(10, 2, 2);
  snapshot_qr qr(3, 2);
  qr.append(good_a, good_b);
  const auto before = qr.r();
  auto a = good_a;
  auto b = good_b;
  b(4, 1) = std::nan("");
  CHECK(message_of<kdm::numeric_error>([&] { qr.append(a, b); }) ==
        "snapshot_qr: row 14 of b has nan in column 1, expected a finite number");
  a(2, 0) = -std::numeric_limits<double>::infinity();
  CHECK(message_of<kdm::numeric_error>([&] { qr.append(a, b); }) ==
        "snapshot_qr: row 12 of a has -inf in column 0, expected a finite number");
  matrix<double> weights(10, 1);
  weights(3, 0) = -1;
  CHECK(message_of<kdm::numeric_error>([&] { qr.append(good_a, good_b, weights); }) ==
        "snapshot_qr: the weight of row 13 is -1, expected a finite number, 0 or more");
  CHECK(qr.rows() == 10);
  CHECK(relative_difference(qr.r(), before) == 0);

  qr.append(random_matrix<double>(1, 3, 1, 1e300), random_matrix<double>(1, 2, 1, 1e300));
  CHECK(message_of<kdm::numeric_error>([&] { qr.r(); }) ==
        "snapshot_qr: the triangle is not finite, expected entries whose squares do not overflow");
}

TEST_CASE("snapshot_qr: shapes that do not fit are named") {
  snapshot_qr qr(3, 2);
  const auto append = [&](index_t a_rows, index_t a_cols, index_t b_rows, index_t b_cols, index_t w_rows = 4) {
    return message_of<kdm::shape_error>([&] {
      qr.append(matrix<double>(a_rows, a_cols), matrix<double>(b_rows, b_cols), matrix<double>(w_rows, 1));
    });
  };
  CHECK(append(4, 2, 4, 2) == "snapshot_qr: columns of a is 2, expected 3");
  CHECK(append(4, 3, 4, 1) == "snapshot_qr: columns of b is 1, expected 2");
  CHECK(append(4, 3, 5, 2) == "snapshot_qr: rows of b is 5, expected 4");
  CHECK(append(4, 3, 4, 2, 3) == "snapshot_qr: rows of the weights is 3, expected 4");
  CHECK(message_of<kdm::shape_error>([&] { qr.merge(snapshot_qr(3, 3)); }) ==
        "snapshot_qr: b_cols of the merged factor is 3, expected 2");
  CHECK(message_of<kdm::shape_error>([] { snapshot_qr(0, 2); }) ==
        "snapshot_qr: 0 columns of a and 2 of b, expected at least 1 and 0");
  CHECK(qr.rows() == 0);
}

/// Three lanes, chunks from the last to the first: what a lane may rely on and no more.
struct backwards {
  int lanes() const { return 3; }
  template <class F>
  void for_chunks(index_t n, index_t grain, F&& f) const {
    for (index_t c = (n + grain - 1) / grain; c-- > 0;) f(c * grain, std::min(n, (c + 1) * grain), int(c % 3));
  }
};

/// Rows as they count after forgetting: row i times the root of w^(rows - 1 - i).
matrix<double> faded(const matrix<double>& x, double w) {
  matrix<double> y = x;
  for (index_t i = 0; i < x.rows(); ++i)
    for (index_t j = 0; j < x.cols(); ++j) y(i, j) *= std::pow(w, double(x.rows() - 1 - i) / 2);
  return y;
}

TEST_CASE("snapshot_qr: forgetting is a weight that falls with every further row") {
  const auto a = random_matrix<double>(700, 3, 1), b = random_matrix<double>(700, 2, 2);
  for (double w : {0.999, 0.9, 0.3}) {
    CAPTURE(w);
    snapshot_qr qr(3, 2, w);
    for (index_t at = 0; at < 700; at += 50) qr.append(a.view().row_range(at, 50), b.view().row_range(at, 50));
    CHECK(gram_error(qr.r(), faded(a, w), faded(b, w)) < 1e-13);
    CHECK(qr.weight() == doctest::Approx((1 - std::pow(w, 700)) / (1 - w)));
    CHECK(qr.rows() == 700);
    // Merged in order, parts forget what came before them.
    snapshot_qr merged(3, 2, w);
    for (index_t at = 0; at < 700; at += 100) {
      snapshot_qr part(3, 2, w);
      part.append(a.view().row_range(at, 100), b.view().row_range(at, 100));
      if (at == 300) merged.append(a.view().row_range(at, 100), b.view().row_range(at, 100));
      else merged.merge(part);
    }
    CHECK(relative_difference(merged.r(), qr.r()) < 1e-12);
    CHECK(merged.weight() == doctest::Approx(qr.weight()));
  }
}

TEST_CASE("snapshot_qr: forgetting stays finite on a stream that excites one direction for ever") {
  snapshot_qr qr(2, 1, 0.9);
  qr.append(random_matrix<double>(10, 2, 1), random_matrix<double>(10, 1, 2));
  matrix<double> a(500, 2), b(500, 1);
  for (index_t i = 0; i < 500; ++i) a(i, 0) = a(i, 1) = b(i, 0) = 1;
  for (int k = 0; k < 40; ++k) {
    qr.append(a, b);
    const auto r = qr.r();
    for (index_t i = 0; i < r.size(); ++i) CHECK(std::isfinite(r.data()[i]));
    CHECK(r(0, 0) == doctest::Approx(std::sqrt(10)));
  }
}

TEST_CASE("snapshot_qr: forgetting has a range and merges only with its like") {
  for (double w : {0., -1., 1.5, std::nan("")})
    CHECK(message_of<kdm::option_error>([&] { snapshot_qr(2, 1, w); }).find("snapshot_qr: forgetting is ") == 0);
  snapshot_qr qr(2, 1, 0.5);
  CHECK(message_of<kdm::option_error>([&] { qr.merge(snapshot_qr(2, 1)); }) ==
        "snapshot_qr: forgetting of the merged factor is 1, expected 0.5");
}

TEST_CASE("snapshot_qr: transformed is the factor of transformed rows") {
  const auto a = random_matrix<double>(90, 4, 1), b = random_matrix<double>(90, 3, 2);
  const auto qr = streamed(a, b, 90);
  for (index_t wide : {2, 4, 6}) {
    const auto ma = random_matrix<double>(4, wide, 3), mb = random_matrix<double>(3, 2, 4);
    const auto product = [](const matrix<double>& x, const matrix<double>& m) {
      matrix<double> y(x.rows(), m.cols());
      for (index_t i = 0; i < x.rows(); ++i)
        for (index_t j = 0; j < m.cols(); ++j)
          for (index_t k = 0; k < m.rows(); ++k) y(i, j) += x(i, k) * m(k, j);
      return y;
    };
    const auto moved = qr.transformed(ma, mb);
    CHECK(moved.rows() == 90);
    CHECK(moved.weight() == 90);
    CHECK(gram_error(moved.r(), product(a, ma), product(b, mb)) < 1e-12);
  }
  CHECK(message_of<kdm::shape_error>([&] { qr.transformed(matrix<double>(3, 3), matrix<double>(3, 3)); }) ==
        "snapshot_qr: rows of the map of a is 3, expected 4");
}

TEST_CASE("snapshot_qr_of: lanes give the factor of the stream and the same bits for any number of them") {
  const auto a = random_matrix<double>(9000, 4, 1), b = random_matrix<double>(9000, 3, 2);
  const auto one = kdm::snapshot_qr_of(kdm::serial{}, a, b);
  CHECK(one.rows() == 9000);
  CHECK(one.weight() == 9000);
  CHECK(relative_difference(one.r(), streamed(a, b, 9000).r()) < 1e-12);
  CHECK(relative_difference(kdm::snapshot_qr_of(backwards{}, a, b).r(), one.r()) == 0);

  matrix<double> weights(9000, 1);
  for (index_t i = 0; i < 9000; ++i) weights(i, 0) = double(i % 3);
  snapshot_qr weighted(4, 3);
  weighted.append(a, b, weights);
  CHECK(relative_difference(kdm::snapshot_qr_of(backwards{}, a, b, weights).r(), weighted.r()) < 1e-12);
  CHECK(kdm::snapshot_qr_of(kdm::serial{}, matrix<double>(0, 2), matrix<double>(0, 1)).rows() == 0);
}

TEST_CASE("snapshot_qr_of: a bad row has its number among all rows") {
  auto a = random_matrix<float>(5000, 2, 1);
  const auto b = random_matrix<float>(5000, 1, 2);
  a(4321, 1) = std::numeric_limits<float>::infinity();
  CHECK(message_of<kdm::numeric_error>([&] { kdm::snapshot_qr_of(backwards{}, a, b); }) ==
        "snapshot_qr: row 4321 of a has inf in column 1, expected a finite number");
  CHECK(message_of<kdm::shape_error>([&] { kdm::snapshot_qr_of(kdm::serial{}, a, matrix<float>(4, 1)); }) ==
        "snapshot_qr: rows of b is 4, expected 5000");
}

}  // namespace test_snapshot_qr
