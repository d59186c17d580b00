// The native backend's product in registers of every width: those that the processor or the flags lack, the compiler
// makes of smaller ones.
#include "kdm/backend/native.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <limits>

#include "kdm/backend/reference.hpp"
#include "kdm/core/matrix.hpp"
#include "kdm/core/ops.hpp"
#include "kdm/math/activations.hpp"
#include "kdm/math/random.hpp"

using namespace kdm;

#define WIDTHS(T) native_backend<T, 16>, native_backend<T, 32>, native_backend<T, 64>

namespace {

template <class T>
matrix<T> filled(index_t rows, index_t cols, index_t first) {
  matrix<T> x(rows, cols);
  for (index_t i = 0; i < rows; ++i)
    for (index_t j = 0; j < cols; ++j) x(i, j) = random_table{3}.normal<T>(first + i, j);
  return x;
}

/// The largest difference of x and y.
template <class T>
double difference(const matrix<T>& x, const matrix<T>& y) {
  double most = 0;
  for (index_t k = 0; k < x.size(); ++k) {
    const double d = std::abs(double(x.data()[k]) - double(y.data()[k]));
    most = d <= most ? most : d;  // NaN counts
  }
  return most;
}

}  // namespace

TEST_CASE_TEMPLATE("Native product: any shape in registers of any width", B, WIDTHS(float), WIDTHS(double)) {
  using T = typename B::value_type;
  constexpr std::array<std::array<index_t, 3>, 13> shapes{
      {{1, 1, 1}, {1, 40, 9}, {3, 5, 600}, {7, 33, 5}, {50, 2, 70}, {70, 8, 20}, {9, 31, 17}, {8, 32, 16}, {13, 300, 270}, {100, 520, 3}, {5, 7, 0}, {2, 64, 33}, {530, 34, 260}}};
  B b;
  for (const auto& [m, n, depth] : shapes) {
    for (const op ta : {op::as_is, op::transposed}) {
      for (const op tb : {op::as_is, op::transposed}) {
        for (const T keep : {T(0), T(1), T(0.5)}) {
          const auto x = ta == op::as_is ? filled<T>(m, depth, 0) : filled<T>(depth, m, 0);
          const auto y = tb == op::as_is ? filled<T>(depth, n, 1000) : filled<T>(n, depth, 1000);
          auto found = filled<T>(m, n, 5000);
          if (keep == T(0)) found(0, 0) = std::numeric_limits<T>::quiet_NaN();
          auto expected = found;
          b.gemm(ta, tb, T(1.5), x.view(), y.view(), keep, found.view());
          reference_backend<T>{}.gemm(ta, tb, T(1.5), x.view(), y.view(), keep, expected.view());
          CHECK(difference(found, expected) < (10 + double(depth)) * 4 * double(std::numeric_limits<T>::epsilon()));
        }
      }
    }
  }
}

TEST_CASE_TEMPLATE("Native dense layer: any shape in registers of any width", B, WIDTHS(float), WIDTHS(double)) {
  using T = typename B::value_type;
  B b;
  for (const index_t in : {1, 40, 600}) {
    for (const index_t out : {1, 4, 70}) {
      for (const bool with_slope : {false, true}) {
        const auto x = filled<T>(21, in, 0), w = filled<T>(out, in, 100), c = filled<T>(1, out, 900);
        matrix<T> y(21, out), slope(21, out), expected_y(21, out), expected_slope(21, out);
        const auto run = [&](auto& on, matrix<T>& to, matrix<T>& to_slope) {
          ops::dense(on, x.view(), w.view(), c.view(), activations::silu{}, to.view(),
                     with_slope ? to_slope.view() : view<T>{});
        };
        reference_backend<T> reference;
        run(b, y, slope);
        run(reference, expected_y, expected_slope);
        const double bound = (10 + double(in)) * 4 * double(std::numeric_limits<T>::epsilon());
        CHECK(difference(y, expected_y) < bound);
        CHECK(difference(slope, expected_slope) < bound);
      }
    }
  }
}

TEST_CASE_TEMPLATE("Native product: a row has the same bits in any matrix", B, WIDTHS(float), WIDTHS(double)) {
  using T = typename B::value_type;
  B b;
  for (const index_t depth : {1, 43, 300}) {
    for (const index_t cols : {1, 2, 8, 37, 300}) {
      const auto x = filled<T>(21, depth, 0), w = filled<T>(cols, depth, 100);
      matrix<T> whole(21, cols);
      b.gemm(op::as_is, op::transposed, T(1), x.view(), w.view(), T(0), whole.view());
      for (const index_t rows : {1, 2, 3, 5, 8, 9}) {
        matrix<T> part(rows, cols);
        b.gemm(op::as_is, op::transposed, T(1), x.view().row_range(21 - rows, rows), w.view(), T(0), part.view());
        for (index_t i = 0; i < rows; ++i)
          for (index_t j = 0; j < cols; ++j) REQUIRE(part(i, j) == whole(21 - rows + i, j));
      }
    }
  }
}
