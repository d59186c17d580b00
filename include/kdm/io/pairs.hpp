/// Pairs of noise and data: what a student learns from.
#pragma once

#include <utility>

#include "kdm/core/error.hpp"
#include "kdm/core/matrix.hpp"

namespace kdm::io {

template <class T>
struct pair_split;

/// Row i of `xT` is the noise from which the teacher makes row i of `x0`.
///
/// Shapes.    xT [n, noise columns], x0 [n, data columns]; the two may differ in columns.
template <class T>
struct pair_set {
  matrix<T> xT;
  matrix<T> x0;

  index_t size() const { return x0.rows(); }

  /// Copies: the last `validation_count` rows for validation, all before them for training.
  ///
  /// Throws.    shape_error when xT and x0 differ in rows, option_error unless a row is left to train with.
  pair_split<T> split(index_t validation_count) const {
    if (xT.rows() != x0.rows())
      fail<shape_error>("pair_set: xT has ", xT.rows(), " rows, expected those of x0, ", x0.rows());
    if (validation_count < 0 || validation_count >= size())
      fail<option_error>("pair_set: found ", validation_count, " validation rows, expected 0 to ", size() - 1,
                         " of ", size());
    const index_t training = size() - validation_count;
    return {range(0, training), range(training, validation_count)};
  }

 private:
  pair_set range(index_t first, index_t count) const {
    return {matrix<T>(xT.view().row_range(first, count)), matrix<T>(x0.view().row_range(first, count))};
  }
};

template <class T>
struct pair_split {
  pair_set<T> training;
  pair_set<T> validation;
};

}  // namespace kdm::io
