// kdm fit: closed-form distillation, a student by two least-squares problems and no training.
#include <Eigen/QR>
#include <cmath>
#include <iostream>
#include <numbers>

#include "fit.hpp"
#include "kdm/fit/snapshot_qr.hpp"
#include "prior.hpp"
#include "standardise.hpp"
#include "student.hpp"

namespace kdm_command {

namespace {

using row_major = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

Eigen::MatrixXd copy_of(const kdm::matrix<double>& m) {
  return Eigen::Map<const row_major>(m.data(), m.rows(), m.cols());
}

/// The least X in |a X - b|^2 + ridge sum |a_j|^2 X_jk^2; the first column of a is the constant and costs nothing.
Eigen::MatrixXd ridge_solution(const Eigen::MatrixXd& a, const Eigen::MatrixXd& b, double ridge) {
  const index_t n = a.cols();
  Eigen::VectorXd size = a.colwise().norm().transpose();
  for (index_t j = 0; j < n; ++j)
    if (!(size(j) > 0)) size(j) = 1;
  Eigen::MatrixXd stacked = Eigen::MatrixXd::Zero(a.rows() + n, n), right = Eigen::MatrixXd::Zero(a.rows() + n, b.cols());
  stacked.topRows(a.rows()) = a * size.cwiseInverse().asDiagonal();
  stacked.bottomRows(n).diagonal().tail(n - 1).setConstant(std::sqrt(ridge));
  right.topRows(b.rows()) = b;
  const Eigen::HouseholderQR<Eigen::Ref<Eigen::MatrixXd>> qr(stacked);
  right.applyOnTheLeft(qr.householderQ().adjoint());
  const Eigen::MatrixXd x = stacked.topRows(n).triangularView<Eigen::Upper>().solve(right.topRows(n));
  return size.cwiseInverse().asDiagonal() * x;
}

/// The triangle of [1, f psi(x) | f psi(y), y], where f takes the factor of the dictionary out. Rows are cut by their
/// number alone, so threads change no bit, and features of a portion at a time stand in memory.
kdm::snapshot_qr triangle(const kdm::snapshot_pairs& p, const any_dictionary& psi, double factor,
                          const any_executor& run) {
  constexpr index_t portion = 512;
  const index_t rows = p.count(), n = psi.features(), d = p.states();
  const kdm::snapshot_qr empty(n + 1, n + d);
  const index_t grain = std::max({index_t(1024), 8 * empty.cols(), (rows + 15) / 16});
  std::vector<kdm::snapshot_qr> parts(std::size_t((rows + grain - 1) / grain), empty);
  run.for_chunks(rows, grain, [&](index_t first, index_t last, int) {
    kdm::matrix<double> a(portion, n + 1), b(portion, n + d);
    for (index_t at = first; at < last; at += portion) {
      const index_t m = std::min(portion, last - at);
      const kdm::view<double> left = a.view().row_range(0, m), right = b.view().row_range(0, m);
      psi.evaluate(p.x.view().row_range(at, m), left.col_range(1, n));
      psi.evaluate(p.y.view().row_range(at, m), right.col_range(0, n));
      for (index_t i = 0; i < m; ++i) {
        left(i, 0) = 1;
        for (index_t j = 0; j < n; ++j) left(i, j + 1) *= factor, right(i, j) *= factor;
        for (index_t j = 0; j < d; ++j) right(i, n + j) = p.y(at + i, j);
      }
      parts[std::size_t(first / grain)].append(kdm::const_view<double>(left), kdm::const_view<double>(right));
    }
  });
  for (std::size_t k = 1; k < parts.size(); ++k) parts[0].merge(parts[k]);
  return parts[0];
}

/// psi as the first layers of a model with these weights.
class encoder_writer {
 public:
  encoder_writer(const kdm::manifest& m, kdm::view<scalar> w, const chosen_dictionary& d) : m_(m), w_(w), d_(d) {}

  void waves(const std::string& name) const {
    const auto weight = tensor(name + ".weight"), bias = tensor(name + ".bias");
    for (index_t k = 0; k < d_.places.rows(); ++k)
      for (index_t j = 0; j < d_.places.cols(); ++j)
        weight(2 * k, j) = weight(2 * k + 1, j) = scalar(d_.places(k, j) / (2 * std::numbers::pi));
    for (index_t k = 0; k < d_.places.rows(); ++k) bias.p[2 * k] = 0, bias.p[2 * k + 1] = scalar(-0.25);
  }

  /// 2 s x_j = (x_j + s)^2 - x_j^2 - s^2, with s the width.
  void bumps(const std::string& name) const {
    const auto squares = tensor(name + ".0.weight"), shift = tensor(name + ".0.bias");
    const auto weight = tensor(name + ".1.weight"), bias = tensor(name + ".1.bias");
    const index_t n = d_.places.cols();
    const double s = d_.width, scale = -0.5 / (s * s);
    for (index_t j = 0; j < n; ++j) {
      squares(j, j) = squares(n + j, j) = 1;
      shift.p[n + j] = scalar(s);
    }
    for (index_t k = 0; k < d_.places.rows(); ++k) {
      double constant = 0;
      for (index_t j = 0; j < n; ++j) {
        const double c = d_.places(k, j);
        weight(k, j) = scalar(scale * (1 + c / s));
        weight(k, n + j) = scalar(-scale * c / s);
        constant += scale * (c * c + c * s);
      }
      bias.p[k] = scalar(constant);
    }
  }

