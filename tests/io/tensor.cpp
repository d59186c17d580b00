// Shapes, views and slices of tensors.
#include "kdm/io/tensor.hpp"

#include <cmath>
#include <limits>

#include "files.hpp"

using namespace kdm_test;
using kdm::index_t;
using kdm::io::shape_t;
using kdm::io::tensor;

TEST_CASE_TEMPLATE("tensor: views of ranks 0 to 4", T, float, double) {
  const tensor<T> scalar(shape_t{});
  CHECK(scalar.size() == 1);
  CHECK(scalar.as_matrix().rows == 1);
  CHECK(scalar.as_matrix().cols == 1);
  CHECK(tensor<T>().shape() == shape_t{0});
  CHECK(tensor<T>({5}).as_matrix().rows == 5);
  CHECK(tensor<T>({5}).as_matrix().cols == 1);
  CHECK(tensor<T>({3, 0, 2}).as_matrix().cols == 0);

  tensor<T> x = counting_tensor<T>({2, 3, 4, 5});
  CHECK(reinterpret_cast<std::uintptr_t>(x.data()) % kdm::alignment == 0);
  CHECK(x.rank() == 4);
  CHECK(x.as_matrix().rows == 2);
  CHECK(x.as_matrix().cols == 60);
  CHECK(x.as_matrix(24, 5)(23, 4) == x.data()[119]);
  CHECK(x.slice(1).rows == 3);
  CHECK(x.slice(1).cols == 20);
  CHECK(x.slice(1)(2, 7) == x.data()[60 + 2 * 20 + 7]);
  x.slice(0)(0, 0) = T(9);
  CHECK(x.data()[0] == T(9));
  CHECK(kdm::as_view(x)(1, 0) == x.data()[60]);

  const auto m = random_matrix<T>(3, 2, 1);
  CHECK(tensor<T>(m.view()).shape() == shape_t{3, 2});
  CHECK(tensor<T>(m.view()).as_matrix()(2, 1) == m(2, 1));
}

TEST_CASE("tensor: refuses impossible shapes and slices") {
  const index_t big = std::numeric_limits<index_t>::max();
  check_message<kdm::shape_error>([&] { tensor<float>({big, 2}); }, {"2]", "overflows"});
  check_message<kdm::shape_error>([&] { tensor<float>({0, big, 2}); }, {"[0, ", "overflows"});
  check_message<kdm::shape_error>([&] { tensor<float>({3, -1}); }, {"[3, -1]", "negative"});
  CHECK(tensor<float>({big, 0}).size() == 0);
  const tensor<float> x({2, 3});
  check_message<kdm::shape_error>([&] { x.slice(2); }, {"slice 2", "[2, 3]"});
  check_message<kdm::shape_error>([&] { x.slice(-1); }, {"slice -1"});
  check_message<kdm::shape_error>([&] { tensor<float>(shape_t{}).slice(0); }, {"[]"});
  check_message<kdm::shape_error>([&] { x.as_matrix(2, 2); }, {"6 x 1", "2 x 2"});
}

TEST_CASE_TEMPLATE("require_finite: names the first position that is not finite", T, float, double) {
  tensor<T> x = counting_tensor<T>({2, 3, 4});
  require_finite(x, "data.npy");
  x.data()[23] = std::numeric_limits<T>::infinity();
  check_message([&] { require_finite(x, "data.npy"); }, {"data.npy: element [1, 2, 3] is inf"});
  x.data()[6] = std::numeric_limits<T>::quiet_NaN();
  check_message([&] { require_finite(x, "data.npy"); }, {"data.npy: element [0, 1, 2] is nan, expected a finite"});
  tensor<T> scalar(shape_t{});
  scalar.data()[0] = -std::numeric_limits<T>::infinity();
  check_message([&] { require_finite(scalar, "s.npy"); }, {"s.npy: element [] is -inf"});
}
