// Errors of figures: against NumPy (tests/fixtures/evaluation_twin.py), closed forms and brute force.
#include <doctest/doctest.h>

#include <cmath>
#include <numeric>
#include <set>
#include <vector>

#include "kdm/metrics/metrics.hpp"
#include "lanes.hpp"
#include "support.hpp"

using kdm::index_t;
using kdm::matrix;
using kdm_test::message_of;
using kdm_test::random_matrix;

namespace {

struct twin {
  matrix<double> truth{101, 3}, predicted{101, 3};
  twin() {
    const double size[] = {3, 1, 0.01}, error[] = {0.1, 0.2, 0.005};
    for (index_t i = 0; i < 101; ++i)
      for (index_t j = 0; j < 3; ++j) {
        truth(i, j) = size[j] * std::sin(1.3 * double(i) + 2.1 * double(j)) + double(j);
        predicted(i, j) =
            truth(i, j) + error[j] * std::cos(0.7 * double(i) * double(j + 1)) * (i % 10 == 0 ? 10 : 1);
      }
  }
};

template <class T>
matrix<T> scaled(const matrix<T>& x, double by, double plus = 0) {
  matrix<T> y(x);
  for (index_t k = 0; k < y.size(); ++k) y.data()[k] = T(by * double(y.data()[k]) + plus);
  return y;
}

doctest::Approx near(double value) { return doctest::Approx(value).epsilon(1e-12); }

}  // namespace

TEST_CASE("pair_error: agrees with NumPy") {
  const twin t;
  const kdm::pair_errors e = kdm::pair_error(t.predicted, t.truth);
  CHECK(e.mean_squared == near(0.0999097014954341));
  CHECK(e.root_mean_squared == near(0.316084959299607));
  CHECK(e.mean_distance == near(0.2987636973624));
  CHECK(e.median_distance == near(0.169106175501874));
  CHECK(e.standard_error == near(0.0309219481291558));
  CHECK(e.spread == near(2.23330992449803));
  CHECK(e.share_off == near(0.0792079207920792));
  CHECK(e.unexplained == near(0.0600939739501868));
  CHECK(e.worst_column == 2);
  CHECK(e.worst_unexplained == near(3.18639169114172));
}

TEST_CASE("pair_error: the unit of the data does not matter to what is beside the spread") {
  const twin t;
  const kdm::pair_errors e = kdm::pair_error(t.predicted, t.truth);
  for (const double unit : {1e-6, 1e6}) {
    const kdm::pair_errors other = kdm::pair_error(scaled(t.predicted, unit, unit), scaled(t.truth, unit, unit));
    CHECK(other.share_off == e.share_off);
    CHECK(other.unexplained == doctest::Approx(e.unexplained).epsilon(1e-9));
    CHECK(other.worst_unexplained == doctest::Approx(e.worst_unexplained).epsilon(1e-9));
    CHECK(other.spread == doctest::Approx(unit * e.spread).epsilon(1e-9));
    CHECK(other.standard_error == doctest::Approx(unit * unit * e.standard_error).epsilon(1e-9));
  }
}

TEST_CASE("pair_error: a small column that is missed altogether is the worst one") {
  matrix<float> truth(200, 3), predicted(200, 3);
  for (index_t i = 0; i < 200; ++i) {
    predicted(i, 0) = truth(i, 0) = float(i % 7);
    truth(i, 1) = i % 2 == 0 ? 1e-3f : -1e-3f;  // predicted as 0
    predicted(i, 2) = 1e-3f;                    // of a constant
  }
  const kdm::pair_errors e = kdm::pair_error(predicted, truth);
  CHECK(e.unexplained < 1e-6);
  CHECK(e.worst_column == 1);
  CHECK(e.worst_unexplained == doctest::Approx(1));
  CHECK(e.share_off == 0);
}

TEST_CASE("pair_error: a truth of one point has no spread") {
  const matrix<float> point(3, 2);
  CHECK(kdm::pair_error(point, point).unexplained == 0);
  CHECK(kdm::pair_error(point, point).share_off == 0);
  matrix<float> off(point);
  off(1, 1) = 1;
  CHECK(kdm::pair_error(off, point).unexplained == INFINITY);
  CHECK(kdm::pair_error(off, point).share_off == doctest::Approx(1 / 3.));
  CHECK(kdm::pair_error(off.view().row_range(1, 1), point.view().row_range(1, 1)).standard_error == INFINITY);
}