  kdm::view<scalar> tensor(const std::string& name) const { return kdm::tensor_of(w_, m_.find(name)); }

 private:
  const kdm::manifest& m_;
  kdm::view<scalar> w_;
  const chosen_dictionary& d_;
};

}  // namespace

feature_student fit_student(const fit_options& o, const kdm::snapshot_pairs& given, const any_executor& run) {
  // On standardised columns, as distill trains: a dictionary of one width serves noise and data of any unit.
  const std::string file = o.pairs.string();
  const kdm::const_view<double> noise = given.x.view(), targets = given.y.view();
  const auto [prior, plain] = choose_prior(noise, {}, file, std::cerr);
  column_scaling of_noise = scaling_of(statistics_of(noise), "columns", file + ": x_T");
  const column_scaling of_data = scaling_of(statistics_of(targets), "columns", file + ": x_0");
  if (plain) of_noise = plain_scaling(given.states(), prior.scale);
  kdm::snapshot_pairs pairs = given;
  pairs.x = standardised<double>(noise, of_noise);
  pairs.y = standardised<double>(targets, of_data);
  // --bandwidth is a length of the noise.
  double unit = 0;
  for (const double deviation : of_noise.deviation) unit += deviation * deviation / double(given.states());
  unit = std::sqrt(unit);
  fit_options scaled = o;
  scaled.bandwidth = o.bandwidth / unit;
  const chosen_dictionary d = choose_dictionary(scaled, pairs);
  const bool waves = d.kind == "rff";
  const index_t n = d.psi.features(), states = pairs.states();
  const double ridge = o.ridge.value_or(1e-4), factor = waves ? std::sqrt(double(n) / 2) : 1;

  const kdm::snapshot_qr data = triangle(pairs, d.psi, factor, run);
  const kdm::snapshot_blocks blocks = data.blocks();
  const Eigen::MatrixXd a = copy_of(blocks.r11), b = copy_of(blocks.r12), outside = copy_of(blocks.r22);
  const Eigen::MatrixXd next = b.leftCols(n), target = b.rightCols(states);
  const Eigen::MatrixXd k = ridge_solution(a, next, ridge);

  // The decoder learns on what it will be given, C psi(x_T), in the coordinates of the triangle. The penalty must be
  // as large again: a free decoder would undo the first one, which costs more on pairs not seen than it gains here.
  Eigen::MatrixXd pushed(n + 1, n + 1);
  pushed << a.col(0), a * k;
  const Eigen::MatrixXd decode = ridge_solution(pushed, target, ridge);

  const feature_settings settings{waves ? "waves" : "bumps", states, states, n, prior, d.name, d.width * unit, ridge,
                                  o.seed};
  feature_student s{settings, waves ? any_model(build_waves(settings)) : any_model(build_bumps(settings))};
  const double whole = std::hypot(next.norm(), outside.leftCols(n).norm());
  const double left = std::hypot((a * k - next).norm(), outside.leftCols(n).norm());
  s.operator_residual = whole > 0 ? left / whole : 0;
  const Eigen::MatrixXd missed = pushed * decode - target;
  for (index_t j = 0; j < states; ++j)
    s.pair_error += (missed.col(j).squaredNorm() + outside.col(n + j).squaredNorm()) *
                    std::pow(of_data.deviation[std::size_t(j)], 2) / double(pairs.count() * states);

  const kdm::manifest m = std::visit([](const auto& model) { return kdm::manifest_of(model); }, s.model);
  s.weights = kdm::matrix<scalar>(1, m.size());
  const encoder_writer encoders(m, s.weights.view(), d);
  for (const char* name : {"encoder_noise", "encoder_data"}) {
    if (waves) encoders.waves(name);
    else encoders.bumps(name);
  }
  const auto put = [&](const std::string& name, const Eigen::MatrixXd& x) {
    const auto weight = encoders.tensor(name + ".weight"), bias = encoders.tensor(name + ".bias");
    for (index_t j = 0; j < x.cols(); ++j) bias.p[j] = scalar(x(0, j));
    for (index_t i = 1; i < x.rows(); ++i)
      for (index_t j = 0; j < x.cols(); ++j) weight(j, i - 1) = scalar(x(i, j));
  };
  put("koopman", k);
  put("decoder", decode);
  const std::string first = waves ? "" : ".0";
  const auto fold = [&](const std::string& name, const column_scaling& scaling) {
    fold_into_inputs(encoders.tensor(name + ".weight"), encoders.tensor(name + ".bias"), scaling);
  };
  fold("encoder_noise" + first, of_noise);
  fold("encoder_data" + first, of_data);
  fold_into_outputs(encoders.tensor("decoder.weight"), encoders.tensor("decoder.bias"), of_data);
  return s;
}

}  // namespace kdm_command
