/// The real Schur form of a matrix on the host: orthogonal coordinates in which it is triangular up to 2 x 2 blocks.
#pragma once

#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "kdm/koopman/host_algebra.hpp"

namespace kdm::detail::host {

/// a = u t u', u orthogonal. The first 2 pairs rows of t hold one 2 x 2 block [a b; c a], b c < 0, for each complex
/// pair; the real eigenvalues follow on the diagonal. Below that, t is zero.
struct real_schur {
  matrix<double> u, t;
  index_t pairs = 0;
};

/// The iteration behind real_schur_of.
///
/// Source.    Golub, Van Loan 2013, "Matrix computations", sections 7.4 and 7.5 (Francis steps); Bai, Demmel 1993, "On
///            swapping diagonal blocks in real Schur form", Linear Algebra Appl. 186 (exchange of blocks)
class schur_iteration {
 public:
  explicit schur_iteration(const matrix<double>& a) : n_(a.rows()), t_(a), u_(identity_matrix(n_)) {}

  real_schur run(const char* who) {
    make_hessenberg();
    int steps = 0;
    for (index_t hi = n_ - 1; hi >= 0;) {
      const index_t lo = start_of_block(hi);
      if (lo >= hi - 1) {
        if (lo == hi - 1) standardise(lo);
        hi = lo - 1;
        steps = 0;
        continue;
      }
      if (++steps > 100) fail<numeric_error>(who, ": the eigenvalue iteration did not converge");
      francis_step(lo, hi, steps % 10 == 0);
    }
    real_schur result;
    result.pairs = move_pairs_up();
    result.t = std::move(t_);
    result.u = std::move(u_);
    return result;
  }

 private:
  /// t and u in the coordinates where rows i, j of the space become c i + s j and c j - s i.
  void rotate(index_t i, index_t j, double c, double s) {
    const auto turn = [c, s](double& x, double& y) {
      const double p = c * x + s * y;
      y = c * y - s * x;
      x = p;
    };
    for (index_t k = 0; k < n_; ++k) turn(t_(i, k), t_(j, k));
    for (index_t k = 0; k < n_; ++k) turn(t_(k, i), t_(k, j));
    for (index_t k = 0; k < n_; ++k) turn(u_(k, i), u_(k, j));
  }

  /// t and u reflected so that v, in coordinates first .. first + count - 1, becomes a multiple of the first of them.
  void reflect(index_t first, index_t count, double* v) {
    double rest = 0;
    for (index_t k = 1; k < count; ++k) rest += v[k] * v[k];
    if (rest == 0) return;
    v[0] += std::copysign(std::sqrt(v[0] * v[0] + rest), v[0]);
    const double square = v[0] * v[0] + rest;
    const auto apply = [&](auto element) {
      for (index_t j = 0; j < n_; ++j) {
        double along = 0;
        for (index_t k = 0; k < count; ++k) along += v[k] * element(first + k, j);
        for (index_t k = 0; k < count; ++k) element(first + k, j) -= 2 / square * along * v[k];
      }
    };
    apply([this](index_t i, index_t j) -> double& { return t_(i, j); });
    apply([this](index_t i, index_t j) -> double& { return t_(j, i); });
    apply([this](index_t i, index_t j) -> double& { return u_(j, i); });
  }

  void make_hessenberg() {
    std::vector<double> v(static_cast<std::size_t>(n_));
    for (index_t k = 0; k + 2 < n_; ++k) {
      for (index_t i = k + 1; i < n_; ++i) v[std::size_t(i - k - 1)] = t_(i, k);
      reflect(k + 1, n_ - k - 1, v.data());
      for (index_t i = k + 2; i < n_; ++i) t_(i, k) = 0;
    }
  }

  /// The first row of the block that ends in row hi and falls apart no further; what separates it is set to zero.
  index_t start_of_block(index_t hi) {
    constexpr double epsilon = std::numeric_limits<double>::epsilon();
    for (index_t k = hi; k > 0; --k) {
      double around = std::abs(t_(k - 1, k - 1)) + std::abs(t_(k, k));
      if (around == 0) around = norm1(t_);
      if (std::abs(t_(k, k - 1)) <= epsilon * around) {
        t_(k, k - 1) = 0;
        return k;
      }
    }
    return 0;
  }

