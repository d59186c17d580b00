/// Penalties on the eigenvalues of a matrix, and their gradient.
#pragma once

#include <Eigen/LU>
#include <algorithm>
#include <cmath>
#include <complex>
#include <vector>

#include "kdm/fit/assignment.hpp"
#include "kdm/fit/spectrum.hpp"
#include "kdm/math/random.hpp"

namespace kdm {

/// A function of eigenvalues, and its slope d/dRe + i d/dIm in each of them.
struct eigenvalue_slopes {
  double value = 0;
  std::vector<std::complex<double>> slopes;
};

namespace spectral {

namespace detail {

/// The mean of (excess of |lambda|)^2.
template <class Excess>
eigenvalue_slopes mean_square(const std::vector<std::complex<double>>& eigenvalues, Excess excess) {
  eigenvalue_slopes result;
  const double n = double(eigenvalues.size());
  for (const std::complex<double>& lambda : eigenvalues) {
    const double modulus = std::abs(lambda), e = excess(modulus);
    result.value += e * e / n;
    // Zero has no direction away from itself: it is taken to move along the real axis.
    result.slopes.push_back(2 * e / n * (modulus > 0 ? lambda / modulus : std::complex<double>(1)));
  }
  return result;
}

}  // namespace detail

/// mean max(0, |lambda| - radius)^2: no eigenvalue outside the disc; those inside are free.
struct inside_disc {
  double radius = 1;
  eigenvalue_slopes operator()(const std::vector<std::complex<double>>& eigenvalues) const {
    return detail::mean_square(eigenvalues, [this](double modulus) { return std::max(0., modulus - radius); });
  }
};

/// mean (|lambda| - radius)^2: every eigenvalue on the circle, at any angle.
struct on_circle {
  double radius = 1;
  eigenvalue_slopes operator()(const std::vector<std::complex<double>>& eigenvalues) const {
    return detail::mean_square(eigenvalues, [this](double modulus) { return modulus - radius; });
  }
};

/// mean |lambda - target|^2 over the matching of eigenvalues and targets for which it is least.
///
/// Shapes.    as many targets as eigenvalues; a real matrix can reach them when they come in conjugate pairs.
struct towards {
  std::vector<std::complex<double>> targets;
  eigenvalue_slopes operator()(const std::vector<std::complex<double>>& eigenvalues) const {
    require_size("spectral::towards: number of targets", index_t(targets.size()), index_t(eigenvalues.size()));
    const index_t n = index_t(targets.size());
    matrix<double> cost(n, n);
    for (index_t i = 0; i < n; ++i)
      for (index_t j = 0; j < n; ++j) cost(i, j) = std::norm(eigenvalues[std::size_t(i)] - targets[std::size_t(j)]);
    const std::vector<index_t> partner = optimal_assignment(cost);
    eigenvalue_slopes result;
    for (std::size_t i = 0; i < targets.size(); ++i) {
      const std::complex<double> e = eigenvalues[i] - targets[std::size_t(partner[i])];
      result.value += std::norm(e) / double(n);
      result.slopes.push_back(2. / double(n) * e);
    }
    return result;
  }
};

}  // namespace spectral

struct spectral_penalty_result {
  double value = 0;
  matrix<double> gradient;  ///< d value / d a
  double condition = 1;     ///< of the matrix of eigenvectors (Frobenius norm, divided by n): 1 for a normal matrix
  bool perturbed = false;   ///< whether the gradient is that at a matrix nearby
};

/// The value of a penalty on the eigenvalues of a real matrix, and its gradient with respect to the matrix.
///
/// An eigenvalue with right vector v and left vector u, u' v = 1, moves by d lambda = u' dA v. The sum over all of them
/// stays bounded where two eigenvalues of similar slope meet, though each of them moves without bound. At a defective
/// matrix, where the vectors are dependent, there is no derivative; where their condition exceeds 1e6, the gradient is
/// that at a matrix which differs by 1e-8 of the size of a (the same one each time), and `perturbed` says so. The value
/// is always that at a itself.
/// Shapes.    a and gradient [n, n]. penalty(eigenvalues) returns eigenvalue_slopes: those of kdm::spectral, or any
///            function that treats conjugates alike.
/// Cost.      one spectrum and some 12 n^3 complex flops.
/// Throws.    shape_error unless a is square, numeric_error for elements that are not finite.
/// Source.    Magnus 1985, "On differentiating eigenvalues and eigenvectors", Econometric Theory 1; Lancaster 1964, "On
///            eigenvalues of matrices dependent on a parameter", Numer. Math. 6
template <class Penalty>
spectral_penalty_result spectral_penalty(const_view<double> a, const Penalty& penalty) {
  const index_t n = a.rows;
  spectrum_result s = spectrum(a);
  eigenvalue_slopes f = penalty(s.eigenvalues);
  spectral_penalty_result result;
  result.value = f.value;

  Eigen::MatrixXcd v(n, n), inverse;
  const auto invert = [&] {
    for (index_t i = 0; i < n; ++i)
      for (index_t j = 0; j < n; ++j) v(i, j) = s.eigenvectors(i, j);
    inverse = v.partialPivLu().inverse();
    result.condition = v.norm() * inverse.norm() / double(n);
  };
  invert();
  if (!(result.condition < 1e6)) {
    const double condition = result.condition;
    matrix<double> nearby(a);
    double square = 0;
    for (index_t k = 0; k < nearby.size(); ++k) square += nearby.data()[k] * nearby.data()[k];
    const random_table random{1, streams::user};
    for (index_t i = 0; i < n; ++i)
      for (index_t j = 0; j < n; ++j)
        nearby(i, j) += 1e-8 * std::sqrt(square) / double(n) * random.normal<double>(i, j);
    s = spectrum(nearby);
    f = penalty(s.eigenvalues);
    invert();
    result.condition = condition;
    result.perturbed = true;
  }

  // sum_k Re(conj(slope_k) u_k' dA v_k), where row k of the inverse is u_k'.
  for (index_t k = 0; k < n; ++k) v.col(k) *= std::conj(f.slopes[std::size_t(k)]);
  result.gradient = kdm::detail::from_eigen((v * inverse).real().transpose().eval());
  return result;
}

}  // namespace kdm
