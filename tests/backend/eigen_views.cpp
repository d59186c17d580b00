// Eigen's tensors as views.
#include <doctest/doctest.h>

#include <concepts>
#include <string>
#include <vector>

#include "kdm/backend/eigen.hpp"
#include "support.hpp"

namespace {

using kdm::index_t;
template <class T>
using row_major = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// The view shows exactly the elements of `x`, in place.
template <class X, class View>
void check_same_elements(const X& x, View v) {
  REQUIRE(v.rows == x.rows());
  REQUIRE(v.cols == x.cols());
  for (index_t i = 0; i < v.rows; ++i)
    for (index_t j = 0; j < v.cols; ++j) CHECK(&v(i, j) == &x.coeffRef(i, j));
}

}  // namespace

TEST_CASE_TEMPLATE("Eigen matrices are viewed in place", T, float, double) {
  row_major<T> x = row_major<T>::Random(5, 3);
  check_same_elements(x, kdm::as_view(x));
  const row_major<T>& constant = x;
  static_assert(std::same_as<decltype(kdm::as_view(constant)), kdm::const_view<T>>);
  check_same_elements(constant, kdm::as_view(constant));

  Eigen::Array<T, 4, 2, Eigen::RowMajor> fixed;
  check_same_elements(fixed, kdm::as_view(fixed));
  Eigen::Matrix<T, Eigen::Dynamic, 1> column(7);
  check_same_elements(column, kdm::as_view(column));
  Eigen::Matrix<T, 1, Eigen::Dynamic> row(7);
  check_same_elements(row, kdm::as_view(row));
  row_major<T> empty(0, 3);
  CHECK(kdm::as_view(empty).empty());
}

TEST_CASE_TEMPLATE("Eigen maps are viewed in place with their strides", T, float, double) {
  std::vector<T> memory(60);
  using outer = Eigen::OuterStride<>;
  using inner = Eigen::InnerStride<>;
  using both = Eigen::Stride<Eigen::Dynamic, Eigen::Dynamic>;
  Eigen::Map<row_major<T>> plain(memory.data(), 5, 3);
  check_same_elements(plain, kdm::as_view(plain));
  Eigen::Map<row_major<T>, 0, outer> padded(memory.data(), 5, 3, outer(7));
  check_same_elements(padded, kdm::as_view(padded));
  Eigen::Map<const row_major<T>, 0, outer> constant(memory.data(), 5, 3, outer(7));
  static_assert(std::same_as<decltype(kdm::as_view(constant)), kdm::const_view<T>>);
  CHECK(kdm::as_view(constant).ld == 7);
  Eigen::Map<Eigen::Matrix<T, Eigen::Dynamic, 1>> column(memory.data(), 9);
  check_same_elements(column, kdm::as_view(column));
  Eigen::Map<Eigen::Matrix<T, Eigen::Dynamic, 1>, 0, inner> sparse_column(memory.data(), 9, inner(4));
  check_same_elements(sparse_column, kdm::as_view(sparse_column));
  Eigen::Map<Eigen::Matrix<T, 1, Eigen::Dynamic>> row(memory.data(), 9);
  check_same_elements(row, kdm::as_view(row));

  Eigen::Map<row_major<T>, 0, both> holes(memory.data(), 5, 3, both(8, 2));
  CHECK(kdm_test::message_of<kdm::shape_error>([&] { kdm::as_view(holes); }) ==
        "as_view: inner stride of the Eigen map is 2, expected 1");
}

TEST_CASE("other tensors stay viewable beside Eigen's header") {
  std::vector<float> numbers(4);
  kdm::matrix<double> m(2, 3);
  CHECK(kdm::as_view(numbers).p == numbers.data());
  CHECK(kdm::as_view(m).p == m.data());
  static_assert(!kdm::viewable<int> && !kdm::viewable<std::string>);
}
