/// Descent among the matrices of spectral radius below one.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <utility>
#include <vector>

#include "kdm/core/finite.hpp"
#include "kdm/fit/convert.hpp"

namespace kdm::detail {

struct stability_gramian {
  Eigen::MatrixXd p;     ///< sum_i (k')^i k^i
  bool bounded = false;  ///< the sum has converged below the limit, so k has a spectral radius below one
};

/// By repeated squaring: about 2 log2(1 / distance from the circle) products.
template <class = void>
stability_gramian gramian(Eigen::MatrixXd k, double limit) {
  stability_gramian g{Eigen::MatrixXd::Identity(k.rows(), k.cols())};
  for (int doubling = 0; doubling < 60; ++doubling) {
    const Eigen::MatrixXd more = k.transpose() * g.p * k;
    g.p += more;
    if (!(g.p.norm() < limit)) return g;
    if (more.norm() <= 1e-16 * g.p.norm()) {
      g.bounded = true;
      return g;
    }
    k = (k * k).eval();
  }
  return g;
}

/// |a k - b|^2, column j times weight_j, over `unit`: the fit in states scaled to a size of one.
struct stable_problem {
  Eigen::MatrixXd a, b;
  Eigen::VectorXd size, weight;
  double unit = 1;

  stable_problem(const Eigen::MatrixXd& r11, const Eigen::MatrixXd& r12)
      : size(r11.colwise().norm().transpose()), unit(r12.squaredNorm()) {
    for (index_t j = 0; j < size.size(); ++j)
      if (!(size(j) > 0)) size(j) = 1;
    a = r11 * size.cwiseInverse().asDiagonal();
    b = r12 * size.cwiseInverse().asDiagonal();
    weight = size.cwiseAbs2();
  }
  Eigen::MatrixXd scaled(const Eigen::MatrixXd& k) const {
    return size.asDiagonal() * k * size.cwiseInverse().asDiagonal();
  }
  Eigen::MatrixXd unscaled(const Eigen::MatrixXd& k) const {
    return size.cwiseInverse().asDiagonal() * k * size.asDiagonal();
  }
  double off(const Eigen::MatrixXd& k) const {
    return ((a * k - b).cwiseAbs2() * weight).sum() / unit;
  }
};

/// off(k) + barrier trace(P), P = sum_i (k')^i k^i: infinite where the spectral radius reaches one.
struct stable_objective {
  double value = std::numeric_limits<double>::infinity();
  double trace = 0;
  Eigen::MatrixXd slope;
};

template <class = void>
stable_objective objective_at(const stable_problem& problem, const Eigen::MatrixXd& k, double barrier) {
  stable_objective o;
  const stability_gramian p = gramian(k, 1e14), w = gramian(k.transpose().eval(), 1e14);
  if (!p.bounded || !w.bounded) return o;
  o.trace = p.p.trace();
  o.value = problem.off(k) + barrier * o.trace;
  o.slope = 2 / problem.unit * (problem.a.transpose() * (problem.a * k - problem.b)) * problem.weight.asDiagonal();
  o.slope += 2 * barrier * (p.p * k * w.p);
  return o;
}

struct stable_search {
  Eigen::MatrixXd k;
  bool converged = false;  ///< steps lower the objective by 1e-7 at most, and the barrier is a thousandth of the fit
};

/// Limited-memory quasi-Newton steps from a stable start, with a barrier that is lowered tenfold each time they stall.
///
/// Cost.      `budget` evaluations at most, of two gramians each: 60 to 120 products of n x n.
/// Source.    Vanbiervliet, Vandereycken, Michiels, Vandewalle, Diehl 2009, "The smoothed spectral abscissa for robust
///            stability optimization", SIAM J. Optim. 20 (the trace of a Gramian as a smooth measure of stability);
///            Nocedal, Wright 2006, "Numerical Optimization", algorithms 7.4 and 19.1
template <class = void>
stable_search search_stable(const stable_problem& problem, const Eigen::MatrixXd& start, int budget) {
  constexpr std::size_t memory = 10;
  struct pair {
    Eigen::MatrixXd step, change;
    double product;
  };
  const auto dot = [](const Eigen::MatrixXd& u, const Eigen::MatrixXd& v) { return u.cwiseProduct(v).sum(); };
  Eigen::MatrixXd k = problem.scaled(start);
  stable_search best{k};
  stable_objective now = objective_at(problem, k, 0.);
  if (!is_finite(now.value)) return {start};
  double least = now.value, barrier = std::max(least, 1e-16) / now.trace;

  for (int level = 0; level < 30 && budget > 0; ++level, barrier /= 10) {
    now = objective_at(problem, k, barrier);
    std::vector<pair> pairs;
    bool stalled = false;
    while (!stalled && --budget > 0) {
      Eigen::MatrixXd along = now.slope;
      std::vector<double> factors(pairs.size());
      for (std::size_t i = pairs.size(); i-- > 0;) {
        factors[i] = dot(pairs[i].step, along) / pairs[i].product;
        along -= factors[i] * pairs[i].change;
      }
      if (pairs.empty()) along *= 1e-2 * k.norm() / std::max(along.norm(), std::numeric_limits<double>::min());
      else along *= pairs.back().product / pairs.back().change.squaredNorm();
      for (std::size_t i = 0; i < pairs.size(); ++i)
        along += (factors[i] - dot(pairs[i].change, along) / pairs[i].product) * pairs[i].step;
      const double descent = -dot(along, now.slope);
      if (!(descent < 0)) break;

      stable_objective next;
      double t = 1;
      for (int halving = 0; halving < 40 && budget > 0; ++halving) {
        next = objective_at(problem, k - t * along, barrier);
        if (next.value <= now.value + 1e-4 * t * descent) break;
        t /= is_finite(next.value) ? 2 : 3;
        --budget;
      }
      if (!(next.value < now.value)) {
        stalled = true;
        break;
      }
      stalled = now.value - next.value <= 1e-7 * now.value;
      pair p{-t * along, next.slope - now.slope, 0};
      p.product = dot(p.step, p.change);
      k += p.step;
      now = std::move(next);
      if (p.product > 1e-12 * p.step.norm() * p.change.norm()) pairs.push_back(std::move(p));
      if (pairs.size() > memory) pairs.erase(pairs.begin());
    }
    const double fit = problem.off(k);
    if (fit < least) least = fit, best.k = k;
    if (stalled && barrier * now.trace <= 1e-3 * fit) {
      best.converged = true;
      break;
    }
  }
  best.k = problem.unscaled(best.k);
  return best;
}

}  // namespace kdm::detail
