/// Extended dynamic mode decomposition: the Koopman operator on the span of a dictionary, by least squares.
#pragma once

#include <algorithm>
#include <cmath>
#include <complex>
#include <optional>
#include <utility>
#include <vector>

#include "kdm/core/finite.hpp"
#include "kdm/fit/dictionary.hpp"
#include "kdm/fit/dynamics.hpp"
#include "kdm/fit/pairs.hpp"
#include "kdm/fit/rank.hpp"
#include "kdm/fit/snapshot_qr.hpp"
#include "kdm/fit/whitened.hpp"
#include "kdm/math/random.hpp"

namespace kdm {

struct edmd_options {
  rank_rule rank = rank_rule::tolerance();  ///< of the features with unit columns
  /// alpha |psi_j|^2 K_jk^2 is added: a direction of singular value s shrinks by s^2 / (s^2 + alpha).
  double ridge = 0;
  double dt = 1;  ///< time from x to y
};

/// A dictionary with linear dynamics of its features: predicts states, and evaluates eigenfunctions anywhere.
///
/// Features are linear in time from the first state on; a state is not lifted again on the way.
/// Shapes.    x [m, inputs], rows as states; one row for simulate.
/// Throws.    shape_error; numeric_error for states or features that are not finite.
template <class D>
struct edmd_model {
  D dictionary;
  linear_dynamics dynamics;

  matrix<double> features(state_rows x) const { return kdm::evaluate(dictionary, x); }
  matrix<double> step(state_rows x, index_t steps = 1) const { return dynamics.step(features(x), steps); }
  matrix<double> simulate(state_rows x0, index_t steps) const { return dynamics.simulate(features(x0), steps); }
  matrix<double> evaluate(state_rows x, double t) const { return dynamics.evaluate(features(x), t); }
  matrix<double> reconstruct(state_rows x) const { return dynamics.reconstruct(features(x)); }
  matrix<std::complex<double>> eigenfunctions(state_rows x) const {
    return dynamics.eigenfunctions(features(x));
  }

