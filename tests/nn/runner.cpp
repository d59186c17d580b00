// The runner: any number of rows, any slicing, any lanes.
#include <doctest/doctest.h>

#include <stdexcept>
#include <utility>

#include "backend/six_clauses.hpp"
#include "kdm/backend/reference.hpp"
#include "kdm/exec/slicing.hpp"
#include "kdm/nn/chain.hpp"
#include "kdm/nn/dense.hpp"
#include "kdm/nn/initialize.hpp"
#include "kdm/nn/residual.hpp"
#include "kdm/nn/runner.hpp"
#include "support.hpp"

using kdm::dense_layer;
using kdm::index_t;
using kdm::matrix;
using kdm_test::message_of;
using kdm_test::relative_difference;

namespace {

/// Three lanes on one thread: the chunks from the last to the first, dealt out in turn.
struct three_lanes {
  int lanes() const { return 3; }
  template <class F>
  void for_chunks(index_t n, index_t grain, F&& f) const {
    for (index_t c = kdm::detail::chunk_count(n, grain); c-- > 0;)
      f(c * grain, std::min((c + 1) * grain, n), int(c % 3));
  }
};
static_assert(kdm::executor<three_lanes>);

auto network() {
  return kdm::sequential{dense_layer(3, 8, kdm::activations::silu{}), kdm::residual(dense_layer(8, 8)),
                         dense_layer(8, 2, kdm::activations::tanh{})};
}

template <class T>
matrix<T> weights() {
  return kdm::initial_weights<T>(kdm::manifest_of(network()), 1);
}

}  // namespace

TEST_CASE_TEMPLATE("slices and lanes do not change a bit", T, float, double) {
  using B = kdm::reference_backend<T>;
  const auto w = weights<T>();
  const auto x = kdm_test::random_matrix<T>(101, 3, 1);
  kdm::runner whole(network(), w.view(), B{}, kdm::serial{}, 1000);
  const auto y = whole(x.view());
  for (index_t slice : {1, 7, 64, 100, 101, 102}) {
    kdm::runner sliced(network(), w.view(), B{}, kdm::serial{}, slice);
    CHECK(relative_difference(sliced(x.view()), y) == 0);
    kdm::runner lanes(network(), w.view(), B{}, three_lanes{}, slice);
    CHECK(relative_difference(lanes(x.view()), y) == 0);
    // Again, with fewer rows: nothing of the first call is left.
    const auto part = lanes(x.view().row_range(30, 20));
    CHECK(relative_difference(part, matrix<T>(y.view().row_range(30, 20))) == 0);
  }
}

TEST_CASE("memory that the host cannot reach goes through transfers") {
  const auto w = weights<double>();
  const auto x = kdm_test::random_matrix<double>(101, 3, 1);
  kdm::runner here(network(), w.view(), kdm::reference_backend<double>{});
  kdm::runner there(network(), w.view(), kdm_test::six_clauses<double>{}, three_lanes{}, 32);
  CHECK(relative_difference(there(x.view()), here(x.view())) < 1e-14);
}

namespace {

/// An executor that a device must not use: its verbs are issued by the calling thread.
struct no_threads {
  int lanes() const { return 7; }
  template <class F>
  void for_chunks(index_t, index_t, F&&) const {
    throw std::logic_error("the lanes of a device are not the executor's");
  }
};

}  // namespace

TEST_CASE("a device runs in one lane of the calling thread") {
  const auto w = weights<double>();
  const auto x = kdm_test::random_matrix<double>(101, 3, 1);
  kdm::runner here(network(), w.view(), kdm::reference_backend<double>{});
  kdm::runner there(network(), w.view(), kdm_test::six_clauses<double>{}, no_threads{});
  CHECK(relative_difference(there(x.view()), here(x.view())) < 1e-14);
  const no_threads executor;
  static_assert(std::same_as<decltype(kdm::lanes_of<kdm_test::six_clauses<double>>(executor)), kdm::serial>);
  CHECK(&kdm::lanes_of<kdm::reference_backend<double>>(executor) == &executor);
}

TEST_CASE("rows that are filled in place run like rows that are passed") {
  const auto w = weights<double>();
  const auto x = kdm_test::random_matrix<double>(101, 3, 1);
  const auto check = [&](auto b) {
    using B = decltype(b);
    kdm::runner run(network(), w.view(), b, three_lanes{}, 16);
    matrix<double> y(101, 2);
    run.filled([&](B& own, index_t first, kdm::view_of<B> rows) {
      own.upload(x.view().row_range(first, rows.rows), rows);
    }, y);
    CHECK(relative_difference(y, run(x.view())) == 0);
  };
  check(kdm::reference_backend<double>{});
  check(kdm_test::six_clauses<double>{});
}

