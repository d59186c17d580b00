/// DMD with control: the state's own dynamics and what an input adds, told apart where the data allow it.
#pragma once

#include <cmath>
#include <string_view>
#include <utility>

#include "kdm/fit/pod.hpp"
#include "kdm/fit/residuals.hpp"

namespace kdm {

/// Whether the data tell the dynamics from the input.
enum class identifiability {
  identified,       ///< [z u] has full rank: k and b are unique
  not_identifiable  ///< some combination of states and inputs never varies on its own: k and b are one of many answers
};

constexpr std::string_view name_of(identifiability i) {
  return i == identifiability::identified ? "identified" : "not identifiable";
}

/// z(next) = z k + u b with z = x encode, x = z decode; in columns, x(next) = A x + B u.
///
/// Shapes.    latents r, states n, inputs p: b [p, r].
struct controlled_dynamics {
  linear_dynamics free;  ///< without input: encode, k, decode, spectrum
  matrix<double> b;
  identifiability verdict = identifiability::identified;
  index_t data_rank = 0;      ///< of [z u] with unit columns
  index_t unknown_rank = 0;   ///< what it has to be: r + p, or r where b was given
  double condition = 1;       ///< of [z u] with unit columns
  double relative_residual = 0;  ///< |x k + u b - y| / |y| in the states

  index_t inputs() const { return b.rows(); }

  /// A [n, n] and B [n, p] of x(next) = A x + B u, in columns.
  template <class = void>
  matrix<double> state_transition() const {
    const Eigen::MatrixXd a = detail::to_eigen(free.encode) * detail::to_eigen(free.k) * detail::to_eigen(free.decode);
    return detail::from_eigen(a.transpose());
  }
  template <class = void>
  matrix<double> input_matrix() const {
    return detail::from_eigen((detail::to_eigen(b) * detail::to_eigen(free.decode)).transpose());
  }

  /// One step from states x [m, n] under inputs u [m, p].
  template <class = void>
  matrix<double> step(state_rows x, state_rows u) const {
    require_size("controlled_dynamics: columns of x", x.cols, free.features());
    require_size("controlled_dynamics: columns of u", u.cols, inputs());
    require_size("controlled_dynamics: rows of u", u.rows, x.rows);
    const Eigen::MatrixXd z = detail::to_eigen(x) * detail::to_eigen(free.encode);
    const Eigen::MatrixXd next = z * detail::to_eigen(free.k) + detail::to_eigen(u) * detail::to_eigen(b);
    return detail::from_eigen((next * detail::to_eigen(free.decode)).eval());
  }

