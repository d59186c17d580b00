// The order of the pairs, the moving average's decay, and one update of a range of weights.
#include "kdm/train/batches.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "kdm/backend/reference.hpp"
#include "kdm/train/average.hpp"
#include "kdm/train/update.hpp"
#include "support.hpp"

namespace {

using namespace kdm_test;
using kdm::batch_order;
using kdm::index_t;
using kdm::matrix;
using kdm::reference_backend;

TEST_CASE("batches: every epoch is a permutation of all pairs") {
  for (index_t n : {1, 2, 3, 4, 5, 16, 17, 100, 1000}) {
    CAPTURE(n);
    const batch_order order{n, 3};
    for (index_t epoch : {0, 1, 2, 1000000}) {
      std::vector<int> seen(std::size_t(n), 0);
      for (index_t i = 0; i < n; ++i) {
        const index_t k = order(epoch * n + i);
        REQUIRE(k >= 0);
        REQUIRE(k < n);
        ++seen[std::size_t(k)];
      }
      CHECK(seen == std::vector<int>(std::size_t(n), 1));
    }
  }
}

TEST_CASE("batches: epochs and seeds have orders of their own") {
  const index_t n = 200;
  const auto equal = [&](batch_order a, index_t from_a, batch_order b, index_t from_b) {
    index_t count = 0;
    for (index_t i = 0; i < n; ++i) count += a(from_a + i) == b(from_b + i);
    return count;
  };
  CHECK(equal({n, 1}, 0, {n, 1}, 0) == n);
  // Two random permutations agree in one place on average.
  CHECK(equal({n, 1}, 0, {n, 1}, n) < 8);
  CHECK(equal({n, 1}, 0, {n, 2}, 0) < 8);
  index_t in_place = 0;
  for (index_t i = 0; i < n; ++i) in_place += batch_order{n, 1}(i) == i;
  CHECK(in_place < 8);
}

template <class T>
std::vector<index_t> gathered(index_t pairs, index_t first, index_t rows) {
  matrix<T> xT(pairs, 2), x0(pairs, 3);
  for (index_t i = 0; i < pairs; ++i) {
    for (index_t j = 0; j < 2; ++j) xT(i, j) = T(10 * i + j);
    for (index_t j = 0; j < 3; ++j) x0(i, j) = T(-10 * i - j);
  }
  matrix<T> wide(rows, 20), to(rows, 3);
  const kdm::view<T> to_T = wide.view().col_range(5, 2);  // a gap between the rows
  reference_backend<T> b;
  kdm::gather_pairs(b, batch_order{pairs, 9}, first, kdm::const_view<T>(xT.view()), kdm::const_view<T>(x0.view()), to_T,
                    to.view());
  std::vector<index_t> from;
  for (index_t i = 0; i < rows; ++i) {
    const index_t k = index_t(to_T(i, 0)) / 10;
    from.push_back(k);
    for (index_t j = 0; j < 2; ++j) CHECK(to_T(i, j) == xT(k, j));
    for (index_t j = 0; j < 3; ++j) CHECK(to(i, j) == x0(k, j));
    CHECK(wide(i, 4) == 0);
    CHECK(wide(i, 7) == 0);
  }
  return from;
}

TEST_CASE("batches: a batch keeps pairs together and wraps from one epoch into the next") {
  const batch_order order{7, 9};
  for (index_t first : {0, 3, 5, 6, 13}) {
    const auto from = gathered<double>(7, first, 4);
    for (index_t i = 0; i < 4; ++i) CHECK(from[std::size_t(i)] == order(first + i));
  }
}

TEST_CASE("batches: a batch larger than the data sees every pair equally often") {
  for (index_t first : {0, 21}) {
    std::vector<int> seen(7, 0);
    for (index_t k : gathered<float>(7, first, 21)) ++seen[std::size_t(k)];
    CHECK(seen == std::vector<int>(7, 3));
  }
  // Not at an epoch's beginning: no pair is more than one apart from its share of each of the two broken epochs.
  std::vector<int> seen(7, 0);
  for (index_t k : gathered<float>(7, 3, 21)) ++seen[std::size_t(k)];
  for (int count : seen) CHECK((count >= 2 && count <= 4));
}

TEST_CASE("average: the decay rises to its bound") {
  const kdm::moving_average average{0.99};
  CHECK(average.at(0) == 0.1);
  CHECK(average.at(8) == 0.5);
  CHECK(average.at(890) == doctest::Approx(0.99));
  CHECK(average.at(1000000) == 0.99);
  CHECK(kdm::moving_average{0}.at(500) == 0);
  CHECK(message_of<kdm::option_error>([] { (void)kdm::moving_average{std::nan("")}.at(0); }) ==
        "moving_average: decay is nan, expected in [0, 1)");
}

TEST_CASE("update: a range of weights moves and its neighbours do not") {
  const index_t n = 9;
  matrix<double> g = random_matrix<double>(1, n, 1), w = random_matrix<double>(1, n, 2);
  matrix<double> average = random_matrix<double>(1, n, 3), slots = random_matrix<double>(1, n, 4), norm(1, 1);
  norm(0, 0) = 2;
  const matrix<double> w0 = w, average0 = average, slots0 = slots;
  reference_backend<double> b;
  const auto part = [&](matrix<double>& x) { return x.view().col_range(2, 4); };
  kdm::update_weights(b, kdm::momentum{0.5}, 0, 0.1, 0.25, 0.5, kdm::const_view<double>(norm.view()),
                      kdm::const_view<double>(part(g)), part(w), part(average), part(slots));
  for (index_t k = 0; k < n; ++k) {
    CAPTURE(k);
    const bool inside = k >= 2 && k < 6;
    // The gradient's norm of 2 is clipped to 0.5.
    const double v = inside ? 0.5 * slots0(0, k) + g(0, k) / 4 : slots0(0, k);
    const double moved = inside ? w0(0, k) - 0.1 * v : w0(0, k);
    CHECK(slots(0, k) == doctest::Approx(v).epsilon(1e-14));
    CHECK(w(0, k) == doctest::Approx(moved).epsilon(1e-14));
    const double mean = inside ? 0.25 * average0(0, k) + 0.75 * moved : average0(0, k);
    CHECK(average(0, k) == doctest::Approx(mean).epsilon(1e-14));
  }
}

}  // namespace
