// Philox against known answers, the distribution of uniforms and normals, shuffles.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "kdm/core/matrix.hpp"
#include "kdm/math/random.hpp"

namespace {

using kdm::index_t;
using kdm::random_table;

void check_words(kdm::words4 found, kdm::words4 expected) {
  for (int i = 0; i < 4; ++i) CHECK(found.w[i] == expected.w[i]);
}

TEST_CASE("philox4x32-10 gives the known answers of the Random123 distribution") {
  const std::uint32_t ones = 0xffffffffu;
  check_words(kdm::philox({{0, 0, 0, 0}}, 0), {{0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u}});
  check_words(kdm::philox({{ones, ones, ones, ones}}, 0xffffffffffffffffULL),
              {{0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu}});
  check_words(kdm::philox({{0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u}}, 0x299f31d0a4093822ULL),
              {{0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u}});
  static_assert(kdm::philox({{0, 0, 0, 0}}, 0).w[0] == 0x6627e8d5u);
}

TEST_CASE("uniforms stay inside the open interval and fill it evenly") {
  for (std::uint32_t w : {0u, 1u, 0x7fffffffu, 0xfffffffeu, 0xffffffffu}) {
    const float f = random_table::to_uniform<float>(w);
    const double d = random_table::to_uniform<double>(w);
    CHECK(f > 0.0f);
    CHECK(f < 1.0f);
    CHECK(d > 0.0);
    CHECK(d < 1.0);
    CHECK(double(f) == doctest::Approx(d).epsilon(1e-3).scale(1e-4));
  }
  const random_table table{11, kdm::streams::user, 4};
  const index_t n = 200000;
  double counts[64] = {};
  for (index_t j = 0; j < n; ++j) counts[int(64 * table.uniform<double>(3, j))] += 1;
  double chi2 = 0;
  for (double c : counts) chi2 += (c - n / 64.0) * (c - n / 64.0) / (n / 64.0);
  CHECK(chi2 < 63 + 5 * std::sqrt(2 * 63.0));
  std::vector<int> seen(7, 0);
  for (index_t j = 0; j < 7000; ++j) {
    const index_t k = table.below(7, 1, j);
    REQUIRE(k >= 0);
    REQUIRE(k < 7);
    ++seen[std::size_t(k)];
  }
  for (int s : seen) CHECK(std::abs(s - 1000) < 150);
}

template <class T>
std::vector<double> table_of_normals(const random_table& table, index_t rows, index_t cols) {
  std::vector<double> z;
  for (index_t i = 0; i < rows; ++i)
    for (index_t b = 0; b < cols / 4; ++b) {
      const auto four = table.normals<T>(i, b);
      for (T v : four.z) z.push_back(double(v));
    }
  return z;
}

double correlation(const std::vector<double>& a, const std::vector<double>& b, std::size_t shift = 0) {
  double sum = 0;
  for (std::size_t i = 0; i + shift < a.size(); ++i) sum += a[i] * b[i + shift];
  return sum / double(a.size() - shift);
}

TEST_CASE_TEMPLATE("normals have the moments and the distribution of N(0 1)", T, float, double) {
  auto z = table_of_normals<T>({5, kdm::streams::user, 0}, 1000, 200);
  const double n = double(z.size());
  double m1 = 0, m2 = 0, m3 = 0, m4 = 0;
  for (double v : z) m1 += v, m2 += v * v, m3 += v * v * v, m4 += v * v * v * v;
  // Five standard errors each: the variances of v, v^2, v^3, v^4 are 1, 2, 15, 96.
  CHECK(std::abs(m1 / n) < 5 / std::sqrt(n));
  CHECK(std::abs(m2 / n - 1) < 5 * std::sqrt(2 / n));
  CHECK(std::abs(m3 / n) < 5 * std::sqrt(15 / n));
  CHECK(std::abs(m4 / n - 3) < 5 * std::sqrt(96 / n));

  // Kolmogorov-Smirnov at a level of 1e-5.
  std::sort(z.begin(), z.end());
  double distance = 0;
  for (std::size_t i = 0; i < z.size(); ++i) {
    const double p = 0.5 * std::erfc(-z[i] / std::sqrt(2.0));
    distance = std::max({distance, std::abs(p - double(i) / n), std::abs(p - double(i + 1) / n)});
  }
  CHECK(distance * std::sqrt(n) < 2.47);
}

TEST_CASE("normals of other columns and rows and steps and streams and seeds are independent") {
  const index_t rows = 500, cols = 64;
  const random_table base{5, kdm::streams::user, 0};
  const auto z = table_of_normals<double>(base, rows, cols);
  const double bound = 5 / std::sqrt(double(z.size()));
  for (std::size_t shift : {1, 2, 3, 4, 63, 64, 65, 128}) {
    CAPTURE(shift);
    CHECK(std::abs(correlation(z, z, shift)) < bound);
  }
  for (const random_table& other :
       {random_table{6, base.stream, 0}, random_table{5, base.stream + 1, 0}, random_table{5, base.stream, 1},
        random_table{5 + (1ULL << 32), base.stream, 0}})
    CHECK(std::abs(correlation(z, table_of_normals<double>(other, rows, cols))) < bound);
  // The squares too: the two outputs of one Box-Muller pair share their radius.
  std::vector<double> squares = z;
  for (double& v : squares) v = (v * v - 1) / std::sqrt(2.0);
  for (std::size_t shift : {1, 2, 4, 64}) CHECK(std::abs(correlation(squares, squares, shift)) < bound);
}

TEST_CASE("normals agree between float and double and between their accessors") {
  const random_table table{9, 3, 2};
  double worst = 0;
  for (index_t i = 0; i < 100; ++i)
    for (index_t j = 0; j < 100; ++j) {
      const double d = table.normal<double>(i, j);
      worst = std::max(worst, std::abs(double(table.normal<float>(i, j)) - d) / std::max(1.0, std::abs(d)));
      CHECK(table.normal<double>(i, j) == table.normals<double>(i, j / 4).z[j % 4]);
    }
  CHECK(worst < 1e-6);
  // The extreme words give finite numbers.
  CHECK(random_table::box_muller<float>(0, 0).first == doctest::Approx(6.7).epsilon(0.01));
  CHECK(random_table::box_muller<float>(0xffffffffu, 0).first == doctest::Approx(0x1p-16).epsilon(1e-6));
  CHECK(std::isfinite(random_table::box_muller<double>(0xffffffffu, 0).first));
}

TEST_CASE_TEMPLATE("the radius of a normal is exact to rounding for words at both ends and between", T, float, double) {
  // -2 log u in long double, of the word's distance from the nearer end: the reference loses no digit.
  const auto expected = [](std::uint32_t word) {
    const long double share = (static_cast<long double>(word < 0x80000000u ? word : ~word) + 0.5L) * 0x1p-32L;
    return std::sqrt(-2 * (word < 0x80000000u ? std::log(share) : std::log1p(-share)));
  };
  long double worst = 0;
  const auto look = [&](std::uint32_t word) {
    const long double r = expected(word);
    const auto found = static_cast<long double>(random_table::box_muller<T>(word, 0).first);
    worst = std::max(worst, std::abs(found - r) / std::max(1.0L, r));
  };
  for (std::uint32_t k = 0; k < 70000; ++k) look(k), look(~k);
  // Where the two forms meet, and a sweep over all words.
  for (std::uint32_t k = 0; k < 2000; ++k) look(~((1u << 24) - 1000 + k));
  for (std::uint64_t word = 0; word < (1ULL << 32); word += 65521) look(std::uint32_t(word));
  CHECK(worst < (sizeof(T) == 4 ? 4e-7L : 4e-16L));
}

TEST_CASE_TEMPLATE("fill_normals writes the numbers of the table for any shape", T, float, double) {
  const random_table table{21, 17, 3};
  const double rounding = sizeof(T) == 4 ? 1e-6 : 1e-14;
  for (index_t cols : {0, 1, 2, 3, 4, 5, 31, 127, 128, 129, 300}) {
    kdm::matrix<T> all(7, cols + 2);
    kdm::fill_normals(table, 40, all.view().col_range(0, cols));
    for (index_t i = 0; i < 7; ++i) {
      for (index_t j = 0; j < cols; ++j)
        CHECK(double(all(i, j)) == doctest::Approx(double(table.normal<T>(40 + i, j))).epsilon(rounding));
      CHECK(all(i, cols) == T(0));
      CHECK(all(i, cols + 1) == T(0));
    }
    kdm::matrix<T> part(2, cols);
    kdm::fill_normals(table, 43, part.view());
    bool same = true;
    for (index_t i = 0; i < 2; ++i)
      for (index_t j = 0; j < cols; ++j) same = same && part(i, j) == all(3 + i, j);
    CHECK(same);
  }
}

std::vector<index_t> positions(index_t n, std::uint64_t seed, std::uint32_t epoch) {
  const kdm::shuffle s(n, seed, epoch);
  std::vector<index_t> p;
  for (index_t i = 0; i < n; ++i) p.push_back(s(i));
  return p;
}

TEST_CASE("shuffle is a permutation that depends on seed and epoch") {
  for (index_t n : {1, 2, 3, 4, 5, 16, 17, 1000, 4097}) {
    CAPTURE(n);
    auto p = positions(n, 3, 1);
    std::sort(p.begin(), p.end());
    for (index_t i = 0; i < n; ++i) REQUIRE(p[std::size_t(i)] == i);
  }
  CHECK(positions(1000, 3, 1) == positions(1000, 3, 1));
  CHECK(positions(1000, 3, 1) != positions(1000, 3, 2));
  CHECK(positions(1000, 3, 1) != positions(1000, 4, 1));
}

TEST_CASE("shuffle sends every element to every position equally often") {
  const index_t n = 12;
  const int epochs = 12000;
  std::vector<double> counts(std::size_t(n * n), 0.0);
  for (int e = 0; e < epochs; ++e) {
    const auto p = positions(n, 77, std::uint32_t(e));
    for (index_t i = 0; i < n; ++i) counts[std::size_t(i * n + p[std::size_t(i)])] += 1;
  }
  double chi2 = 0;
  const double expected = epochs / double(n);
  for (double c : counts) chi2 += (c - expected) * (c - expected) / expected;
  const double freedom = double((n - 1) * (n - 1));
  CHECK(chi2 < freedom + 5 * std::sqrt(2 * freedom));
}

}  // namespace
