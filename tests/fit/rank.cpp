// Rank rules against the constants of their papers and a table of decisions.
#include "kdm/fit/rank.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include "support.hpp"

namespace test_rank {

using namespace kdm_test;
using kdm::index_t;
using kdm::rank_rule;

TEST_CASE("rank: the constants of Gavish and Donoho") {
  CHECK(std::abs(rank_rule::threshold(1) - 4 / std::sqrt(3.)) < 1e-15);
  // omega(beta), integrated elsewhere; the usual cubic gives 1.603060, 1.834375, 2.172500, 2.496875 and 2.860000.
  const double table[][2] = {{0.1, 1.608772}, {0.25, 1.836866}, {0.5, 2.171185}, {0.75, 2.501430}, {1, 2.858362}};
  for (const auto& [beta, omega] : table)
    CHECK(std::abs(rank_rule::threshold(beta) / std::sqrt(rank_rule::median_of_noise(beta)) - omega) < 2e-6);
}

TEST_CASE("rank: a table of decisions") {
  const std::vector<double> sigma{10, 5, 1, 0.1, 1e-3, 1e-15};
  struct row {
    rank_rule rule;
    index_t rank;
    std::string name;
    double cut;
  };
  const double eps = std::numeric_limits<double>::epsilon();
  // Squares 100, 25, 1, 0.01, ... of 126.010001: the shares are 0.7936, 0.9920, 0.99992. Sums would give 0.621, 0.932,
  // 0.994.
  const std::vector<row> rows{
      {rank_rule::tolerance(), 5, "tolerance", 1000 * 10 * eps},
      {rank_rule::tolerance(1e-3), 4, "tolerance", 1e-2},
      {rank_rule::tolerance(0.1), 2, "tolerance", 1},
      {rank_rule::fixed(3), 3, "fixed", 0.1},
      {rank_rule::fixed(5), 5, "tolerance", 1000 * 10 * eps},
      {rank_rule::fixed(100), 5, "tolerance", 1000 * 10 * eps},
      {rank_rule::energy(0.79), 1, "energy", 5},
      {rank_rule::energy(0.99), 2, "energy", 1},
      {rank_rule::energy(0.9999), 3, "energy", 0.1},
      {rank_rule::energy(1), 5, "tolerance", 1000 * 10 * eps},
      // lambda*(0.006) sqrt(1000) 0.01.
      {rank_rule::gavish_donoho(0.01), 3, "gavish_donoho", rank_rule::threshold(0.006) * std::sqrt(1000.) * 0.01},
  };
  for (std::size_t k = 0; k < rows.size(); ++k) {
    CAPTURE(k);
    const auto d = rows[k].rule.decide(sigma, 1000, 6);
    CHECK(d.rank == rows[k].rank);
    CHECK(d.rule == rows[k].name);
    CHECK(d.cut == doctest::Approx(rows[k].cut).epsilon(1e-12));
    CHECK(d.numerical_rank == 5);
    CHECK(d.singular_values == sigma);
  }
  // The shape of the matrix alone changes nothing in which way it lies.
  CHECK(rank_rule::gavish_donoho(0.01).decide(sigma, 6, 1000).cut == rows.back().rule.decide(sigma, 1000, 6).cut);
}

TEST_CASE("rank: the floor is always on and moves with the size") {
  const double eps = std::numeric_limits<double>::epsilon();
  const std::vector<double> sigma{1, 150 * eps, 50 * eps};
  CHECK(rank_rule::fixed(3).decide(sigma, 3, 3).rank == 3);
  CHECK(rank_rule::fixed(3).decide(sigma, 100, 3).rank == 2);
  CHECK(rank_rule::fixed(3).decide(sigma, 3, 100).rank == 2);
  CHECK(rank_rule::fixed(3).decide(sigma, 200, 3).rank == 1);
  CHECK(rank_rule::energy(1).decide(sigma, 200, 3).rank == 1);
  CHECK(rank_rule::gavish_donoho().decide({0, 0}, 2, 2).rank == 0);
  CHECK(rank_rule::energy(0.5).decide({0, 0}, 2, 2).rank == 0);
  CHECK(rank_rule::tolerance().decide({}, 0, 3).rank == 0);
}

TEST_CASE("rank: squares of large and small values count alike") {
  for (const double unit : {1e-200, 1., 1e200})
    CHECK(rank_rule::energy(0.99).decide({10 * unit, 5 * unit, unit}, 3, 3).rank == 2);
}

TEST_CASE("rank: unknown noise is measured by the median") {
  // Three signals over a flat floor of 1: the cut is omega(0.5) times the median.
  std::vector<double> sigma{30, 20, 2.3};
  for (int k = 0; k < 47; ++k) sigma.push_back(1);
  const auto d = rank_rule::gavish_donoho().decide(sigma, 100, 50);
  CHECK(d.rank == 3);
  CHECK(d.cut == doctest::Approx(2.171185).epsilon(1e-6));
  sigma[2] = 2.1;
  CHECK(rank_rule::gavish_donoho().decide(sigma, 100, 50).rank == 2);
}

TEST_CASE("rank: the limit of a method and the gap") {
  const auto d = rank_rule::tolerance().decide({8, 4, 1e-3, 1e-4}, 10, 4, 2);
  CHECK(d.rank == 2);
  CHECK(d.rule == "limit");
  CHECK(d.cut == 1e-3);
  CHECK(d.gap == 4000);
  CHECK(d.has_gap());
  CHECK(d.text() == "rank 2 of 4 by limit, gap 4e+03");
  std::ostringstream out;
  out << d;
  CHECK(out.str() == d.text());
  const auto flat = rank_rule::fixed(1).decide({3, 2}, 2, 2);
  CHECK_FALSE(flat.has_gap());
  CHECK(flat.text() == "rank 1 of 2 by fixed, gap 1.5: the singular values have no gap there");
  CHECK(std::isinf(rank_rule::tolerance().decide({3, 2}, 2, 2).gap));
}

TEST_CASE("rank: bad options and bad singular values are refused") {
  CHECK(message_of<kdm::option_error>([] { rank_rule::fixed(0); }) == "rank_rule: the rank is 0, expected at least 1");
  for (const double bad : {-1., 1., double(NAN)}) CHECK_THROWS_AS(rank_rule::tolerance(bad), kdm::option_error);
  for (const double bad : {0., 1.5, double(NAN)}) CHECK_THROWS_AS(rank_rule::energy(bad), kdm::option_error);
  for (const double bad : {0., -1., double(INFINITY), double(NAN)})
    CHECK_THROWS_AS(rank_rule::gavish_donoho(bad), kdm::option_error);
  CHECK(message_of<kdm::numeric_error>([] { rank_rule::tolerance().decide({1, 2}, 2, 2); }) ==
        "rank_rule: singular value 1 is 2, expected finite numbers, not negative, largest first");
  CHECK_THROWS_AS(rank_rule::tolerance().decide({NAN}, 2, 2), kdm::numeric_error);
  CHECK_THROWS_AS(rank_rule::tolerance().decide({1, -1}, 2, 2), kdm::numeric_error);
}

}  // namespace test_rank
