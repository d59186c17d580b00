/// What every fit asks of its own answer before it hands it over.
#pragma once

#include <cmath>
#include <string>
#include <string_view>

#include "kdm/fit/dynamics.hpp"
#include "kdm/fit/rounding_errors.hpp"

namespace kdm::detail {

inline void add_note(linear_dynamics& d, const std::string& text) {
  d.note += (d.note.empty() ? "" : "; ") + text;
}

/// Warns of a fit that misses most of its pairs.
inline void check_residual(linear_dynamics& d) {
  if (!(d.relative_residual <= 0.5))
    d.warnings.push_back(concat("the relative residual is ", d.relative_residual,
                                ": the operator does not describe most of what these pairs do"));
}

/// Warns of a fit that misses its pairs, or misses them far more than `least`: the relative residual of least squares
/// in the same directions. The status then is `inaccurate`. 1e-8 is let pass.
inline void check_residual(linear_dynamics& d, double least) {
  check_residual(d);
  if (d.relative_residual <= 10 * least + 1e-8) return;
  d.status = fit_status::inaccurate;
  d.warnings.push_back(concat("the relative residual is ", d.relative_residual, " where dmd::projected has ", least,
                              " in the same directions: this operator is spoilt by rounding or noise"));
}

/// Warns of eigenvalues above 1 whose eigenfunctions, given by coefficients of columns of the data, have no more over
/// the data (sizes[j]) than errors in those columns can make. `what` names the errors.
template <class = void>
void check_growth(linear_dynamics& d, const Eigen::MatrixXcd& coefficients, const Eigen::VectorXd& sizes,
                  const rounding_errors& errors, std::string_view what) {
  std::string list;
  for (index_t j = 0; errors.any() && j < coefficients.cols(); ++j) {
    const std::complex<double> lambda = d.eigenvalues[std::size_t(j)];
    if (!(std::abs(lambda) > 1 && sizes(j) <= errors.along(coefficients.col(j)))) continue;
    list += concat(list.empty() ? "" : ", ", lambda.real(), lambda.imag() < 0 ? " - " : " + ", std::abs(lambda.imag()),
                   "i");
  }
  if (!list.empty())
    d.warnings.push_back(concat("growing eigenvalues lie within the rounding of the data, ", what, ": ", list));
}

}  // namespace kdm::detail