  /// |phi(y) - lambda phi(x)| / |phi(x)| of every eigenvalue over other pairs, infinite where phi(x) vanishes.
  ///
  /// Over pairs the model was not fitted to, this sees through a dictionary as large as the data.
  std::vector<double> residuals(state_rows x, state_rows y) const {
    require_size("edmd_model: rows of y", y.rows, x.rows);
    const matrix<std::complex<double>> at_x = eigenfunctions(x), at_y = eigenfunctions(y);
    std::vector<double> result;
    for (index_t j = 0; j < at_x.cols(); ++j) {
      const std::complex<double> lambda = dynamics.eigenvalues[std::size_t(j)];
      double left = 0, size = 0;
      for (index_t i = 0; i < at_x.rows(); ++i) {
        left += std::norm(at_y(i, j) - lambda * at_x(i, j));
        size += std::norm(at_x(i, j));
      }
      result.push_back(size > 0 ? std::sqrt(left / size) : std::numeric_limits<double>::infinity());
    }
    return result;
  }
};

namespace detail {

template <class = void>
void require_fit_options(const char* who, double ridge, double dt) {
  if (!(ridge >= 0 && is_finite(ridge)))
    fail<option_error>(who, ": ridge is ", ridge, ", expected a finite number, 0 or more");
  if (!(dt > 0 && is_finite(dt))) fail<option_error>(who, ": dt is ", dt, ", expected a finite number above 0");
}

/// Rows of a dictionary evaluated at a time: features of more than this never stand in memory.
inline constexpr index_t dictionary_portion = 1024;

/// How much larger than rounding the errors are that are drawn to see what features make of them.
inline constexpr double drawn_error = 1024;

/// Numbers near x, `drawn_error` times as far from it as rounding may have moved it. `first` numbers the rows.
template <class = void>
matrix<double> near_states(const_view<double> x, const data_rounding& rounding, index_t first) {
  const random_table table{0x726f756e64, streams::user};
  matrix<double> near(x.rows, x.cols);
  for (index_t i = 0; i < x.rows; ++i)
    for (index_t j = 0; j < x.cols; ++j) {
      const double step = drawn_error * std::sqrt(12 * rounding.mean_square(x(i, j)));
      near(i, j) = x(i, j) + step * (table.uniform<double>(first + i, j) - 0.5);
    }
  return near;
}

/// Adds the squares of what rounding of x does to features psi, linearised: errors are drawn, larger ones, and the
/// change divided by that.
template <class D>
void add_feature_errors(const D& d, const_view<double> x, const_view<double> psi, const data_rounding& rounding,
                        const_view<double> weights, index_t first, std::vector<double>& squares, index_t column) {
  const matrix<double> near = near_states(x, rounding, first);
  matrix<double> there(x.rows, d.features());
  d.evaluate(near.view(), there.view());
  for (index_t i = 0; i < x.rows; ++i)
    for (index_t j = 0; j < d.features(); ++j) {
      const double off = (there(i, j) - psi(i, j)) / drawn_error;
      if (std::isfinite(off)) squares[std::size_t(column + j)] += (weights ? weights(i, 0) : 1) * off * off;
    }
}

/// Appends [psi(x) | psi(y), x] in portions, or nothing on an error.
template <class D>
void append_features(const char* who, const D& d, const_view<double> x, const_view<double> y,
                     const_view<double> weights, snapshot_qr& factor, const data_rounding& rounding = {}) {
  require_rounding(who, rounding);
  require_size(concat(who, ": columns of x"), x.cols, d.inputs());
  require_size(concat(who, ": columns of y"), y.cols, d.inputs());
  require_size(concat(who, ": rows of y"), y.rows, x.rows);
  if (weights) require_size(concat(who, ": rows of the weights"), weights.rows, x.rows);
  require_finite(who, "x", x);
  require_finite(who, "y", y);
  const index_t n = d.features(), portion = std::min(dictionary_portion, x.rows);
  matrix<double> a(portion, n), b(portion, n + d.inputs());
  // A later portion may hold a feature that overflows: what came before it must then not stay.
  std::optional<snapshot_qr> grown;
  if (portion < x.rows) grown = factor;
  snapshot_qr& to = grown ? *grown : factor;
  for (index_t at = 0; at < x.rows; at += portion) {
    const index_t m = std::min(portion, x.rows - at);
    const view<double> psi_x = a.view().row_range(0, m), rest = b.view().row_range(0, m);
    const view<double> psi_y = rest.col_range(0, n), states = rest.col_range(n, d.inputs());
    d.evaluate(x.row_range(at, m), psi_x);
    d.evaluate(y.row_range(at, m), psi_y);
    require_finite(who, "psi(x)", psi_x, at);
    require_finite(who, "psi(y)", psi_y, at);
    for (index_t i = 0; i < m; ++i)
      for (index_t j = 0; j < x.cols; ++j) states(i, j) = x(at + i, j);
    const const_view<double> some_weights = weights ? weights.row_range(at, m) : weights;
    to.append(const_view<double>(psi_x), const_view<double>(rest), some_weights);
    if (rounding.is_double()) continue;
    std::vector<double> squares(std::size_t(to.cols()), 0);
    add_feature_errors(d, x.row_range(at, m), psi_x, rounding, some_weights, at, squares, 0);
    add_feature_errors(d, y.row_range(at, m), psi_y, rounding, some_weights, at, squares, n);
    to.add_rounding(squares);
  }
  if (grown) factor = *std::move(grown);
}

/// The dynamics of a triangle of [psi(x) | psi(y), x].
template <class = void>
linear_dynamics edmd_of(const snapshot_qr& factor, const edmd_options& options) {
  require_fit_options("edmd", options.ridge, options.dt);
  const whitened_pairs p = whiten("edmd", factor, options.rank);
  const Eigen::MatrixXd k = p.shrinkage(options.ridge).asDiagonal() * p.along;
  linear_dynamics d = whitened_dynamics(p, k, options.dt);
  if (p.latent() == p.features()) use_features_as_latents(d, p, k);
  return d;
}

}  // namespace detail

/// Warns of growing eigenvalues within the rounding that the states of a fit show, if they do and none is known.
///
/// `edmd` of a pair set asks this by itself; d is what an edmd_accumulator made of the pairs.
template <class D>
void warn_of_rounding(linear_dynamics& d, const D& dictionary, const snapshot_pairs& pairs) {
  if (!pairs.rounding.may_be_coarser()) return;
  const auto found = find_rounding(std::array{pairs.x.view(), pairs.y.view()});
  if (!found) return;
  detail::add_note(d, concat("the data are ", name_of(*found)));
  std::vector<double> squares(std::size_t(dictionary.features()), 0);
  matrix<double> psi(std::min(detail::dictionary_portion, pairs.count()), dictionary.features());
  for (index_t at = 0; at < pairs.count(); at += detail::dictionary_portion) {
    const index_t m = std::min(detail::dictionary_portion, pairs.count() - at);
    const const_view<double> x = pairs.x.view().row_range(at, m);
    dictionary.evaluate(x, psi.view().row_range(0, m));
    detail::add_feature_errors(dictionary, x, std::as_const(psi).view().row_range(0, m), *found, {}, at, squares, 0);
  }
  const detail::rounding_errors errors{Eigen::Map<const Eigen::VectorXd>(squares.data(), index_t(squares.size())),
                               double(pairs.count()), double(squares.size())};
  const Eigen::MatrixXcd v = detail::to_eigen_complex(d.eigenvectors.view());
  const double size = std::sqrt(double(pairs.count()));  // eigenfunctions have mean square one
  detail::check_growth(d, detail::to_eigen(d.encode) * v, Eigen::VectorXd::Constant(v.cols(), size), errors,
               concat("which are ", name_of(*found)));
}

/// EDMD of pairs that arrive in any portions: a dictionary and the triangle of its features.
///
/// Cost.      8 N^2 flops a pair for N features; memory for 16 N^2 numbers, and none more for any number of pairs.
/// Throws.    shape_error; numeric_error naming the row of a state or feature that is not finite, nothing appended.
/// Example.   docs/concepts/dictionary.md
template <dictionary D>
class edmd_accumulator {
 public:
  explicit edmd_accumulator(D d)
      : dictionary_(std::move(d)), factor_(dictionary_.features(), dictionary_.features() + dictionary_.inputs()) {}

