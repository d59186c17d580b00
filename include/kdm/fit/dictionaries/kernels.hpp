/// Kernels, and dictionaries of a kernel at given centres: radial basis functions among them.
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

#include "kdm/fit/dictionaries/pointwise.hpp"
#include "kdm/math/random.hpp"

namespace kdm {

/// k(x, c, n): one number for two states of n numbers. For fits it must be symmetric and positive semidefinite.
template <class K>
concept kernel_function = std::copy_constructible<K> && requires(const K& k, const double* x, index_t n) {
  { k(x, x, n) } -> std::convertible_to<double>;
};

/// exp(-|x - c|^2 / (2 width^2)).
struct gaussian_kernel {
  double width = 1;

  template <class S>
  S operator()(const S* x, const double* c, index_t n) const {
    using std::exp;
    S square = 0.;
    for (index_t j = 0; j < n; ++j) square += (x[j] - S(c[j])) * (x[j] - S(c[j]));
    return exp(square * S(-0.5 / (width * width)));
  }
};

/// (offset + x c')^degree: all monomials up to the degree, without listing them.
struct polynomial_kernel {
  int degree = 2;
  double offset = 1;

  template <class S>
  S operator()(const S* x, const double* c, index_t n) const {
    S inner = offset, power = 1.;
    for (index_t j = 0; j < n; ++j) inner += x[j] * S(c[j]);
    for (int k = 0; k < degree; ++k) power *= inner;
    return power;
  }
};

/// psi_j(x) = k(x, c_j) for centres c_j.
///
/// Shapes.    centres [features, inputs].
/// Throws.    shape_error without centres; numeric_error for a centre that is not finite.
template <kernel_function K>
class kernel_dictionary : public pointwise_dictionary<kernel_dictionary<K>> {
 public:
  kernel_dictionary(K kernel, const_view<double> centres) : kernel_(std::move(kernel)), centres_(centres) {
    if (centres.empty())
      fail<shape_error>("kernel_dictionary: the centres are ", centres.rows, " x ", centres.cols,
                        ", expected at least 1 x 1");
    detail::require_finite("kernel_dictionary", "the centres", centres);
  }
  index_t inputs() const { return centres_.cols(); }
  index_t features() const { return centres_.rows(); }
  const K& kernel() const { return kernel_; }
  const matrix<double>& centres() const { return centres_; }

  template <class S>
  void formula(const S* x, S* psi) const {
    for (index_t k = 0; k < features(); ++k) psi[k] = kernel_(x, centres_.data() + k * inputs(), inputs());
  }

 private:
  K kernel_;
  matrix<double> centres_;
};

/// Gaussian bumps exp(-|x - c_j|^2 / (2 width^2)) at these centres.
inline kernel_dictionary<gaussian_kernel> radial_basis(const_view<double> centres, double width) {
  detail::require_positive("radial_basis: width", width);
  return {gaussian_kernel{width}, centres};
}

/// Gaussian bumps at `count` different rows of x, drawn by seed; width 0 takes the median distance between centres.
///
/// Throws.    option_error for a count outside [1, rows], or for width 0 with centres that mostly coincide.
inline kernel_dictionary<gaussian_kernel> radial_basis(const_view<double> x, index_t count, double width,
                                                       std::uint64_t seed) {
  if (count < 1 || count > x.rows)
    fail<option_error>("radial_basis: ", count, " centres, expected 1 to ", x.rows, ", the rows of x");
  std::vector<index_t> row(static_cast<std::size_t>(x.rows));
  std::iota(row.begin(), row.end(), index_t(0));
  const random_table table{seed, streams::projections, 1};
  matrix<double> centres(count, x.cols);
  for (index_t k = 0; k < count; ++k) {
    std::swap(row[std::size_t(k)], row[std::size_t(k + table.below(x.rows - k, k, 0))]);
    for (index_t j = 0; j < x.cols; ++j) centres(k, j) = x(row[std::size_t(k)], j);
  }
  detail::require_finite("radial_basis", "the centres", centres.view());
  if (width == 0) {
    std::vector<double> distance;
    for (index_t a = 0; a < count; ++a)
      for (index_t b = 0; b < a; ++b) {
        double square = 0;
        for (index_t j = 0; j < x.cols; ++j) square += std::pow(centres(a, j) - centres(b, j), 2);
        distance.push_back(std::sqrt(square));
      }
    if (!distance.empty()) {
      const auto middle = distance.begin() + std::ptrdiff_t(distance.size() / 2);
      std::nth_element(distance.begin(), middle, distance.end());
      width = *middle;
    }
  }
  return radial_basis(centres, width);
}

}  // namespace kdm