TEST_CASE("quantile: linear between the values") {
  const std::vector<double> values{1, 2, 4, 8};
  CHECK(kdm::quantile(values, 0) == 1);
  CHECK(kdm::quantile(values, 1) == 8);
  CHECK(kdm::quantile(values, 0.5) == 3);
  CHECK(kdm::quantile(values, 0.25) == 1.75);
  CHECK_THROWS_AS(kdm::quantile({}, 0.5), kdm::shape_error);
  CHECK_THROWS_AS(kdm::quantile(values, NAN), kdm::option_error);
}

TEST_CASE("bootstrap_intervals: agree with NumPy") {
  const twin t;
  std::vector<double> distances = kdm::pair_distances(t.predicted, t.truth);
  const auto figures = [&](std::span<const index_t> rows) {
    std::vector<double> drawn;
    double squared = 0;
    for (const index_t i : rows) {
      drawn.push_back(distances[std::size_t(i)]);
      squared += drawn.back() * drawn.back() / 3 / double(rows.size());
    }
    return std::vector<double>{squared, kdm::detail::median_of(drawn)};
  };
  const kdm::bootstrap_options options{.resamples = 200, .level = 0.9, .seed = 5};
  const auto found = kdm::bootstrap_intervals(101, figures, options);
  REQUIRE(found.size() == 2);
  CHECK(found[0].low == near(0.053498458770142));
  CHECK(found[0].high == near(0.155348309504225));
  CHECK(found[1].low == near(0.154246858571942));
  CHECK(found[1].high == near(0.182091765459488));
  const auto on_lanes = kdm::bootstrap_intervals(101, figures, options, kdm_test::backward_lanes{4});
  CHECK(on_lanes[0].low == found[0].low);
  CHECK(on_lanes[1].high == found[1].high);
}

TEST_CASE("bootstrap_intervals: hold the mean of normal numbers as often as they say") {
  // 300 data sets of 40 numbers: the interval of level 0.9 misses the mean in 10 percent, a little more for so few
  // numbers; four standard errors are 7 percent.
  int held = 0;
  for (unsigned seed = 1; seed <= 300; ++seed) {
    const auto x = random_matrix<double>(40, 1, seed);
    const auto mean = [&](std::span<const index_t> rows) {
      double sum = 0;
      for (const index_t i : rows) sum += x(i, 0) / double(rows.size());
      return std::vector<double>{sum};
    };
    const auto found = kdm::bootstrap_intervals(40, mean, {.resamples = 200, .level = 0.9, .seed = seed});
    held += found[0].low <= 0 && 0 <= found[0].high ? 1 : 0;
  }
  CHECK(held > 300 * 0.81);
  CHECK(held < 300 * 0.97);
  CHECK_THROWS_AS(kdm::bootstrap_intervals(0, [](auto) { return std::vector<double>{0}; }), kdm::shape_error);
  CHECK_THROWS_AS(kdm::bootstrap_intervals(3, [](auto) { return std::vector<double>{0}; }, {.level = 1}),
                  kdm::option_error);
  CHECK_THROWS_AS(kdm::bootstrap_intervals(3, [](auto) { return std::vector<double>{0}; }, {.resamples = 1}),
                  kdm::option_error);
}

TEST_CASE("energy distance and discrepancy and Wasserstein distance agree with NumPy") {
  const twin t;
  const auto a = t.truth.view().row_range(0, 50), b = t.predicted.view().row_range(50, 50);
  CHECK(kdm::energy_distance(a, b) == doctest::Approx(0.0143353301970284).epsilon(1e-11));
  CHECK(kdm::maximum_mean_discrepancy(a, b, {.bandwidths = {1.5}}) ==
        doctest::Approx(-0.0237294305771307).epsilon(1e-11));
  CHECK(kdm::maximum_mean_discrepancy(t.truth, t.predicted, {.bandwidths = {1.5}, .paired = true}) ==
        doctest::Approx(0.000308829466217131).epsilon(1e-9));
  CHECK(kdm::sliced_wasserstein(a.col_range(0, 1), b.col_range(0, 1), {.directions = 1}) ==
        doctest::Approx(0.135926143729665).epsilon(1e-12));
}