TEST_CASE("strided data run in place") {
  const auto w = weights<double>();
  auto wide = kdm_test::random_matrix<double>(20, 10, 1);
  kdm::runner run(network(), w.view(), kdm::reference_backend<double>{}, kdm::serial{}, 6);
  const auto expected = run(wide.view().col_range(1, 3));
  const double before = wide(3, 6), after = wide(3, 9);
  run(wide.view().col_range(1, 3), wide.view().col_range(7, 2));
  CHECK(relative_difference(matrix<double>(wide.view().col_range(7, 2)), expected) == 0);
  CHECK(wide(3, 6) == before);
  CHECK(wide(3, 9) == after);
}

TEST_CASE("the runner copies the weights and survives a move") {
  auto w = weights<double>();
  const auto x = kdm_test::random_matrix<double>(20, 3, 1);
  kdm::runner run(network(), w.view(), kdm::reference_backend<double>{}, three_lanes{}, 6);
  const auto y = run(x.view());
  w = matrix<double>(1, w.cols());
  CHECK(relative_difference(run(x.view()), y) == 0);
  auto moved = std::move(run);
  CHECK(relative_difference(moved(x.view()), y) == 0);
  CHECK(moved.layer().inputs() == 3);
  CHECK(moved.executor().lanes() == 3);
}

TEST_CASE("no rows give no rows") {
  const auto w = weights<float>();
  kdm::runner run(network(), w.view(), kdm::reference_backend<float>{});
  const auto y = run(matrix<float>(0, 3).view());
  CHECK(y.rows() == 0);
  CHECK(y.cols() == 2);
}

TEST_CASE("what does not fit is named") {
  const auto w = weights<float>();
  const kdm::reference_backend<float> b;
  kdm::runner run(network(), w.view(), b);
  matrix<float> x(5, 3), y(5, 2);
  const auto shape = [](auto&& f) { return message_of<kdm::shape_error>(f); };
  CHECK(shape([&] { run(matrix<float>(5, 4).view()); }) == "runner: columns of x is 4, expected 3");
  CHECK(shape([&] { run(x.view(), matrix<float>(5, 3).view()); }) == "runner: columns of y is 3, expected 2");
  CHECK(shape([&] { run(x.view(), matrix<float>(4, 2).view()); }) == "runner: rows of y is 4, expected 5");
  CHECK(shape([&] { kdm::runner(network(), matrix<float>(1, 7).view(), b); }) ==
        "runner: number of weights is 7, expected 122");
  CHECK(shape([&] { kdm::runner(network(), matrix<float>(122, 1).view(), b); }) ==
        "runner: rows of weights is 122, expected 1");
  CHECK(message_of<kdm::option_error>([&] { kdm::runner(network(), w.view(), b, kdm::serial{}, -4); }) ==
        "runner: slice is -4 rows, expected 0 (chosen) or more");
}

TEST_CASE("a batch is cut by its size alone") {
  for (index_t batch : {1, 5, 63, 64, 65, 512, 1000, 2048, 5000, 100000}) {
    CAPTURE(batch);
    const auto s = kdm::slicing{}.chosen_for(batch);
    CHECK(s.rows >= std::min(batch, index_t(64)));
    CHECK(s.rows <= 256);
    CHECK(s.groups >= 1);
    CHECK(s.groups <= 8);
    CHECK(s.groups <= (batch + s.rows - 1) / s.rows);
    const auto again = s.chosen_for(batch);
    CHECK(again.rows == s.rows);
    CHECK(again.groups == s.groups);
  }
  CHECK(kdm::slicing{}.chosen_for(512).rows == 128);
  CHECK(kdm::slicing{}.chosen_for(512).groups == 4);
  CHECK(kdm::slicing{}.chosen_for(4096).rows == 256);
  CHECK(kdm::slicing{}.chosen_for(4096).groups == 8);
  CHECK(kdm::slicing{100, 3}.chosen_for(1000).rows == 100);
  CHECK(kdm::slicing{100, 3}.chosen_for(1000).groups == 3);
  CHECK(kdm::slicing::whole(77).chosen_for(77).rows == 77);
  CHECK(kdm::slicing::whole(77).chosen_for(77).groups == 1);
  CHECK(message_of<kdm::option_error>([] { kdm::slicing{}.chosen_for(0); }) ==
        "slicing: batch is 0, expected at least 1");
  CHECK(message_of<kdm::option_error>([] { kdm::slicing{-1, 2}.chosen_for(5); }) ==
        "slicing: -1 rows and 2 groups, expected 0 (chosen) or more");
}
