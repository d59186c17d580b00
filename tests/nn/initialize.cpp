// Initial weights: distribution and reproducibility of every rule.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "kdm/nn/dense.hpp"
#include "kdm/nn/initialize.hpp"
#include "support.hpp"

using kdm::index_t;
using kdm::initializer;
using kdm::matrix;

namespace {

matrix<double> drawn(initializer rule, index_t rows, index_t cols, std::uint64_t seed = 1) {
  kdm::manifest m;
  m.add("w", rows, cols, cols, rule);
  return kdm::initial_weights<double>(m, seed);
}

struct moments {
  double mean = 0, variance = 0, largest = 0;
};
moments moments_of(const matrix<double>& w) {
  moments m;
  for (index_t k = 0; k < w.size(); ++k) {
    m.mean += w.data()[k] / double(w.size());
    m.variance += w.data()[k] * w.data()[k] / double(w.size());
    m.largest = std::max(m.largest, std::abs(w.data()[k]));
  }
  return m;
}

/// 100 x 200 numbers: a mean within five standard errors, a variance within five per cent.
void check_distribution(initializer rule, double variance, double bound) {
  const auto m = moments_of(drawn(rule, 100, 200));
  CHECK(std::abs(m.mean) < 5 * std::sqrt(variance / 20000));
  CHECK(m.variance == doctest::Approx(variance).epsilon(0.05));
  CHECK(m.largest < bound);
  CHECK(m.largest > 0.7 * bound);
}

}  // namespace

TEST_CASE("uniform rules fill their interval") {
  check_distribution(initializer::pytorch, 1. / 200 / 3, std::sqrt(1. / 200));
  check_distribution(initializer::kaiming_uniform, 2. / 200, std::sqrt(6. / 200));
  check_distribution(initializer::xavier_uniform, 2. / 300, std::sqrt(6. / 300));
}

TEST_CASE("normal rules have their variance and tails") {
  // The largest of 20000 normal numbers lies between 3.6 and 5.2 standard deviations.
  check_distribution(initializer::kaiming_normal, 2. / 200, 5.2 * std::sqrt(2. / 200));
  check_distribution(initializer::xavier_normal, 2. / 300, 5.2 * std::sqrt(2. / 300));
}

TEST_CASE("orthogonal rows or columns to rounding") {
  const index_t sizes[][2] = {{20, 20}, {7, 30}, {30, 7}, {1, 5}, {5, 1}, {1, 1}};
  for (const auto& size : sizes) {
    const index_t rows = size[0], cols = size[1];
    const auto w = drawn(initializer::orthogonal, rows, cols);
    const index_t count = std::min(rows, cols), length = std::max(rows, cols);
    const auto at = [&](index_t vector, index_t k) {
      return rows <= cols ? w.data()[vector * cols + k] : w.data()[k * cols + vector];
    };
    for (index_t i = 0; i < count; ++i)
      for (index_t j = 0; j < count; ++j) {
        double dot = 0;
        for (index_t k = 0; k < length; ++k) dot += at(i, k) * at(j, k);
        CHECK(std::abs(dot - (i == j ? 1 : 0)) < 1e-12);
      }
  }
}

TEST_CASE("identity and zeros") {
  const auto w = drawn(initializer::identity, 3, 5), z = drawn(initializer::zeros, 3, 5);
  for (index_t i = 0; i < 3; ++i)
    for (index_t j = 0; j < 5; ++j) {
      CHECK(w.data()[i * 5 + j] == (i == j ? 1 : 0));
      CHECK(z.data()[i * 5 + j] == 0);
    }
}

TEST_CASE("weights depend on the seed and the place in the manifest alone") {
  const auto a = drawn(initializer::xavier_normal, 10, 10), b = drawn(initializer::xavier_normal, 10, 10);
  CHECK(kdm_test::relative_difference(a, b) == 0);
  CHECK(kdm_test::relative_difference(a, drawn(initializer::xavier_normal, 10, 10, 2)) > 0.01);

  kdm::manifest m;
  m.add("first", 10, 10, 10, initializer::xavier_normal);
  m.add("second", 10, 10, 10, initializer::xavier_normal);
  const auto both = kdm::initial_weights<double>(m, 1);
  const matrix<double> first(kdm::const_view<double>(both.view().col_range(0, 100)));
  const matrix<double> second(kdm::const_view<double>(both.view().col_range(100, 100)));
  CHECK(kdm_test::relative_difference(first, a) == 0);
  CHECK(kdm_test::relative_difference(second, a) > 0.01);
}

TEST_CASE("float weights are the double weights rounded") {
  kdm::manifest m;
  for (auto rule : {initializer::pytorch, initializer::kaiming_normal, initializer::orthogonal, initializer::identity})
    m.add(kdm::concat(m.size()), 9, 8, 8, rule);
  const auto w = kdm::initial_weights<double>(m, 4);
  const auto f = kdm::initial_weights<float>(m, 4);
  for (index_t k = 0; k < w.size(); ++k) CHECK(f.data()[k] == float(w.data()[k]));
}

TEST_CASE("a dense bias starts as PyTorch's does or at zero") {
  const auto torch = kdm::initial_weights<double>(kdm::manifest_of(kdm::dense_layer(4, 50)), 1);
  const kdm::dense_layer orthogonal(4, 50, kdm::activations::tanh{}, true, initializer::orthogonal);
  const auto other = kdm::initial_weights<double>(kdm::manifest_of(orthogonal), 1);
  double largest = 0;
  for (index_t k = 200; k < 250; ++k) {
    largest = std::max(largest, std::abs(torch.data()[k]));
    CHECK(other.data()[k] == 0);
  }
  CHECK(largest < 0.5);
  CHECK(largest > 0.35);
}
