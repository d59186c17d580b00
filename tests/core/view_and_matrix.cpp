// Views, matrices, and how tensors of others become views.
#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <limits>
#include <new>
#include <numeric>
#include <span>
#include <type_traits>
#include <vector>

#include "kdm/core/as_view.hpp"
#include "support.hpp"

using kdm::index_t;
using kdm_test::message_of;

TEST_CASE("a view addresses row i at p + i ld") {
  int numbers[20];
  std::iota(numbers, numbers + 20, 0);
  const kdm::view<int> x(numbers, 4, 3, 5);
  for (index_t i = 0; i < 4; ++i)
    for (index_t j = 0; j < 3; ++j) CHECK(x(i, j) == 5 * i + j);
  CHECK(x.row_pointer(2) == numbers + 10);
  CHECK(x.size() == 12);
  CHECK_FALSE(x.contiguous());
  CHECK_FALSE(x.empty());
  CHECK(bool(x));
  x(3, 2) = -1;
  CHECK(numbers[17] == -1);
}

TEST_CASE("sub-views keep the leading dimension") {
  int numbers[20];
  std::iota(numbers, numbers + 20, 0);
  const kdm::view<int> x(numbers, 4, 5);
  const auto middle = x.row_range(1, 2).col_range(2, 3);
  CHECK(middle.rows == 2);
  CHECK(middle.cols == 3);
  CHECK(middle.ld == 5);
  CHECK(middle(0, 0) == 7);
  CHECK(middle(1, 2) == 14);
  CHECK(x.row(3)(0, 4) == 19);
  CHECK(x.row(3).rows == 1);
  CHECK(x.contiguous());
  CHECK(x.row_range(1, 2).contiguous());
  CHECK_FALSE(x.col_range(0, 2).contiguous());
  CHECK(x.col_range(0, 2).row(1).contiguous());
  CHECK(x.reshaped(2, 10)(1, 3) == 13);
  CHECK(x.row_range(4, 0).empty());
  CHECK(x.col_range(5, 0).empty());
}

TEST_CASE("a view of T converts to one of const T and not back") {
  using kdm::const_view;
  using kdm::view;
  struct elsewhere {};
  static_assert(std::is_convertible_v<view<float>, const_view<float>>);
  static_assert(!std::is_convertible_v<const_view<float>, view<float>>);
  static_assert(!std::is_convertible_v<view<float>, view<double>>);
  static_assert(!std::is_convertible_v<view<float>, const_view<double>>);
  static_assert(!std::is_convertible_v<view<float, elsewhere>, view<float>>);
  static_assert(!std::is_convertible_v<view<float, elsewhere>, const_view<float>>);
  static_assert(std::is_trivially_copyable_v<view<float>>);
  static_assert(std::same_as<const_view<float>::value_type, float>);
  float number = 3;
  const const_view<float> x = view<float>(&number, 1, 1);
  CHECK(x(0, 0) == 3);
  CHECK_FALSE(bool(view<float>{}));
  CHECK(view<float>{}.empty());
}

TEST_CASE("a matrix starts at zero on a 64-byte boundary without gaps") {
  for (index_t cols : {1, 3, 16, 43}) {
    kdm::matrix<float> m(7, cols);
    CHECK(reinterpret_cast<std::uintptr_t>(m.data()) % 64 == 0);
    CHECK(m.view().contiguous());
    CHECK(m.size() == 7 * cols);
    double sum = 0;
    for (index_t i = 0; i < m.size(); ++i) sum += std::abs(double(m.data()[i]));
    CHECK(sum == 0);
    CHECK(&m(2, cols - 1) == m.data() + 3 * cols - 1);
  }
}

TEST_CASE("matrices copy deeply and move their memory") {
  auto a = kdm_test::random_matrix<double>(5, 4, 1);
  const kdm::matrix<double> copy(a);
  const double* const memory = a.data();
  kdm::matrix<double> moved(std::move(a));
  CHECK(moved.data() == memory);
  CHECK(copy.data() != memory);
  CHECK(kdm_test::relative_difference(copy, moved) == 0);
  moved(0, 0) = 100;
  CHECK(copy(0, 0) != 100);

  kdm::matrix<double> assigned(1, 1);
  assigned = copy;
  CHECK(kdm_test::relative_difference(assigned, copy) == 0);
  const auto& itself = assigned;
  assigned = itself;
  CHECK(kdm_test::relative_difference(assigned, copy) == 0);
  assigned = std::move(moved);
  CHECK(assigned.data() == memory);
}

