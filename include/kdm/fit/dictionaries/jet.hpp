/// Numbers that carry their first and second derivative along a line.
#pragma once

#include <cmath>

#include "kdm/core/config.hpp"

namespace kdm {

/// f(0), f'(0) and f''(0) of a function f of one variable.
///
/// A formula written for any number type, evaluated with jets x + s v, gives its derivatives along v to rounding.
/// Inside such a formula call functions without std::, after `using std::exp;` and so on.
/// Source.    Griewank, Walther 2008, "Evaluating derivatives", chapter 13 (Taylor arithmetic)
struct jet {
  double value = 0, first = 0, second = 0;

  jet() = default;
  jet(double constant) : value(constant) {}  // implicit: constants mix with jets in formulas
  jet(double v, double d1, double d2) : value(v), first(d1), second(d2) {}

  friend jet operator+(const jet& a, const jet& b) {
    return {a.value + b.value, a.first + b.first, a.second + b.second};
  }
  friend jet operator-(const jet& a, const jet& b) {
    return {a.value - b.value, a.first - b.first, a.second - b.second};
  }
  friend jet operator-(const jet& a) { return {-a.value, -a.first, -a.second}; }
  friend jet operator*(const jet& a, const jet& b) {
    return {a.value * b.value, a.first * b.value + a.value * b.first,
            a.second * b.value + 2 * a.first * b.first + a.value * b.second};
  }
  friend jet operator/(const jet& a, const jet& b) {
    const double u = 1 / b.value;
    return a * b.through(u, -u * u, 2 * u * u * u);
  }
  jet& operator+=(const jet& b) { return *this = *this + b; }
  jet& operator-=(const jet& b) { return *this = *this - b; }
  jet& operator*=(const jet& b) { return *this = *this * b; }
  jet& operator/=(const jet& b) { return *this = *this / b; }

  /// g(f) for a function g with these derivatives at `value`.
  jet through(double g, double g1, double g2) const { return {g, g1 * first, g2 * first * first + g1 * second}; }

  friend jet exp(const jet& a) {
    const double e = std::exp(a.value);
    return a.through(e, e, e);
  }
  friend jet log(const jet& a) {
    const double u = 1 / a.value;
    return a.through(std::log(a.value), u, -u * u);
  }
  friend jet sqrt(const jet& a) {
    const double r = std::sqrt(a.value);
    return a.through(r, 0.5 / r, -0.25 / (r * a.value));
  }
  friend jet sin(const jet& a) {
    const double s = std::sin(a.value);
    return a.through(s, std::cos(a.value), -s);
  }
  friend jet cos(const jet& a) {
    const double c = std::cos(a.value);
    return a.through(c, -std::sin(a.value), -c);
  }
  friend jet tanh(const jet& a) {
    const double t = std::tanh(a.value), slope = 1 - t * t;
    return a.through(t, slope, -2 * t * slope);
  }
};

}  // namespace kdm
