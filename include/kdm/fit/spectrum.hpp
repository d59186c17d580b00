/// Eigenvalues, eigenvectors and singular values of a fitted operator.
#pragma once

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <complex>
#include <utility>
#include <vector>

#include "kdm/fit/svd.hpp"

namespace kdm {

/// What a real square matrix does when it is applied once (norm) and again and again (radius).
struct spectrum_result {
  std::vector<std::complex<double>> eigenvalues;  ///< largest magnitude first; of a conjugate pair, Im > 0 first
  matrix<std::complex<double>> eigenvectors;      ///< [n, n], column k of norm one for eigenvalue k
  std::vector<double> singular_values;            ///< largest first

  double radius() const { return eigenvalues.empty() ? 0 : std::abs(eigenvalues.front()); }
  /// The 2-norm: the most by which one application stretches a vector.
  double norm() const { return singular_values.empty() ? 0 : singular_values.front(); }
};

/// The spectrum of a square matrix. Conjugate pairs are exact conjugates and stand side by side.
///
/// Eigenvalues of K and of A = K' are the same; eigenvectors are not. Of the EDMD matrix K (psi(y) = psi(x) K for
/// rows psi) they are the coefficients of eigenfunctions.
/// Cost.      O(n^3): 25 n^3 flops for the eigenvalues, some 60 n^3 for the singular values.
/// Throws.    shape_error unless a is square, numeric_error for elements that are not finite.
template <class = void>
spectrum_result spectrum(const_view<double> a) {
  if (a.rows != a.cols || a.rows < 1)
    fail<shape_error>("spectrum: the matrix is ", a.rows, " x ", a.cols, ", expected a square one");
  const Eigen::MatrixXd m = detail::to_eigen(a);
  if (!m.allFinite()) fail<numeric_error>("spectrum: an element of the matrix is not finite");
  const Eigen::EigenSolver<Eigen::MatrixXd> solver(m);
  if (!detail::succeeded(solver)) fail<numeric_error>("spectrum: the eigenvalue iteration did not converge");
  const Eigen::VectorXcd& lambda = solver.eigenvalues();

  // The solver leaves conjugate pairs side by side. Sorting real eigenvalues and pairs as units keeps them so.
  std::vector<std::pair<index_t, index_t>> units;
  for (index_t k = 0; k < lambda.size(); k += units.back().second) units.emplace_back(k, lambda(k).imag() == 0 ? 1 : 2);
  std::stable_sort(units.begin(), units.end(), [&](const auto& x, const auto& y) {
    const double ax = std::abs(lambda(x.first)), ay = std::abs(lambda(y.first));
    return ax != ay ? ax > ay : lambda(x.first).real() > lambda(y.first).real();
  });
  spectrum_result result;
  const Eigen::MatrixXcd vectors = solver.eigenvectors();
  result.eigenvectors = matrix<std::complex<double>>(a.rows, a.rows);
  for (const auto& unit : units)
    for (index_t k = unit.first; k < unit.first + unit.second; ++k) {
      const index_t to = index_t(result.eigenvalues.size());
      result.eigenvalues.push_back(lambda(k));
      for (index_t i = 0; i < a.rows; ++i) result.eigenvectors(i, to) = vectors(i, k);
    }
  const Eigen::VectorXd s = detail::jacobi_svd(m).s;
  result.singular_values.assign(s.data(), s.data() + s.size());
  return result;
}

}  // namespace kdm