TEST_CASE("maximum_mean_discrepancy: two copies of one set are at 0 when paired") {
  const auto x = random_matrix<double>(200, 2, 1);
  CHECK(std::abs(kdm::maximum_mean_discrepancy(x, x, {.paired = true})) < 1e-14);
  CHECK(kdm::maximum_mean_discrepancy(x, x) < -1e-3);
  CHECK(message_of<kdm::shape_error>([&] {
          kdm::maximum_mean_discrepancy(x, x.view().row_range(0, 100), {.paired = true});
        }) == "maximum_mean_discrepancy: a has 200 rows, b has 100, expected equally many of pairs");
}

TEST_CASE("halves_of: equal sizes and no row in both") {
  for (const index_t n : {4, 5, 17, 100}) {
    const kdm::halves h = kdm::halves_of(n, {}, 3);
    CHECK(h.first.size() == std::size_t(n / 2));
    CHECK(h.second.size() == std::size_t(n / 2));
    std::set<index_t> all(h.first.begin(), h.first.end());
    all.insert(h.second.begin(), h.second.end());
    CHECK(all.size() == std::size_t(n / 2 * 2));
    CHECK(*all.begin() >= 0);
    CHECK(*all.rbegin() < n);
  }
  CHECK(kdm::halves_of(100, {.limit = 7}, 0).second.size() == 7);
  CHECK(kdm::halves_of(100, {}, 0).first != kdm::halves_of(100, {}, 1).first);
  CHECK(kdm::halves_of(100, {}, 0).first != kdm::halves_of(100, {.seed = 1}, 0).first);
  CHECK(message_of<kdm::shape_error>([] { kdm::halves_of(3, {}, 0); }) ==
        "halves: found 3 pairs, expected at least 4, two for each half");
}

TEST_CASE("sliced_wasserstein_of_halves: is sliced_wasserstein of the halves") {
  const auto teacher = random_matrix<float>(91, 3, 2), student = random_matrix<float>(91, 3, 3, 1.5);
  const kdm::halves_options options{.splits = 4, .limit = 40, .seed = 9};
  const kdm::sliced_options sliced{.directions = 20, .seed = 2};
  const auto found = kdm::sliced_wasserstein_of_halves(student, teacher, options, sliced);
  const auto expected = kdm::distance_of_halves(
      student, teacher, [&](const auto& a, const auto& b) { return kdm::sliced_wasserstein(a, b, sliced); }, options);
  REQUIRE(found.student.size() == 4);
  for (std::size_t k = 0; k < 4; ++k) {
    CHECK(found.student[k] == near(expected.student[k]));
    CHECK(found.teacher[k] == near(expected.teacher[k]));
    CHECK(found.excess()[k] == near(expected.student[k] - expected.teacher[k]));
  }
  const auto lanes = kdm::sliced_wasserstein_of_halves(student, teacher, options, sliced, kdm_test::backward_lanes{3});
  CHECK(lanes.student == found.student);
  CHECK(lanes.teacher == found.teacher);
}

TEST_CASE("distance_of_halves: a student without fault is at the floor and one with a fault is above it") {
  const index_t n = 400;
  const auto teacher = random_matrix<double>(n, 2, 4);
  const auto distance = [](const auto& a, const auto& b) { return kdm::energy_distance(a, b); };
  const auto perfect = kdm::distance_of_halves(teacher, teacher, distance);
  CHECK(perfect.student == perfect.teacher);
  // Other samples of the same distribution: the excess is 0 within its interval.
  const auto fresh = kdm::figure_of(kdm::distance_of_halves(random_matrix<double>(n, 2, 5), teacher, distance).excess());
  CHECK(fresh.range.low < 0);
  CHECK(fresh.range.high > 0);
  const auto moved = kdm::figure_of(kdm::distance_of_halves(scaled(teacher, 1, 0.5), teacher, distance).excess());
  CHECK(moved.range.low > 0);
}

TEST_CASE("distance_of_halves: the deviation over the splits is that of independent halves") {
  // The difference of means of two halves of 200 normal numbers each has the deviation sqrt(2 / 200) = 0.1; with 400
  // splits the deviation is known to 3.5 percent, and that of the 400 numbers to as much again.
  const auto teacher = random_matrix<double>(400, 1, 6);
  const auto difference = [](const auto& a, const auto& b) { return kdm::mean(a)(0, 0) - kdm::mean(b)(0, 0); };
  const auto found = kdm::distance_of_halves(teacher, teacher, difference, {.splits = 400});
  CHECK(kdm::figure_of(found.teacher).standard_error == doctest::Approx(0.1).epsilon(0.2));
}