  index_t rows() const { return factor_.rows(); }
  const D& dictionary() const { return dictionary_; }
  /// The triangle of [psi(x) | psi(y), x].
  const snapshot_qr& factor() const { return factor_; }

  /// The rounding says how exactly x and y are known: combinations of features that it can make do not count.
  ///
  /// Shapes.    x and y [m, inputs], weights null or [m, 1].
  void append(const_view<double> x, const_view<double> y, const_view<double> weights = {},
              const data_rounding& rounding = {}) {
    detail::append_features("edmd", dictionary_, x, y, weights, factor_, rounding);
  }
  void append(const_view<float> x, const_view<float> y, const_view<float> weights = {}) {
    const matrix<double> as_double(weights);
    append(matrix<double>(x), matrix<double>(y), weights ? as_double.view() : const_view<double>{},
           data_rounding::of<float>());
  }

  /// Takes over the pairs of another accumulator with the same dictionary.
  void merge(const edmd_accumulator& other) { factor_.merge(other.factor_); }

  edmd_model<D> fit(const edmd_options& options = {}) const {
    return {dictionary_, detail::edmd_of(factor_, options)};
  }

 private:
  D dictionary_;
  snapshot_qr factor_;
};

/// Fits psi(y) = psi(x) K by least squares: the finite section of the Koopman operator on the dictionary.
///
/// With features of full rank, k is K itself and encode the identity. Otherwise the latents are the independent
/// combinations of features, orthonormal over the data, and there are as many eigenvalues as the rank: a redundant
/// dictionary adds none. The decoder is the least-squares map from features to x, exact where they contain x.
/// Eigenfunctions have mean square one over x. Residuals say which eigenvalues are of the system and which of the
/// dictionary alone.
/// Shapes.    x and y [m, inputs], weights null or [m, 1].
/// Cost.      8 N^2 flops a pair and O(N^3) once, for N features.
/// Throws.    shape_error, option_error; numeric_error for data or features that are not finite, or all zero.
/// Source.    Williams, Kevrekidis, Rowley 2015, "A data-driven approximation of the Koopman operator", J. Nonlinear
///            Sci. 25; residuals: Colbrook, Ayton, Szoke 2023, J. Fluid Mech. 955
/// Example.   examples/custom_dictionary.cpp
template <dictionary D>
edmd_model<D> edmd(D d, const_view<double> x, const_view<double> y, const edmd_options& options = {},
                   const_view<double> weights = {}) {
  edmd_accumulator<D> data(std::move(d));
  data.append(x, y, weights);
  return data.fit(options);
}

/// The same of a pair set, which brings its own weights and time step.
template <dictionary D>
edmd_model<D> edmd(D d, const snapshot_pairs& pairs, edmd_options options = {}) {
  require_pairs("edmd", pairs);
  if (pairs.inputs() > 0)
    fail<option_error>("edmd: the pairs have ", pairs.inputs(), " inputs, which this fit would ignore, expected none");
  options.dt = pairs.dt;
  edmd_accumulator<D> data(std::move(d));
  data.append(pairs.x, pairs.y, pairs.weights.rows() > 0 ? pairs.weights.view() : const_view<double>{}, pairs.rounding);
  edmd_model<D> model = data.fit(options);
  warn_of_rounding(model.dynamics, data.dictionary(), pairs);
  return model;
}

}  // namespace kdm
