/// What every fit returns: a linear map between features, its spectrum, and what it predicts.
#pragma once

#include <Eigen/LU>
#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <numbers>
#include <string>
#include <vector>

#include "kdm/core/finite.hpp"
#include "kdm/fit/least_squares.hpp"
#include "kdm/fit/rank.hpp"
#include "kdm/fit/spectrum.hpp"

namespace kdm {

/// Linear dynamics in a latent space: z = psi encode, z(next) = z k, x = z decode, with rows as samples.
///
/// psi are the features of a state x: x itself for the methods of DMD, a dictionary for those of EDMD (where k is the
/// finite section of the Koopman operator, encode the identity or what the rank rule left of it). In the column
/// convention of most of the literature the state transition is A = k'; see `state_transition`.
///
/// Shapes.    features N, latents r, states n: encode [N, r], k [r, r], decode [r, n]. Eigenvalue j belongs to the
///            eigenfunction phi_j(x) = psi encode v_j (column j of eigenvectors [r, r]) and to the mode in row j of
///            modes [r, n]: x = sum_j phi_j(x) modes_j. Conjugate pairs stand side by side, Im > 0 first.
/// Source.    Rowley, Mezic, Bagheri, Schlatter, Henningson 2009, J. Fluid Mech. 641 (modes); Williams, Kevrekidis,
///            Rowley 2015, J. Nonlinear Sci. 25
struct linear_dynamics {
  matrix<double> encode, k, decode;
  double dt = 1;  ///< time of one application of k

  std::vector<std::complex<double>> eigenvalues;   ///< lambda: factors per step, largest magnitude first
  matrix<std::complex<double>> eigenvectors, modes;
  std::vector<double> residuals;     ///< |phi(next) - lambda phi| / |phi| over the data: how far to trust eigenvalue j
  std::vector<double> mode_residuals;  ///< |A w - lambda w| / |w| of mode j as a column w: how far it leaves the modes
  double eigenvector_condition = 1;  ///< of the eigenvectors, as a 1-norm estimate: large means nearly defective

  rank_decision rank;
  double condition = 1;              ///< sigma_1 / sigma_rank of the features
  double relative_residual = 0;      ///< |psi(x) K - psi(y)| / |psi(y)|: of what was fitted
  fit_status status = fit_status::ok;
  std::string note;                  ///< what else to know about this fit, in a sentence; empty when nothing
  std::vector<std::string> warnings; ///< reasons not to believe this fit, a sentence each; clean data give none

  index_t features() const { return encode.rows(); }
  index_t latent() const { return k.rows(); }
  index_t states() const { return decode.cols(); }

  /// Rank, status and residual in a line, then the note, then a line `warning: ...` for each warning.
  std::string text() const {
    std::string all = concat(rank.text(), ", ", name_of(status), "; relative residual ", relative_residual);
    if (!note.empty()) all += '\n' + note;
    for (const std::string& w : warnings) all += "\nwarning: " + w;
    return all;
  }

  /// A = k', which moves columns of latents.
  matrix<double> state_transition() const {
    matrix<double> a(latent(), latent());
    for (index_t i = 0; i < latent(); ++i)
      for (index_t j = 0; j < latent(); ++j) a(j, i) = k(i, j);
    return a;
  }

  /// omega = log(lambda) / dt on the principal branch: Im omega lies in (-pi, pi] / dt. Growth rates are Re omega,
  /// frequencies Im omega / 2 pi. For reports: predictions use powers of k.
  std::vector<std::complex<double>> exponents() const {
    std::vector<std::complex<double>> omega;
    for (const auto& lambda : eigenvalues)
      omega.push_back(lambda == 0.0 ? std::complex<double>(-std::numeric_limits<double>::infinity(), 0)
                                    : std::log(lambda) / dt);
    return omega;
  }
  std::vector<double> growth_rates() const {
    std::vector<double> rates;
    for (const auto& omega : exponents()) rates.push_back(omega.real());
    return rates;
  }
  std::vector<double> frequencies() const {
    std::vector<double> f;
    for (const auto& omega : exponents()) f.push_back(omega.imag() / (2 * std::numbers::pi));
    return f;
  }

