/// Real sums of exponentials whose exponents are real or in conjugate pairs, and their derivatives.
#pragma once

#include <algorithm>
#include <cmath>
#include <complex>
#include <vector>

#include "kdm/core/error.hpp"
#include "kdm/fit/convert.hpp"

namespace kdm::detail {

/// One real exponent a, or the two a +- sqrt(d): complex where d < 0, real where d > 0, equal where d = 0.
///
/// The span of exp(a t) cosh(sqrt(d) t) and exp(a t) sinh(sqrt(d) t) / sqrt(d) depends smoothly on (a, d), also where
/// a conjugate pair becomes two real exponents: a search in (a, d) may cross from one to the other.
struct exponential_term {
  double a = 0, d = 0;
  bool pair = false;

  index_t size() const { return pair ? 2 : 1; }
  double growth() const { return a + (pair && d > 0 ? std::sqrt(d) : 0); }
  /// Where in [0, 1] the term is largest: values are taken relative to that, so that no exponential overflows.
  double anchor() const { return growth() > 0 ? 1 : 0; }
};

/// cosh(sqrt(x)), sinh(sqrt(x)) / sqrt(x), and the derivative of the latter by x; for x < 0 these are cosine and sine.
struct even_functions {
  double c, s, slope;
};
template <class = void>
even_functions even_functions_at(double x) {
  if (std::abs(x) < 0.5) {
    // Power series: the closed form of the slope loses its digits near zero.
    double power = 1, factorial = 1;  // x^k, (2k + 1)!
    even_functions f{0, 0, 0};
    for (int k = 0; k < 9; ++k) {
      const double odd = 2 * k + 1;
      f.c += power / (factorial / odd);
      f.s += power / factorial;
      factorial *= (odd + 1) * (odd + 2);
      f.slope += (k + 1) * power / factorial;
      power *= x;
    }
    return f;
  }
  const double root = std::sqrt(std::abs(x));
  const double c = x < 0 ? std::cos(root) : std::cosh(root), s = (x < 0 ? std::sin(root) : std::sinh(root)) / root;
  return {c, s, (c - s) / (2 * x)};
}

/// The exponents of all terms: conjugate pairs stand side by side, Im > 0 first.
template <class = void>
std::vector<std::complex<double>> exponents_of(const std::vector<exponential_term>& terms) {
  std::vector<std::complex<double>> exponents;
  for (const exponential_term& t : terms) {
    const double root = std::sqrt(std::abs(t.d));
    if (!t.pair) exponents.emplace_back(t.a, 0.);
    else if (t.d < 0) exponents.insert(exponents.end(), {{t.a, root}, {t.a, -root}});
    else exponents.insert(exponents.end(), {{t.a + root, 0.}, {t.a - root, 0.}});
  }
  return exponents;
}

/// The terms with these exponents, growth rates clamped to [low, high]. Real exponents within 1 of each other become
/// one pair, because two nearly equal exponentials would be nearly dependent.
///
/// Throws.    option_error when a complex exponent comes without its conjugate.
template <class = void>
std::vector<exponential_term> terms_of(std::vector<std::complex<double>> exponents, double low, double high) {
  std::vector<exponential_term> terms;
  std::vector<double> real;
  for (auto at = exponents.begin(); at != exponents.end(); at = exponents.begin()) {
    const std::complex<double> e = *at;
    exponents.erase(at);
    if (e.imag() == 0) {
      real.push_back(std::clamp(e.real(), low, high));
      continue;
    }
    const auto partner = std::min_element(exponents.begin(), exponents.end(), [&](const auto& p, const auto& q) {
      return std::abs(p - std::conj(e)) < std::abs(q - std::conj(e));
    });
    if (partner == exponents.end() || std::abs(*partner - std::conj(e)) > 1e-8 * std::abs(e))
      fail<option_error>("dmd::optimized: the exponent ", e.real(), " + ", e.imag(),
                         " i has no conjugate, expected conjugate pairs");
    exponents.erase(partner);
    terms.push_back({std::clamp(e.real(), low, high), -e.imag() * e.imag(), true});
  }
  std::sort(real.begin(), real.end());
  while (!real.empty()) {
    std::size_t at = 0;  // the nearest neighbours
    for (std::size_t k = 0; k + 1 < real.size(); ++k)
      if (real[k + 1] - real[k] < real[at + 1] - real[at]) at = k;
    if (real.size() > 1 && real[at + 1] - real[at] <= 1) {
      const double half = (real[at + 1] - real[at]) / 2;
      terms.push_back({real[at] + half, half * half, true});
      real.erase(real.begin() + index_t(at), real.begin() + index_t(at) + 2);
    } else {
      for (const double a : real) terms.push_back({a, 0, false});
      real.clear();
    }
  }
  return terms;
}

/// The functions of a term at the times t, a column each, and what their derivatives by (a, d) are.
struct term_functions {
  Eigen::MatrixXd value;             ///< [times, size]
  std::vector<Eigen::MatrixXd> slope;  ///< by a, and by d for a pair: [times, size]
};
template <class = void>
term_functions functions_of(const exponential_term& term, const Eigen::VectorXd& t) {
  term_functions f;
  f.value.resize(t.size(), term.size());
  f.slope.assign(std::size_t(term.size()), Eigen::MatrixXd(t.size(), term.size()));
  const double anchor = term.anchor();
  for (index_t i = 0; i < t.size(); ++i) {
    const double s = t(i) - anchor, e = std::exp(term.a * s);
    if (!term.pair) {
      f.value(i, 0) = e;
      f.slope[0](i, 0) = s * e;
      continue;
    }
    const even_functions g = even_functions_at(term.d * s * s);
    f.value(i, 0) = e * g.c;
    f.value(i, 1) = e * s * g.s;
    f.slope[0](i, 0) = s * e * g.c;
    f.slope[0](i, 1) = s * e * s * g.s;
    f.slope[1](i, 0) = e * s * s * g.s / 2;
    f.slope[1](i, 1) = e * s * s * s * g.slope;
  }
  return f;
}

/// The modes of a term's exponents, rows for exponents, from the coefficients of its functions.
template <class = void>
Eigen::MatrixXcd modes_of(const exponential_term& term, const Eigen::MatrixXd& coefficients) {
  Eigen::MatrixXcd modes(term.size(), coefficients.cols());
  if (!term.pair) {
    modes = coefficients.cast<std::complex<double>>();
    return modes;
  }
  // Equal exponents have no modes of their own; a distance of 1e-7 stands for them up to rounding of its square.
  const double root = std::max(std::sqrt(std::abs(term.d)), 1e-7);
  const std::complex<double> divisor = term.d < 0 ? std::complex<double>(0, root) : std::complex<double>(root, 0);
  modes.row(0) = 0.5 * (coefficients.row(0).cast<std::complex<double>>() + coefficients.row(1) / divisor);
  modes.row(1) = 0.5 * (coefficients.row(0).cast<std::complex<double>>() - coefficients.row(1) / divisor);
  return modes;
}

}  // namespace kdm::detail