  /// From one state x [1, n] under the inputs u [steps, p]: states [steps + 1, n], the first one included.
  template <class = void>
  matrix<double> simulate(state_rows x, state_rows u) const {
    require_size("controlled_dynamics: rows of the first state", x.rows, 1);
    require_size("controlled_dynamics: columns of x", x.cols, free.features());
    require_size("controlled_dynamics: columns of u", u.cols, inputs());
    Eigen::MatrixXd z(u.rows + 1, free.latent());
    z.row(0) = detail::to_eigen(x) * detail::to_eigen(free.encode);
    const Eigen::MatrixXd k = detail::to_eigen(free.k), push = detail::to_eigen(u) * detail::to_eigen(b);
    for (index_t t = 0; t < u.rows; ++t) z.row(t + 1) = z.row(t) * k + push.row(t);
    return detail::from_eigen((z * detail::to_eigen(free.decode)).eval());
  }
};

struct dmdc_options {
  rank_rule rank = rank_rule::tolerance();  ///< of the states
  matrix<double> b;  ///< the input's effect [p, n] on rows of states where it is known (B' in columns), else empty
};

/// Fits y = x k + u b to pairs with inputs, in the leading directions of x.
///
/// An input that is a function of the state, as under feedback, cannot be told from the dynamics: the verdict says so
/// and the answer is then only the smallest of many, unless b is given. A tolerance of 1e-10 on the singular values of
/// [z u] with unit columns decides, or what the rounding of the pairs can make of them where that is more.
/// Shapes.    x, y [m, n], u [m, p].
/// Cost.      that of the singular values of x, then 2 m (2 r + p)^2 flops.
/// Throws.    shape_error, also without inputs; option_error; numeric_error for data that are zero or not finite.
/// Source.    Proctor, Brunton, Kutz 2016, "Dynamic mode decomposition with control", SIAM J. Appl. Dyn. Syst. 15
/// Example.   docs/fitting.md
template <class = void>
controlled_dynamics dmdc(const snapshot_pairs& pairs, const dmdc_options& options = {}) {
  require_pairs("dmdc", pairs);
  const index_t m = pairs.count(), n = pairs.states(), p = pairs.inputs();
  if (p < 1) fail<shape_error>("dmdc: the pairs have no inputs, expected at least one column of u");
  const bool given = options.b.size() > 0;
  if (given) {
    require_size("dmdc: rows of b", options.b.rows(), p);
    require_size("dmdc: columns of b", options.b.cols(), n);
    detail::require_finite_snapshots("dmdc", "b", options.b);
  }
  const double unit = detail::unit_of(pairs.x.data(), pairs.x.size());
  const Eigen::MatrixXd x = detail::to_eigen(pairs.x) / unit, next = detail::to_eigen(pairs.y) / unit;
  matrix<double> weighted = detail::from_eigen(x);
  for (index_t i = 0; i < pairs.weights.rows(); ++i)
    for (index_t j = 0; j < n; ++j) weighted(i, j) *= std::sqrt(pairs.weights(i, 0));
  const auto counted = [&](index_t i) {
    return std::pair<double, double>(pairs.weights.size() > 0 ? pairs.weights(i, 0) : 1, unit);
  };
  const detail::rounding_errors x_errors = detail::errors_of_rows(pairs.x, pairs.rounding, counted);
  detail::pod_basis space = detail::pod(weighted, options.rank, x_errors);
  detail::require_rank("dmdc", space.decision);
  const index_t r = space.decision.rank;

  const Eigen::MatrixXd u = detail::to_eigen(pairs.u), z = x * space.basis;
  Eigen::MatrixXd y = next;
  if (given) y -= u * (detail::to_eigen(options.b) / unit);
  Eigen::MatrixXd known(m, given ? r : r + p);
  known.leftCols(r) = z;
  if (!given) known.rightCols(p) = u;
  snapshot_qr data(known.cols(), r);
  data.append(detail::from_eigen(known), detail::from_eigen((y * space.basis).eval()), pairs.weights);
  detail::rounding_errors known_errors = x_errors.in(space.basis);
  if (x_errors.any()) {
    const auto as_they_are = [&](index_t i) { return std::pair<double, double>(counted(i).first, 1); };
    if (!given) known_errors = known_errors.beside(detail::errors_of_rows(pairs.u, pairs.rounding, as_they_are));
    std::vector<double> squares(std::size_t(data.cols()), 0);
    std::copy_n(known_errors.squares.data(), known.cols(), squares.data());
    data.add_rounding(squares);
  }
  const least_squares_result fit = least_squares(data);

  controlled_dynamics d;
  const Eigen::MatrixXd k = detail::to_eigen(fit.k);
  d.b = given ? detail::from_eigen((detail::to_eigen(options.b) / unit * space.basis).eval())
              : detail::from_eigen(k.bottomRows(p).eval());
  d.free.encode = detail::from_eigen(space.basis);
  d.free.k = detail::from_eigen(k.topRows(r).eval());
  d.free.decode = detail::from_eigen(space.basis.transpose());
  d.free.dt = pairs.dt;
  find_spectrum(d.free);

  // Columns that depend on others up to errors of the data show as small, not as zero singular values.
  const Eigen::MatrixXd triangle = detail::to_eigen(data.blocks().r11);
  Eigen::VectorXd norm = triangle.colwise().norm().transpose();
  for (index_t j = 0; j < norm.size(); ++j)
    if (norm(j) == 0) norm(j) = 1;
  const detail::svd_factors f = detail::jacobi_svd((triangle * norm.cwiseInverse().asDiagonal()).transpose());
  known_errors = known_errors.divided_by(norm);
  for (index_t j = 0; j < f.s.size(); ++j)
    d.data_rank += j < m && f.s(j) > std::max(1e-10 * f.s(0), known_errors.along(f.u.col(j)));
  d.unknown_rank = known.cols();
  d.condition = fit.condition;
  if (d.data_rank < d.unknown_rank) d.verdict = identifiability::not_identifiable;

  const Eigen::MatrixXd moved = z * detail::to_eigen(d.free.k), pushed = u * detail::to_eigen(d.b);
  Eigen::MatrixXd off = (moved + pushed) * space.basis.transpose();
  off -= next;
  Eigen::VectorXd root = Eigen::VectorXd::Ones(m);
  for (index_t i = 0; i < pairs.weights.rows(); ++i) root(i) = std::sqrt(pairs.weights(i, 0));
  const double whole = (root.asDiagonal() * next).norm();
  d.relative_residual = whole > 0 ? (root.asDiagonal() * off).norm() / whole : 0;
  d.free.relative_residual = d.relative_residual;

  // Residuals of the free dynamics: the input's part is taken off what follows.
  snapshot_qr moves(r, r);
  const Eigen::MatrixXd after = next * space.basis - pushed;
  moves.append(detail::from_eigen(z), detail::from_eigen(after), pairs.weights);
  d.free.residuals = eigenpair_residuals(moves, d.free.eigenvalues, d.free.eigenvectors.view());
  d.free.condition = fit.condition;
  d.free.status = d.verdict == identifiability::not_identifiable ? fit_status::rank_deficient : fit.status;
  const index_t numerical = space.decision.numerical_rank;
  if (d.free.status == fit_status::ok && numerical < std::min(m, n)) d.free.status = fit_status::rank_deficient;
  if (m < d.unknown_rank || (m < n && r == m)) d.free.status = fit_status::fewer_rows_than_columns;
  for (index_t i = 0; i < d.b.size(); ++i) d.b.data()[i] *= unit;
  d.free.rank = std::move(space.decision);
  for (double& sigma : d.free.rank.singular_values) sigma *= unit;
  d.free.rank.cut *= unit;
  detail::check_residual(d.free);
  const Eigen::MatrixXcd v = detail::to_eigen_complex(d.free.eigenvectors.view());
  const Eigen::VectorXd sizes = ((root.asDiagonal() * z).cast<std::complex<double>>() * v).colwise().norm().transpose();
  detail::check_growth(d.free, space.basis * v, sizes, x_errors, "as it is known");
  if (pairs.rounding.may_be_coarser())
    if (const auto found = find_rounding(std::array{pairs.x.view(), pairs.y.view()}))
      detail::check_growth(d.free, space.basis * v, sizes, detail::errors_of_rows(pairs.x, *found, counted),
                           concat("which are ", name_of(*found)));
  return d;
}

}  // namespace kdm
