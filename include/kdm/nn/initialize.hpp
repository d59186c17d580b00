/// Initial weights: every tensor of a manifest by its own rule, reproducible by seed.
#pragma once

#include <cmath>
#include <vector>

#include "kdm/core/matrix.hpp"
#include "kdm/core/weights.hpp"
#include "kdm/math/random.hpp"

namespace kdm {

namespace detail {

inline double normal_at(const random_table& table, index_t i, index_t j) { return table.normal<double>(i, j); }

/// Fills w with orthonormal rows (or columns, when there are more rows than columns).
///
/// Modified Gram-Schmidt, each vector orthogonalised twice, which keeps them orthogonal to rounding.
inline void fill_orthogonal(const random_table& table, view<double> w) {
  const bool by_rows = w.rows <= w.cols;
  const index_t count = by_rows ? w.rows : w.cols, length = by_rows ? w.cols : w.rows;
  matrix<double> q(count, length);
  for (index_t i = 0; i < count; ++i) {
    for (index_t j = 0; j < length; ++j) q(i, j) = normal_at(table, i, j);
    for (int round = 0; round < 2; ++round) {
      for (index_t k = 0; k < i; ++k) {
        double along = 0;
        for (index_t j = 0; j < length; ++j) along += q(i, j) * q(k, j);
        for (index_t j = 0; j < length; ++j) q(i, j) -= along * q(k, j);
      }
    }
    double square = 0;
    for (index_t j = 0; j < length; ++j) square += q(i, j) * q(i, j);
    for (index_t j = 0; j < length; ++j) q(i, j) /= std::sqrt(square);
  }
  for (index_t i = 0; i < w.rows; ++i)
    for (index_t j = 0; j < w.cols; ++j) w(i, j) = by_rows ? q(i, j) : q(j, i);
}

inline void fill_tensor(const weight_entry& e, const random_table& table, view<double> w) {
  const double fan_in = double(e.fan_in), fan_out = double(e.rows);
  const auto each = [&](auto value) {
    for (index_t i = 0; i < w.rows; ++i)
      for (index_t j = 0; j < w.cols; ++j) w(i, j) = value(i, j);
  };
  const auto uniform = [&](double bound) {
    each([&](index_t i, index_t j) { return bound * (2 * table.uniform<double>(i, j) - 1); });
  };
  const auto normal = [&](double deviation) {
    each([&](index_t i, index_t j) { return deviation * normal_at(table, i, j); });
  };
  switch (e.init) {
    case initializer::pytorch: return uniform(std::sqrt(1 / fan_in));
    case initializer::kaiming_uniform: return uniform(std::sqrt(6 / fan_in));
    case initializer::kaiming_normal: return normal(std::sqrt(2 / fan_in));
    case initializer::xavier_uniform: return uniform(std::sqrt(6 / (fan_in + fan_out)));
    case initializer::xavier_normal: return normal(std::sqrt(2 / (fan_in + fan_out)));
    case initializer::orthogonal: return fill_orthogonal(table, w);
    case initializer::identity: return each([](index_t i, index_t j) { return i == j ? 1. : 0.; });
    case initializer::zeros: return each([](index_t, index_t) { return 0.; });
  }
}

}  // namespace detail

/// Fresh weights for a described model.
///
/// Shapes.    result [1, m.size()], tensor after tensor.
/// Each tensor has a stream of its own, so its numbers depend on the seed and its place in the manifest alone; float
/// and double weights are the same numbers, rounded.
/// Source.    Glorot, Bengio 2010; He, Zhang, Ren, Sun 2015; Saxe, McClelland, Ganguli 2014; torch.nn.Linear
template <class T>
matrix<T> initial_weights(const manifest& m, std::uint64_t seed) {
  matrix<T> w(1, m.size());
  std::uint32_t step = 0;
  for (const auto& e : m) {
    matrix<double> values(e.rows, e.cols);
    detail::fill_tensor(e, {seed, streams::weights, step++}, values);
    for (index_t k = 0; k < e.size(); ++k) w.data()[e.offset + k] = T(values.data()[k]);
  }
  return w;
}

/// The manifest of one layer or model on its own.
template <class L>
manifest manifest_of(const L& l, std::string_view prefix = "") {
  manifest m;
  l.describe(m, prefix);
  return m;
}

}  // namespace kdm
