// Snapshot pairs: which rows are paired with which, and what is refused.
#include "kdm/fit/pairs.hpp"

#include <doctest/doctest.h>

#include <Eigen/Core>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "kdm/backend/eigen.hpp"
#include "support.hpp"

namespace test_pairs {

using namespace kdm_test;
using kdm::const_view;
using kdm::index_t;
using kdm::matrix;
using kdm::snapshot_pairs;

/// Snapshot t of trajectory `id` is (100 id + t, -(100 id + t)).
template <class T = double>
matrix<T> numbered(index_t times, int id) {
  matrix<T> m(times, 2);
  for (index_t t = 0; t < times; ++t) m(t, 0) = T(100 * id) + T(t), m(t, 1) = -m(t, 0);
  return m;
}

std::vector<double> column(const matrix<double>& m, index_t j) {
  std::vector<double> c;
  for (index_t i = 0; i < m.rows(); ++i) c.push_back(m(i, j));
  return c;
}
using numbers = std::vector<double>;

TEST_CASE("pairs: matrices of any library and element type") {
  const auto x = random_matrix<float>(5, 3, 1);
  Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> y(5, 3);
  for (index_t i = 0; i < 15; ++i) y.data()[i] = double(i);
  const snapshot_pairs p = pairs_from_matrices(x, y, 0.25);
  CHECK(relative_difference(p.x, x) == 0);
  CHECK(p.y(4, 2) == 14);
  CHECK(p.dt == 0.25);
  CHECK(p.count() == 5);
  CHECK(p.states() == 3);
  CHECK(p.inputs() == 0);
  const std::vector<double> a{1, 2, 3}, b{4, 5, 6};
  CHECK(column(kdm::pairs_from_matrices(a, b).y, 0) == b);
  const const_view<float> strided(x.data(), 2, 2, 6);
  CHECK(kdm::pairs_from_matrices(strided, strided).x(1, 1) == double(x(2, 1)));
}

TEST_CASE("pairs: neighbours in one trajectory") {
  const snapshot_pairs p = kdm::pairs_from_trajectory(numbered<float>(4, 0), {.dt = 0.5});
  CHECK(column(p.x, 0) == numbers{0, 1, 2});
  CHECK(column(p.y, 0) == numbers{1, 2, 3});
  CHECK(column(p.y, 1) == numbers{-1, -2, -3});
  CHECK(p.dt == 0.5);
  CHECK(p.u.size() == 0);
}

TEST_CASE("pairs: lag and stride") {
  const snapshot_pairs p = kdm::pairs_from_trajectory(numbered(9, 0), {.dt = 0.5, .lag = 2, .stride = 3});
  CHECK(column(p.x, 0) == numbers{0, 3, 6});
  CHECK(column(p.y, 0) == numbers{2, 5, 8});
  CHECK(p.dt == 1);
  CHECK(column(kdm::pairs_from_trajectory(numbered(8, 0), {.lag = 2, .stride = 3}).x, 0) == numbers{0, 3});
}

TEST_CASE("pairs: trajectories of uneven lengths are never paired across a boundary") {
  const std::vector<matrix<double>> several{numbered(3, 1), numbered(2, 2), numbered(5, 3)};
  const snapshot_pairs p = kdm::pairs_from_trajectories(several);
  CHECK(column(p.x, 0) == numbers{100, 101, 200, 300, 301, 302, 303});
  CHECK(column(p.y, 0) == numbers{101, 102, 201, 301, 302, 303, 304});
  const snapshot_pairs strided = kdm::pairs_from_trajectories(several, {.stride = 2});
  CHECK(column(strided.x, 0) == numbers{100, 200, 300, 302});  // every trajectory starts anew

  // A [times, samples, n] block: sample i as a strided view.
  matrix<double> block(3, 2 * 2);
  for (index_t t = 0; t < 3; ++t)
    for (index_t j = 0; j < 4; ++j) block(t, j) = double(10 * t + j);
  const std::array<const_view<double>, 2> samples{const_view<double>(block.data(), 3, 2, 4),
                                                  const_view<double>(block.data() + 2, 3, 2, 4)};
  const snapshot_pairs q = kdm::pairs_from_trajectories(samples);
  CHECK(column(q.x, 0) == numbers{0, 10, 2, 12});
  CHECK(column(q.y, 1) == numbers{11, 21, 13, 23});
}

TEST_CASE("pairs: delays stand side by side with the oldest first") {
  const std::vector<matrix<double>> several{numbered(5, 1), numbered(4, 2)};
  const snapshot_pairs p = kdm::pairs_from_trajectories(several, {.delays = 3});
  CHECK(p.states() == 6);
  CHECK(column(p.x, 0) == numbers{100, 101, 200});
  CHECK(column(p.x, 2) == numbers{101, 102, 201});
  CHECK(column(p.x, 5) == numbers{-102, -103, -202});
  CHECK(column(p.y, 0) == numbers{101, 102, 201});
  CHECK(column(p.y, 4) == numbers{103, 104, 203});
  const matrix<double> rows = kdm::delay_rows(several[0], 3);
  CHECK(rows.rows() == 3);
  for (index_t j = 0; j < 6; ++j) {
    CHECK(rows(0, j) == p.x(0, j));
    CHECK(rows(2, j) == p.y(1, j));
  }
  CHECK(relative_difference(kdm::delay_rows(several[0], 1), several[0]) == 0);
}

TEST_CASE("pairs: an input acts between the newest snapshot of x and that of y") {
  matrix<double> u(5, 1), shorter(4, 1);
  for (index_t t = 0; t < 5; ++t) u(t, 0) = double(t);
  for (index_t t = 0; t < 4; ++t) shorter(t, 0) = double(t);
  CHECK(column(kdm::pairs_from_trajectory(numbered(5, 0), u).u, 0) == numbers{0, 1, 2, 3});
  CHECK(column(kdm::pairs_from_trajectory(numbered(5, 0), shorter).u, 0) == numbers{0, 1, 2, 3});
  CHECK(column(kdm::pairs_from_trajectory(numbered(5, 0), u, {.delays = 3}).u, 0) == numbers{2, 3});
  const std::vector<matrix<double>> states{numbered(5, 1), numbered(3, 2)}, inputs{u, matrix<double>(2, 1)};
  CHECK(column(kdm::pairs_from_trajectories(states, inputs).u, 0) == numbers{0, 1, 2, 3, 0, 0});
  CHECK(message_of<kdm::option_error>([&] { kdm::pairs_from_trajectory(numbered(5, 0), u, {.lag = 2}); }) ==
        "snapshot_pairs: lag is 2, expected 1 where there are inputs");
  CHECK(message_of<kdm::shape_error>([&] { kdm::pairs_from_trajectory(numbered(7, 0), u); }) ==
        "snapshot_pairs: input rows of trajectory 0 is 5, expected 6 or 7");
  CHECK_THROWS_AS(kdm::pairs_from_trajectories(states, std::vector<matrix<double>>{u}), kdm::shape_error);
  CHECK(message_of<kdm::shape_error>([&] {
          kdm::pairs_from_trajectories(states, std::vector<matrix<double>>{u, matrix<double>(2, 2)});
        }) == "snapshot_pairs: input columns of trajectory 1 is 2, expected 1");
}

TEST_CASE("pairs: trajectories that do not fit are named") {
  const auto message = [](const std::vector<matrix<double>>& z, const kdm::trajectory_options& o = {}) {
    return message_of<kdm::shape_error>([&] { kdm::pairs_from_trajectories(z, o); });
  };
  CHECK(message({}) == "snapshot_pairs: no trajectory, expected at least 1");
  CHECK(message({numbered(3, 0), numbered(1, 1)}) ==
        "snapshot_pairs: snapshots of trajectory 1 is 1, expected at least 2 for 1 delays and lag 1");
  CHECK(message({numbered(5, 0), numbered(4, 1)}, {.lag = 2, .delays = 3}) ==
        "snapshot_pairs: snapshots of trajectory 1 is 4, expected at least 5 for 3 delays and lag 2");
  CHECK(message({numbered(3, 0), matrix<double>(3, 1)}) ==
        "snapshot_pairs: columns of trajectory 1 is 1, expected 2");
  CHECK(message({matrix<double>(3, 0)}) == "snapshot_pairs: columns of trajectory 0 is 0, expected at least 1");
  matrix<double> broken = numbered(4, 0);
  broken(2, 1) = NAN;
  CHECK(message_of<kdm::numeric_error>([&] { kdm::pairs_from_trajectory(broken); }) ==
        "snapshot_pairs: a snapshot of trajectory 0: row 2, column 1 is nan, expected a finite number");
  matrix<double> broken_input(4, 3);
  broken_input(3, 2) = INFINITY;
  CHECK(message_of<kdm::numeric_error>([&] { kdm::pairs_from_trajectory(numbered(4, 0), broken_input); }) ==
        "snapshot_pairs: an input of trajectory 0: row 3, column 2 is inf, expected a finite number");
  const matrix<double> good = numbered(4, 0);
  CHECK(message_of<kdm::option_error>([&] { kdm::pairs_from_trajectory(good, {.dt = 0}); }) ==
        "trajectory_options: dt is 0, expected a finite number above 0");
  for (const kdm::trajectory_options& bad : {kdm::trajectory_options{.lag = 0}, {.stride = 0}, {.delays = 0}})
    CHECK_THROWS_AS(kdm::pairs_from_trajectory(good, bad), kdm::option_error);
  CHECK_THROWS_AS(kdm::delay_rows(good, 5), kdm::shape_error);
  CHECK_THROWS_AS(kdm::delay_rows(good, 0), kdm::shape_error);
  // Numbers so large that the count of spare snapshots must not wrap.
  CHECK_THROWS_AS(kdm::pairs_from_trajectory(good, {.delays = 1000000007}), kdm::shape_error);
}

TEST_CASE("pairs: parts that do not belong together are refused") {
  const auto x = random_matrix<double>(4, 2, 1), y = random_matrix<double>(4, 2, 2);
  const auto check = [](const snapshot_pairs& p) { kdm::require_pairs("fit", p); };
  CHECK_NOTHROW(check({x, y, {}, {}, 1}));
  CHECK(message_of<kdm::shape_error>([&] { check({}); }) ==
        "fit: x is 0 x 0, expected at least one pair of one number");
  CHECK_THROWS_AS(check({matrix<double>(4, 0), matrix<double>(4, 0), {}, {}, 1}), kdm::shape_error);
  CHECK(message_of<kdm::shape_error>([&] { check({x, random_matrix<double>(3, 2, 1), {}, {}, 1}); }) ==
        "fit: rows of y is 3, expected 4");
  CHECK(message_of<kdm::shape_error>([&] { check({x, random_matrix<double>(4, 3, 1), {}, {}, 1}); }) ==
        "fit: columns of y is 3, expected 2");
  CHECK(message_of<kdm::shape_error>([&] { check({x, y, matrix<double>(3, 1), {}, 1}); }) ==
        "fit: rows of u is 3, expected 4");
  CHECK(message_of<kdm::shape_error>([&] { check({x, y, {}, matrix<double>(4, 2), 1}); }) ==
        "fit: columns of the weights is 2, expected 1");
  for (const double dt : {0., -1., double(NAN), double(INFINITY)})
    CHECK_THROWS_AS(check({x, y, {}, {}, dt}), kdm::option_error);
  for (int part = 0; part < 4; ++part) {
    snapshot_pairs p{x, y, matrix<double>(4, 1), matrix<double>(4, 1), 1};
    (part == 0 ? p.x : part == 1 ? p.y : part == 2 ? p.u : p.weights)(3, 0) = INFINITY;
    const char* const names[] = {"x", "y", "u", "the weights"};
    CHECK(message_of<kdm::numeric_error>([&] { check(p); }) ==
          kdm::concat("fit: row 3, column 0 of ", names[part], " is inf, expected a finite number"));
  }
  snapshot_pairs negative{x, y, {}, matrix<double>(4, 1), 1};
  negative.weights(2, 0) = -1;
  CHECK(message_of<kdm::numeric_error>([&] { check(negative); }) == "fit: weight 2 is -1, expected 0 or more");
  CHECK_THROWS_AS(kdm::pairs_from_matrices(x, matrix<double>(3, 2)), kdm::shape_error);
}

TEST_CASE("pairs: time stamps must grow evenly") {
  const std::vector<double> even{1, 1.5, 2, 2.5};
  CHECK(kdm::even_time_step(even) == 0.5);
  const auto message = [](const std::vector<double>& t) {
    return message_of<kdm::numeric_error>([&] { kdm::even_time_step(t); });
  };
  CHECK(message({0, 1, 1, 2}) == "even_time_step: time 2 is 1 after 1, expected a later one");
  CHECK(message({0, 2, 1, 3}) == "even_time_step: time 2 is 1 after 2, expected a later one");
  CHECK(message({0, 1, 2.5, 3}) == "even_time_step: time 2 is 2.5, expected 2 on the even grid of step 1");
  CHECK_THROWS_AS(kdm::even_time_step(std::vector<double>{0, NAN}), kdm::numeric_error);
  CHECK_THROWS_AS(kdm::even_time_step(std::vector<double>{-INFINITY, 0}), kdm::numeric_error);
  CHECK_THROWS_AS(kdm::even_time_step(std::vector<double>{1}), kdm::shape_error);
  // Stamps rounded to float still count as even.
  std::vector<double> rounded;
  for (int t = 0; t < 100; ++t) rounded.push_back(double(float(0.01 * t)));
  CHECK(kdm::even_time_step(rounded) == doctest::Approx(0.01));
}

TEST_CASE("pairs: delays and lags whose sum wraps are too few snapshots") {
  const index_t largest = std::numeric_limits<index_t>::max();
  const auto said = [&](kdm::trajectory_options o) {
    return message_of<kdm::shape_error>([&] { kdm::pairs_from_trajectory(numbered(5, 0), o); });
  };
  CHECK(said({.lag = largest, .delays = 2}).starts_with("trajectory_options: delays and lag is 2 + "));
  CHECK(said({.lag = 2, .delays = largest}).starts_with("trajectory_options: delays and lag is "));
  CHECK(said({.lag = 1, .delays = largest - 1}).find("expected at least 9223372036854775807") != std::string::npos);
  CHECK(message_of<kdm::shape_error>([&] { kdm::delay_rows(numbered(5, 0), largest); }).starts_with("delay_rows: "));
  CHECK(kdm::pairs_from_trajectory(numbered(5, 0), {.stride = largest}).count() == 1);
}

}  // namespace test_pairs