TEST_CASE("a matrix made of a view is gap-free and may convert") {
  const auto a = kdm_test::random_matrix<double>(5, 4, 1);
  const kdm::matrix<float> part(a.view().col_range(1, 2));
  CHECK(part.rows() == 5);
  CHECK(part.cols() == 2);
  for (index_t i = 0; i < 5; ++i)
    for (index_t j = 0; j < 2; ++j) CHECK(part(i, j) == float(a(i, j + 1)));
}

TEST_CASE("empty matrices keep their shape") {
  for (const auto& [rows, cols] : {std::pair<index_t, index_t>{0, 5}, {5, 0}, {0, 0}}) {
    const kdm::matrix<float> m(rows, cols), copy(m);
    CHECK(copy.rows() == rows);
    CHECK(copy.cols() == cols);
    CHECK(copy.size() == 0);
  }
  const index_t huge = std::numeric_limits<index_t>::max();
  CHECK(kdm::matrix<double>(0, huge).size() == 0);
}

TEST_CASE("silly sizes are refused before anything is allocated") {
  CHECK(message_of<kdm::shape_error>([] { kdm::matrix<float>(-1, 3); }) ==
        "matrix: cannot hold -1 x 3 elements");
  CHECK_THROWS_AS(kdm::matrix<float>(3, -1), kdm::shape_error);
  const index_t huge = std::numeric_limits<index_t>::max();
  // The second and third products wrap to a small number and to zero.
  CHECK_THROWS_AS(kdm::matrix<double>(huge, 1), std::bad_alloc);
  CHECK_THROWS_AS(kdm::matrix<double>(huge, 3), std::bad_alloc);
  CHECK_THROWS_AS(kdm::matrix<double>(index_t(1) << 32, index_t(1) << 32), std::bad_alloc);
  CHECK_THROWS_AS(kdm::matrix<float>(huge, huge), std::bad_alloc);
}

TEST_CASE("vectors and spans are one column") {
  std::vector<float> v{1, 2, 3, 4, 5, 6};
  static_assert(std::same_as<decltype(kdm::as_view(v)), kdm::view<float>>);
  const auto column = kdm::as_view(v);
  CHECK(column.p == v.data());
  CHECK(column.rows == 6);
  CHECK(column.cols == 1);

  const auto& constant = v;
  static_assert(std::same_as<decltype(kdm::as_view(constant)), kdm::const_view<float>>);
  const auto table = kdm::as_view(constant, 2, 3);
  CHECK(&table(1, 2) == &v[5]);

  const std::span<const float> span(v);
  static_assert(std::same_as<decltype(kdm::as_view(span)), kdm::const_view<float>>);
  CHECK(kdm::as_view(span).rows == 6);
  const std::span<float, 6> fixed(v);
  static_assert(std::same_as<decltype(kdm::as_view(fixed)), kdm::view<float>>);
  CHECK(kdm::as_view(fixed, 3, 2).ld == 2);
}

TEST_CASE("matrices and views are viewed as what they are") {
  kdm::matrix<double> m(2, 3);
  const auto& constant = m;
  static_assert(std::same_as<decltype(kdm::as_view(m)), kdm::view<double>>);
  static_assert(std::same_as<decltype(kdm::as_view(constant)), kdm::const_view<double>>);
  CHECK(kdm::as_view(constant).p == m.data());
  const auto part = m.view().col_range(1, 2);
  CHECK(kdm::as_view(part).ld == 3);
  static_assert(!kdm::viewable<int> && !kdm::viewable<std::array<float, 3>>);
}

TEST_CASE("elements are seen in another shape only when they fit") {
  std::vector<float> v(6);
  CHECK(message_of<kdm::shape_error>([&] { kdm::as_view(v, 2, 4); }) ==
        "as_view: 6 x 1 elements cannot be seen as 2 x 4");
  CHECK_THROWS_AS(kdm::as_view(v, -2, -3), kdm::shape_error);
  kdm::matrix<float> m(2, 6);
  const auto part = m.view().col_range(0, 3);
  CHECK_THROWS_AS(kdm::as_view(part, 3, 2), kdm::shape_error);
  std::vector<float> none;
  CHECK(kdm::as_view(none, 0, 7).cols == 7);
}
