// xtensor's containers as views, and what the xtensor backend does to the threads of OpenBLAS.
#include <doctest/doctest.h>

#include <array>
#include <limits>
#include <vector>

#include "kdm/backend/xtensor.hpp"
#include "support.hpp"

#if __has_include(<xtensor/containers/xadapt.hpp>)
#include <xtensor/containers/xadapt.hpp>
#include <xtensor/containers/xfixed.hpp>
#else
#include <xtensor/xadapt.hpp>
#include <xtensor/xfixed.hpp>
#endif

namespace {

using kdm::index_t;
using xt::layout_type;

/// The view shows exactly the elements of `x`, in place: xtensor's index (i, j) is the judge.
template <class X, class View>
void check_matrix(X& x, View v, index_t rows, index_t cols) {
  REQUIRE(v.rows == rows);
  REQUIRE(v.cols == cols);
  for (index_t i = 0; i < rows; ++i)
    for (index_t j = 0; j < cols; ++j) CHECK(&v(i, j) == &x(std::size_t(i), std::size_t(j)));
}

template <class X, class View>
void check_column(X& x, View v, index_t n) {
  REQUIRE(v.rows == n);
  REQUIRE(v.cols == 1);
  for (index_t i = 0; i < n; ++i) CHECK(&v(i, 0) == &x(std::size_t(i)));
}

template <class X>
std::string refusal(X& x) {
  return kdm_test::message_of<kdm::shape_error>([&] { kdm::as_view(x); });
}

}  // namespace

TEST_CASE_TEMPLATE("xtensor matrices are viewed in place", T, float, double) {
  auto x = xt::xtensor<T, 2>::from_shape({5, 3});
  check_matrix(x, kdm::as_view(x), 5, 3);
  static_assert(std::same_as<decltype(kdm::as_view(x)), kdm::view<T>>);
  const xt::xtensor<T, 2>& constant = x;
  check_matrix(constant, kdm::as_view(constant), 5, 3);
  static_assert(std::same_as<decltype(kdm::as_view(constant)), kdm::const_view<T>>);

  auto dynamic_rank = xt::xarray<T>::from_shape({5, 3});
  check_matrix(dynamic_rank, kdm::as_view(dynamic_rank), 5, 3);
  xt::xtensor_fixed<T, xt::xshape<4, 2>> fixed;
  check_matrix(fixed, kdm::as_view(fixed), 4, 2);
  xt::xtensor<T, 2, layout_type::dynamic> dynamic_layout(std::array<std::size_t, 2>{5, 3}, layout_type::row_major);
  check_matrix(dynamic_layout, kdm::as_view(dynamic_layout), 5, 3);
}

TEST_CASE_TEMPLATE("xtensor axes of length one and zero are viewed in place", T, float, double) {
  // xtensor gives an axis of length one the stride zero: the view must not take it over.
  for (const auto& shape : std::vector<std::array<std::size_t, 2>>{{1, 3}, {5, 1}, {1, 1}, {0, 3}, {3, 0}, {0, 0}}) {
    xt::xtensor<T, 2> x(shape);
    const auto v = kdm::as_view(x);
    check_matrix(x, v, index_t(shape[0]), index_t(shape[1]));
    CHECK(v.ld == v.cols);
    xt::xtensor<T, 2, layout_type::dynamic> either(shape, layout_type::column_major);
    check_matrix(either, kdm::as_view(either), index_t(shape[0]), index_t(shape[1]));
  }
}

TEST_CASE_TEMPLATE("one axis of an xtensor container is a column", T, float, double) {
  auto x = xt::xtensor<T, 1>::from_shape({7});
  check_column(x, kdm::as_view(x), 7);
  auto dynamic_rank = xt::xarray<T>::from_shape({7});
  check_column(dynamic_rank, kdm::as_view(dynamic_rank), 7);
  auto one = xt::xtensor<T, 1>::from_shape({1});
  CHECK(kdm::as_view(one).ld == 1);
}