  /// phi(x), a column an eigenvalue: [m, r] for features psi [m, N].
  template <class = void>
  matrix<std::complex<double>> eigenfunctions(state_rows psi) const {
    return detail::from_eigen((latents(psi) * detail::to_eigen_complex(eigenvectors.view())).eval());
  }

  /// The states that the latents of psi stand for: psi encode decode.
  template <class = void>
  matrix<double> reconstruct(state_rows psi) const {
    return detail::from_eigen((latents(psi) * detail::to_eigen(decode)).eval());
  }
  /// `steps` steps on from features psi, by repeated squaring: states [m, n].
  template <class = void>
  matrix<double> step(state_rows psi, index_t steps = 1) const {
    if (steps < 0) fail<option_error>("linear_dynamics: steps is ", steps, ", expected 0 or more");
    Eigen::MatrixXd z = latents(psi), power = detail::to_eigen(k);
    for (; steps > 0; steps /= 2) {
      if (steps % 2) z *= power;
      if (steps > 1) power *= power;
    }
    return detail::from_eigen((z * detail::to_eigen(decode)).eval());
  }
  /// Steps 0, 1, ..., steps from the features psi [1, N] of one state: states [steps + 1, n].
  template <class = void>
  matrix<double> simulate(state_rows psi, index_t steps) const {
    require_size("linear_dynamics: rows of the first features", psi.rows, 1);
    if (steps < 0) fail<option_error>("linear_dynamics: steps is ", steps, ", expected 0 or more");
    Eigen::MatrixXd z(steps + 1, latent());
    z.row(0) = latents(psi);
    const Eigen::MatrixXd once = detail::to_eigen(k);
    for (index_t t = 0; t < steps; ++t) z.row(t + 1) = z.row(t) * once;
    return detail::from_eigen((z * detail::to_eigen(decode)).eval());
  }
  /// Any time t after the features psi: sum_j phi_j exp(omega_j t) modes_j, states [m, n]. Real, because eigenvalues
  /// come in pairs; a negative eigenvalue has no real power in between, and its real part is taken.
  ///
  /// Throws.    option_error for a time that is not finite, numeric_error for one before 0 when an eigenvalue is 0.
  template <class = void>
  matrix<double> evaluate(state_rows psi, double t) const {
    if (!is_finite(t)) fail<option_error>("linear_dynamics: the time is ", t, ", expected a finite number");
    if (t < 0 && std::find(eigenvalues.begin(), eigenvalues.end(), 0.0) != eigenvalues.end())
      fail<numeric_error>("linear_dynamics: the time is ", t, ", expected 0 or more: an eigenvalue is 0");
    const std::vector<std::complex<double>> omega = exponents();
    Eigen::MatrixXcd phi = latents(psi) * detail::to_eigen_complex(eigenvectors.view());
    for (index_t j = 0; j < latent(); ++j)
      phi.col(j) *= eigenvalues[std::size_t(j)] == 0.0 ? (t == 0 ? 1 : 0) : std::exp(omega[std::size_t(j)] * t);
    return detail::from_eigen((phi * detail::to_eigen_complex(modes.view())).real().eval());
  }

 private:
  template <class = void>
  Eigen::MatrixXd latents(const_view<double> psi) const {
    require_size("linear_dynamics: columns of the features", psi.cols, features());
    return detail::to_eigen(psi) * detail::to_eigen(encode);
  }
};

/// Fills in eigenvalues, eigenvectors, modes and their condition from encode, k and decode. Residuals are the
/// method's own business.
///
/// Cost.      O(r^3) for the spectrum and the solve, O(r^2 n) for the modes.
/// Throws.    numeric_error for a k that is not finite.
template <class = void>
void find_spectrum(linear_dynamics& d) {
  const spectrum_result s = spectrum(d.k.view());
  d.eigenvalues = s.eigenvalues;
  d.eigenvectors = s.eigenvectors;
  const Eigen::MatrixXcd v = detail::to_eigen_complex(s.eigenvectors.view());
  const Eigen::PartialPivLU<Eigen::MatrixXcd> lu(v);
  d.modes = detail::from_eigen(lu.solve(detail::to_eigen(d.decode).cast<std::complex<double>>()).eval());
  const double reciprocal = lu.rcond();
  d.eigenvector_condition = reciprocal > 0 ? 1 / reciprocal : std::numeric_limits<double>::infinity();
}

}  // namespace kdm
