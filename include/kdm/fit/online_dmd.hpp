/// Online DMD: the operator of a system that changes, kept up to date pair by pair.
#pragma once

#include "kdm/fit/check.hpp"
#include "kdm/fit/dynamics.hpp"
#include "kdm/fit/pairs.hpp"
#include "kdm/fit/residuals.hpp"

namespace kdm {

struct online_dmd_options {
  double forgetting = 1;  ///< a pair counts forgetting^k times after k further pairs
  double dt = 1;
  data_rounding rounding = {};  ///< of pairs of double; that of pairs of float is known
};

/// The least-squares operator of the pairs seen so far, older ones forgotten by and by.
///
/// Keeps the triangle of [X | Y], the square root of what recursive least squares updates. The inverse form of these
/// grows without bound when the data no longer excite a direction; here that direction fades, and once it is lost in
/// rounding the status is rank_deficient and the operator takes it to zero.
/// Shapes.    x, y [any, n].
/// Cost.      8 n^2 flops a pair and a quarter more, O(n^3) when the operator is asked for; memory for 16 n^2 numbers.
/// Throws.    option_error for a forgetting outside (0, 1] or a dt that is not above 0; otherwise as snapshot_qr.
/// Source.    Zhang, Rowley, Deem, Cattafesta 2019, "Online dynamic mode decomposition for time-varying systems", SIAM
///            J. Appl. Dyn. Syst. 18; the square-root form: Golub, Van Loan 2013, "Matrix computations", section 6.5
/// Example.   docs/fitting.md
class online_dmd {
 public:
  explicit online_dmd(index_t states, const online_dmd_options& options = {})
      : data_(states, states, options.forgetting), options_(options) {
    require_time_step("online_dmd", options.dt);
    require_rounding("online_dmd", options.rounding);
  }

  template <class = void>
  void append(const_view<double> x, const_view<double> y) { data_.append(x, y, {}, options_.rounding); }
  template <class = void>
  void append(const_view<float> x, const_view<float> y) { data_.append(x, y); }

  index_t pairs() const { return data_.rows(); }
  const snapshot_qr& data() const { return data_; }

  /// The operator alone: x(next) = x k.
  template <class = void>
  matrix<double> k() const {
    return least_squares(data_).k;
  }

  /// The operator with its spectrum and residuals over what is remembered; encode and decode are the identity.
  ///
  /// Throws.    shape_error before the first pair.
  template <class = void>
  linear_dynamics dynamics() const {
    const least_squares_result fit = least_squares(data_);
    const index_t n = data_.a_cols();
    linear_dynamics d;
    d.k = fit.k;
    d.encode = matrix<double>(n, n);
    for (index_t i = 0; i < n; ++i) d.encode(i, i) = 1;
    d.decode = d.encode;
    d.dt = options_.dt;
    find_spectrum(d);
    d.residuals = eigenpair_residuals(data_, d.eigenvalues, d.eigenvectors.view());
    d.relative_residual = fit.relative_residual;
    d.status = fit.status;
    d.condition = fit.condition;
    const Eigen::MatrixXd triangle = detail::to_eigen(data_.blocks().r11);
    const detail::svd_factors f = detail::jacobi_svd(triangle.transpose());
    const detail::rounding_errors errors = data_.rounding_of(0, n);
    d.rank = rank_rule::tolerance().decide({f.s.data(), f.s.data() + n}, data_.rows(), n, n, errors.along_columns(f.u));
    detail::check_residual(d);
    if (!errors.any()) return d;
    const Eigen::MatrixXcd v = detail::to_eigen_complex(d.eigenvectors.view());
    const Eigen::VectorXd sizes = (triangle.cast<std::complex<double>>() * v).colwise().norm().transpose();
    detail::check_growth(d, v, sizes, errors, "as it is known");
    return d;
  }

 private:
  snapshot_qr data_;
  online_dmd_options options_;
};

}  // namespace kdm