TEST_CASE("figure_of: known values") {
  const kdm::split_figure f = kdm::figure_of({4, 1, 2, 3, 10}, 0.5);
  CHECK(f.mean == 4);
  CHECK(f.median == 3);
  CHECK(f.standard_error == doctest::Approx(std::sqrt(12.5)));
  CHECK(f.range.low == 2);
  CHECK(f.range.high == 4);
  CHECK_THROWS_AS(kdm::figure_of({1}), kdm::shape_error);
  CHECK_THROWS_AS(kdm::figure_of({1, 2}, 1), kdm::option_error);
}

TEST_CASE("halves: refuse what they cannot compare") {
  const auto x = random_matrix<float>(8, 2, 1);
  CHECK_THROWS_AS(kdm::sliced_wasserstein_of_halves(x, x.view().row_range(0, 6)), kdm::shape_error);
  CHECK_THROWS_AS(kdm::sliced_wasserstein_of_halves(x, x, {.splits = 1}), kdm::option_error);
  CHECK_THROWS_AS(kdm::sliced_wasserstein_of_halves(x, x, {.limit = 1}), kdm::option_error);
  CHECK_THROWS_AS(kdm::sliced_wasserstein_of_halves(x, x, {}, {.directions = 0}), kdm::option_error);
  auto broken = x;
  broken(3, 1) = NAN;
  CHECK_THROWS_AS(kdm::sliced_wasserstein_of_halves(broken, x), kdm::numeric_error);
}

TEST_CASE("principal_components_of: agrees with NumPy") {
  matrix<double> x(60, 20);
  for (index_t i = 0; i < 60; ++i)
    for (index_t j = 0; j < 20; ++j) {
      const double a = double(i), b = double(j);
      x(i, j) = std::sin(0.9 * a + 0.1 * b) * 3 + std::cos(0.37 * a * double(1 + j % 3)) + 0.05 * std::sin(1.7 * a * b) + b;
    }
  const kdm::principal_components p = kdm::principal_components_of(x);
  REQUIRE(p.directions.rows() == 2);
  CHECK(p.shares[0] == doctest::Approx(0.699066439481262).epsilon(1e-9));
  CHECK(p.shares[1] == doctest::Approx(0.236684135676125).epsilon(1e-9));
  CHECK(p.directions(0, 0) == doctest::Approx(0.156741494814875).epsilon(1e-7));
  CHECK(p.directions(0, 19) == doctest::Approx(0.162750312654954).epsilon(1e-7));
  CHECK(p.directions(1, 0) == doctest::Approx(0.342541144761667).epsilon(1e-7));
  CHECK(p.directions(1, 19) == doctest::Approx(-0.323393407192876).epsilon(1e-7));
  const matrix<double> c = p.coordinates(x);
  CHECK(c(7, 0) == doctest::Approx(8.6095113820645).epsilon(1e-7));
  CHECK(c(7, 1) == doctest::Approx(-4.31504787639322).epsilon(1e-7));
}

TEST_CASE("principal_components_of: a line in space and sets with nothing to find") {
  matrix<float> x(50, 4);
  for (index_t i = 0; i < 50; ++i) x(i, 1) = float(3 * i), x(i, 3) = float(4 * i), x(i, 2) = 7;
  const kdm::principal_components p = kdm::principal_components_of(x, {.count = 9});
  REQUIRE(p.directions.rows() == 4);
  CHECK(p.directions(0, 1) == near(0.6));
  CHECK(p.directions(0, 3) == near(0.8));
  CHECK(p.shares[0] == near(1));
  CHECK(p.shares[1] < 1e-12);
  CHECK(kdm::principal_components_of(x.view().col_range(1, 1)).directions(0, 0) == near(1));
  CHECK_THROWS_AS(kdm::principal_components_of(x.view().col_range(2, 1)), kdm::numeric_error);
  CHECK_THROWS_AS(kdm::principal_components_of(x, {.count = 0}), kdm::option_error);
  CHECK_THROWS_AS(p.coordinates(x.view().col_range(0, 2)), kdm::shape_error);
}
