/// The noise that a student starts from.
#pragma once

#include <limits>
#include <string_view>
#include <utility>

#include "kdm/core/error.hpp"
#include "kdm/core/finite.hpp"
#include "kdm/core/matrix.hpp"

namespace kdm {

/// A normal distribution: x_T = mean + F e with e ~ N(0, I), where F is a number, a diagonal or a lower triangle.
///
/// Shapes.    mean [1, d], empty for 0; factor [1, d] (a deviation for each column) or [d, d] (a lower triangle L, the
///            covariance being L L'), empty for `scale` times the identity.
/// Cost.      d multiplications a row, d^2 / 2 for a triangle; nothing is allocated in shape().
/// Example.   generator g(model, weights, normal_prior(mean, deviations)); a number converts: generator(model, w, 80).
struct normal_prior {
  double scale = 1;  ///< the deviation of every column where `factor` is empty
  matrix<double> mean, factor;
  bool known = true;  ///< false: noise of another kind, which only the caller can give

  normal_prior(double deviation = 1) : scale(deviation) {}
  normal_prior(matrix<double> centre, matrix<double> deviations)
      : mean(std::move(centre)), factor(std::move(deviations)) {}

  /// The prior of a student whose noise was not normal: it pushes noise that it is given, and draws none.
  static normal_prior unknown() {
    normal_prior p;
    p.known = false;
    return p;
  }

  bool is_scale() const noexcept { return known && mean.size() == 0 && factor.size() == 0; }
  bool is_triangle() const noexcept { return factor.rows() > 1; }

  /// Refuses what cannot be drawn from in T, in d dimensions; `where` begins the message.
  ///
  /// Throws.    option_error, shape_error naming the entry.
  template <class T>
  void require_usable(std::string_view where, index_t d) const {
    constexpr double most = double(std::numeric_limits<T>::max());
    const auto finite = [](double x) { return is_finite(x) && x <= most && x >= -most; };
    const auto positive = [&](double x) { return finite(x) && T(x) > 0; };  // 1e-50 is 0 in float
    if (!positive(scale))
      fail<option_error>(where, ": the prior's scale is ", scale, ", expected a finite number above 0");
    if (mean.size() != 0 && (mean.rows() != 1 || mean.cols() != d))
      fail<shape_error>(where, ": the prior's mean is ", mean.rows(), " x ", mean.cols(), ", expected 1 x ", d);
    for (index_t j = 0; j < mean.size(); ++j)
      if (!finite(mean(0, j)))
        fail<option_error>(where, ": the prior's mean of column ", j, " is ", mean(0, j), ", expected a finite number");
    if (factor.size() == 0) return;
    if (factor.cols() != d || (factor.rows() != 1 && factor.rows() != d))
      fail<shape_error>(where, ": the prior's factor is ", factor.rows(), " x ", factor.cols(), ", expected 1 x ", d,
                        " or ", d, " x ", d);
    for (index_t i = 0; i < factor.rows(); ++i)
      for (index_t j = 0; j < d; ++j) {
        const double x = factor(i, j);
        if (!is_triangle() || i == j) {
          if (!positive(x))
            fail<option_error>(where, ": the prior's deviation of column ", j, " is ", x,
                               ", expected a finite number above 0");
        } else if (i < j ? x != 0 : !finite(x)) {
          fail<option_error>(where, ": the prior's factor at row ", i, ", column ", j, " is ", x, ", expected ",
                             i < j ? "0, above the diagonal" : "a finite number");
        }
      }
  }

  /// Standard normals become noise, in place. For N(0, scale^2 I) each number is T(scale) times its normal, to the bit.
  ///
  /// Shapes.    e [n, d], gap-free.
  template <class T>
  void shape(view<T> e) const noexcept {
    if (factor.size() == 0) {
      for (index_t k = 0; k < e.size(); ++k) e.p[k] *= T(scale);
    } else if (!is_triangle()) {
      for (index_t i = 0; i < e.rows; ++i)
        for (index_t j = 0; j < e.cols; ++j) e(i, j) *= T(factor(0, j));
    } else {
      // Number j needs the normals up to its own: from the last to the first, none is overwritten too early.
      for (index_t i = 0; i < e.rows; ++i)
        for (index_t j = e.cols - 1; j >= 0; --j) {
          double sum = 0;
          for (index_t k = 0; k <= j; ++k) sum += factor(j, k) * double(e(i, k));
          e(i, j) = T(sum);
        }
    }
    if (mean.size() == 0) return;
    for (index_t i = 0; i < e.rows; ++i)
      for (index_t j = 0; j < e.cols; ++j) e(i, j) = T(double(e(i, j)) + mean(0, j));
  }
};

}  // namespace kdm