TEST_CASE_TEMPLATE("leading axes of an xtensor container become rows", T, float, double) {
  auto images = xt::xtensor<T, 4>::from_shape({2, 3, 1, 5});
  const auto v = kdm::as_view(images);
  REQUIRE(v.rows == 6);
  REQUIRE(v.cols == 5);
  for (std::size_t n = 0; n < 2; ++n)
    for (std::size_t h = 0; h < 3; ++h)
      for (std::size_t c = 0; c < 5; ++c) CHECK(&v(index_t(n * 3 + h), index_t(c)) == &images(n, h, 0, c));
  auto trajectories = xt::xarray<T>::from_shape({4, 3, 2});
  CHECK(kdm::as_view(trajectories).rows == 12);
  CHECK(&kdm::as_view(trajectories)(11, 1) == &trajectories(3, 2, 1));
}

TEST_CASE_TEMPLATE("xtensor adaptors are viewed in place with their strides", T, float, double) {
  std::vector<T> memory(40);
  auto plain = xt::adapt(memory, std::array<std::size_t, 2>{10, 4});
  check_matrix(plain, kdm::as_view(plain), 10, 4);
  CHECK(kdm::as_view(plain).p == memory.data());
  auto borrowed = xt::adapt(memory.data(), 15, xt::no_ownership(), std::vector<std::size_t>{5, 3});
  check_matrix(borrowed, kdm::as_view(borrowed), 5, 3);

  const T* readable = memory.data();
  auto constant = xt::adapt(readable, 15, xt::no_ownership(), std::array<std::size_t, 2>{5, 3});
  static_assert(std::same_as<decltype(kdm::as_view(constant)), kdm::const_view<T>>);
  check_matrix(constant, kdm::as_view(constant), 5, 3);

  using adaptor = xt::xtensor_adaptor<std::vector<T>&, 2, layout_type::dynamic>;
  adaptor padded(memory, {5, 3}, {7, 1});
  check_matrix(padded, kdm::as_view(padded), 5, 3);
  CHECK(kdm::as_view(padded).ld == 7);
  xt::xtensor_adaptor<std::vector<T>&, 1, layout_type::dynamic> sparse_column(memory, {9}, {4});
  check_column(sparse_column, kdm::as_view(sparse_column), 9);

  adaptor holes(memory, {5, 3}, {8, 2}), overlapping(memory, {5, 3}, {2, 1});
  CHECK(refusal(holes) == "as_view: the xtensor container of shape (5, 3) has strides (8, 2), expected row-major: "
                          "copy it into a row_major one and pass that");
  CHECK(refusal(overlapping).find("has strides (2, 1)") != std::string::npos);
  // Rows that do not follow each other at one distance are no matrix.
  xt::xtensor_adaptor<std::vector<T>&, 3, layout_type::dynamic> uneven(memory, {2, 3, 2}, {20, 4, 1});
  CHECK(refusal(uneven).find("has strides (20, 4, 1)") != std::string::npos);
}

TEST_CASE("other layouts and ranks of xtensor containers are refused") {
  xt::xtensor<float, 2, layout_type::dynamic> columns(std::array<std::size_t, 2>{3, 2}, layout_type::column_major);
  CHECK(refusal(columns) == "as_view: the xtensor container of shape (3, 2) has strides (1, 3), expected row-major: "
                            "copy it into a row_major one and pass that");
  xt::xtensor<float, 2> copied = columns;
  check_matrix(copied, kdm::as_view(copied), 3, 2);

  xt::xarray<float> number(2.0f);
  CHECK(refusal(number) == "as_view: rank of the xtensor container is 0, expected 1 or more");
}

TEST_CASE("other tensors stay viewable beside xtensor") {
  std::vector<float> numbers(4);
  kdm::matrix<double> m(2, 3);
  CHECK(kdm::as_view(numbers).p == numbers.data());
  CHECK(kdm::as_view(m).p == m.data());
  auto labels = xt::xtensor<int, 1>::from_shape({3});
  CHECK(kdm::as_view(labels).rows == 3);
  static_assert(!kdm::viewable<int> && !kdm::viewable<std::string>);
}