  /// One implicit double shift on rows lo .. hi, at least three of them.
  void francis_step(index_t lo, index_t hi, bool exceptional) {
    double sum = t_(hi - 1, hi - 1) + t_(hi, hi);
    double product = t_(hi - 1, hi - 1) * t_(hi, hi) - t_(hi - 1, hi) * t_(hi, hi - 1);
    if (exceptional) {
      const double size = std::abs(t_(hi, hi - 1)) + std::abs(t_(hi - 1, hi - 2));
      sum = 1.5 * size;
      product = size * size;
    }
    double v[3] = {t_(lo, lo) * (t_(lo, lo) - sum) + t_(lo, lo + 1) * t_(lo + 1, lo) + product,
                   t_(lo + 1, lo) * (t_(lo, lo) + t_(lo + 1, lo + 1) - sum), t_(lo + 1, lo) * t_(lo + 2, lo + 1)};
    for (index_t k = lo; k < hi; ++k) {
      const index_t count = k + 2 <= hi ? 3 : 2;
      if (k > lo)
        for (index_t i = 0; i < count; ++i) v[i] = t_(k + i, k - 1);
      reflect(k, count, v);
      if (k > lo)
        for (index_t i = 1; i < count; ++i) t_(k + i, k - 1) = 0;
    }
  }

  /// Turns the block of rows i and i + 1: real eigenvalues onto the diagonal, a complex pair to equal diagonal.
  void standardise(index_t i) {
    const double a = t_(i, i), b = t_(i, i + 1), c = t_(i + 1, i), d = t_(i + 1, i + 1);
    if (c == 0) return;
    const double half = (a - d) / 2, discriminant = half * half + b * c;
    if (discriminant >= 0) {
      const double z = half + std::copysign(std::sqrt(discriminant), half), r = std::hypot(z, c);
      rotate(i, i + 1, z / r, c / r);
      t_(i + 1, i) = 0;
      return;
    }
    const double angle = 0.5 * std::atan2(d - a, b + c);
    rotate(i, i + 1, std::cos(angle), std::sin(angle));
    t_(i, i) = t_(i + 1, i + 1) = (t_(i, i) + t_(i + 1, i + 1)) / 2;
    if (t_(i, i + 1) * t_(i + 1, i) >= 0) t_(i + 1, i) = 0;  // a double eigenvalue, real after rounding
  }

  /// Exchanges the real eigenvalue of row i and the pair of rows i + 1, i + 2.
  void exchange(index_t i) {
    // x solves x (T - lambda) = r; the columns of [x; 1] span the pair's invariant subspace.
    const double lambda = t_(i, i), p = t_(i + 1, i + 1) - lambda, q = t_(i + 1, i + 2), r = t_(i + 2, i + 1),
                 s = t_(i + 2, i + 2) - lambda, determinant = p * s - q * r;
    const double x0 = (t_(i, i + 1) * s - t_(i, i + 2) * r) / determinant;
    const double x1 = (t_(i, i + 2) * p - t_(i, i + 1) * q) / determinant;
    double v[3] = {x0, 1, 0};
    const double r0 = -std::copysign(std::hypot(x0, 1.), x0), along = (v[0] - r0) * x1;
    // The second column [x1, 0, 1] after the reflection of the first.
    const double head = v[0] - r0, square = head * head + 1;
    double second[2] = {-2 / square * along, 1};
    reflect(i, 3, v);
    reflect(i + 1, 2, second);
    t_(i + 2, i) = t_(i + 2, i + 1) = 0;
    standardise(i);
  }

  /// Brings the pairs in front of the real eigenvalues; their number.
  index_t move_pairs_up() {
    index_t pairs = 0;
    for (index_t i = 0; i + 1 < n_; ++i) {
      if (t_(i + 1, i) == 0) continue;
      for (index_t k = i; k > 2 * pairs; --k) exchange(k - 1);
      if (t_(2 * pairs + 1, 2 * pairs) != 0) ++pairs;  // rounding may have made it real
      ++i;
    }
    return pairs;
  }

  index_t n_;
  matrix<double> t_, u_;
};

/// Cost.      some 25 n^3 flops.
/// Throws.    numeric_error naming `who` when the iteration does not converge. Elements must be finite.
inline real_schur real_schur_of(const char* who, const matrix<double>& a) { return schur_iteration(a).run(who); }

}  // namespace kdm::detail::host