TEST_CASE_TEMPLATE("degenerate views reach BLAS with legal arguments", T, float, double) {
  using kdm::op;
  constexpr T nan = std::numeric_limits<T>::quiet_NaN();
  kdm::xtensor_backend<T> b;
  const T x[] = {2, 3, 5}, y[] = {7, 11, 13};

  // An empty sum: the operands have no columns, and a leading dimension of zero.
  T z[] = {nan, nan, 4, 8};
  b.gemm(op::as_is, op::transposed, 1, {x, 1, 0, 0}, {y, 2, 0, 0}, 0, {z, 1, 2});
  b.gemm(op::as_is, op::transposed, 1, {x, 1, 0, 0}, {y, 2, 0, 0}, T(0.5), {z + 2, 1, 2});
  CHECK(z[0] == 0);
  CHECK(z[1] == 0);
  CHECK(z[2] == 2);
  CHECK(z[3] == 4);
  b.gemm(op::as_is, op::as_is, 1, {x, 0, 3}, {y, 3, 0}, 0, {z, 0, 0});
  b.gemm(op::as_is, op::as_is, 1, {nullptr, 0, 3}, {y, 3, 1}, 0, {nullptr, 0, 1});
  CHECK(z[3] == 4);

  // A single row may have any leading dimension: no second row reads it.
  for (const index_t ld : {index_t(0), index_t(1), index_t(3), index_t(std::numeric_limits<int>::max()) + 1}) {
    CAPTURE(ld);
    T product[] = {nan, nan, nan};
    b.gemm(op::as_is, op::transposed, 1, {x, 1, 3, ld}, {y, 1, 3, ld}, 0, {product, 1, 1, ld});
    CHECK(product[0] == 2 * 7 + 3 * 11 + 5 * 13);
    b.gemm(op::transposed, op::as_is, 1, {x, 1, 1, ld}, {y, 1, 3, ld}, 0, {product, 1, 3, ld});
    CHECK(product[0] == 2 * 7);
    CHECK(product[2] == 2 * 13);
  }
}

TEST_CASE("sizes beyond the integers of BLAS are refused") {
  const index_t many = index_t(std::numeric_limits<int>::max()) + 1;
  float one = 1, result = 3;
  kdm::xtensor_backend<float> b;
  const auto product = [&] {
    b.gemm(kdm::op::as_is, kdm::op::as_is, 1, {&one, 1, many}, {&one, many, 1}, 0, {&result, 1, 1});
  };
  if (sizeof(xt::blas_index_t) == sizeof(int))
    CHECK(kdm_test::message_of<kdm::shape_error>(product) ==
          "gemm: a size is 2147483648, BLAS' integers end at 2147483647");
  CHECK(result == 3);
  b.gemm(kdm::op::as_is, kdm::op::as_is, 1, {&one, 1, 1}, {&one, 1, 1}, 0, {&result, 1, 1});
  CHECK(result == 1);
}

namespace openblas {
extern "C" {
[[gnu::weak]] int openblas_get_parallel();
[[gnu::weak]] int openblas_get_num_threads();
[[gnu::weak]] void openblas_set_num_threads(int n);
}
}  // namespace openblas

TEST_CASE("the xtensor backend sets OpenBLAS to one thread unless told otherwise") {
  if (!openblas::openblas_get_parallel || openblas::openblas_get_parallel() != 1) return;  // nothing to be set
  const int before = openblas::openblas_get_num_threads();
  openblas::openblas_set_num_threads(2);
  kdm::xtensor_backend<float>{kdm::blas_threads::unchanged};
  CHECK(openblas::openblas_get_num_threads() == 2);
  const kdm::xtensor_backend<float> single;
  CHECK(openblas::openblas_get_num_threads() == 1);

  // Lanes copy their backend: a copy is a plain handle.
  openblas::openblas_set_num_threads(2);
  [[maybe_unused]] const auto copy = single;
  CHECK(openblas::openblas_get_num_threads() == 2);
  openblas::openblas_set_num_threads(before);
}
