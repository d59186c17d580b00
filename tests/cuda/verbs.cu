// What the conformance suite does not reach: large sizes, memory, repeated sequences, errors.
#include <doctest/doctest.h>

#include <string>

#include "kdm/backend/cuda.cuh"
#include "kdm/backend/reference.hpp"
#include "kdm/core/arena.hpp"
#include "support.hpp"

using kdm::cuda_backend;
using kdm::index_t;
using kdm::matrix;
using kdm_test::message_of;
using kdm_test::relative_difference;

namespace cuda_test {

/// A matrix on the device.
template <class T>
class table {
 public:
  using B = cuda_backend<T>;
  table(B b, const matrix<T>& values, index_t pad = 0) : b_(b), memory_(b) {
    const index_t ld = values.cols() + pad;
    const auto whole = kdm::planned(memory_, [&](kdm::arena<B>& a) { return a.take(1, values.rows() * ld); });
    view_ = {whole.p, values.rows(), values.cols(), ld};
    b_.upload(values.view(), view_);
  }
  kdm::view_of<B> view() const { return view_; }
  kdm::const_view_of<B> read() const { return view_; }
  matrix<T> values() {
    matrix<T> m(view_.rows, view_.cols);
    b_.download(read(), m.view());
    b_.synchronize();
    return m;
  }

 private:
  B b_;
  kdm::arena<B> memory_;
  kdm::view_of<B> view_;
};

struct add {
  template <class T>
  struct kernel {
    T* p;
    T value;
    KDM_HD void operator()(index_t i) const { p[i] += value; }
  };
};

struct square {
  template <class T>
  KDM_HD T operator()(T x) const {
    return x * x;
  }
};

}  // namespace cuda_test

using cuda_test::add;
using cuda_test::table;

TEST_CASE_TEMPLATE("cuda: transfers larger than the pinned memory", T, float, double) {
  const cuda_backend<T> b;
  struct { index_t rows, cols, pad; } const sizes[] = {{1, 3000001, 0}, {3000001, 1, 0}, {700001, 3, 2}, {3, 1500001, 1}};
  for (const auto& s : sizes) {
    CAPTURE(s.rows);
    CAPTURE(s.cols);
    matrix<T> x(s.rows, s.cols);
    for (index_t k = 0; k < x.size(); ++k) x.data()[k] = T(k % 1000003);
    table<T> there(b, x, s.pad);
    CHECK(relative_difference(there.values(), x) == 0);
  }
}

TEST_CASE_TEMPLATE("cuda: sums of very many rows or columns", T, float, double) {
  cuda_backend<T> b;
  struct { index_t rows, cols; } const sizes[] = {{300000, 3}, {1, 100000}, {5, 100000}, {4097, 1}, {65, 600}, {64, 7}};
  for (const auto& s : sizes) {
    CAPTURE(s.rows);
    CAPTURE(s.cols);
    const auto x = kdm_test::random_matrix<T>(s.rows, s.cols, 3);
    matrix<long double> expected(1, s.cols);
    for (index_t i = 0; i < s.rows; ++i)
      for (index_t j = 0; j < s.cols; ++j) expected(0, j) += static_cast<long double>(x(i, j)) * x(i, j);
    const table<T> there(b, x, 1);
    table<T> sum(b, matrix<T>(1, s.cols));
    b.sum_rows(cuda_test::square{}, T(0), sum.view(), there.read());
    // A tree of sums loses less than a straight sum would.
    CHECK(relative_difference(sum.values(), expected) < (std::same_as<T, float> ? 5e-6 : 1e-14));
  }
}

TEST_CASE("cuda: a sequence is replayed with new numbers and recorded anew when it changes") {
  cuda_backend<double> b;
  const index_t n = 1000;
  table<double> x(b, matrix<double>(1, n)), y(b, matrix<double>(n, n)), row(b, matrix<double>(1, n));
  kdm::recording<cuda_backend<double>> r;
  double expected = 0;
  const auto issue = [&](double value, index_t count, int times, double factor) {
    kdm::ops::repeat(b, r, [&] {
      for (int k = 0; k < times; ++k) b.for_each(count, add::kernel<double>{x.view().p, value});
      b.gemm(kdm::op::transposed, kdm::op::as_is, factor, x.read(), x.read(), 0, y.view());
      b.sum_rows(kdm::ops::take_first{}, 0, row.view(), y.read());
    });
  };
  const auto check = [&](double factor) {
    CHECK(x.values()(0, 0) == expected);
    CHECK(row.values()(0, n - 1) == doctest::Approx(factor * double(n) * expected * expected));
  };
  for (int step = 1; step <= 5; ++step) {  // other numbers: the same record
    issue(step, n, 1, 1);
    expected += step;
    check(1);
  }
  for (int step = 0; step < 3; ++step) {  // other verbs
    issue(1, n, 3, 1);
    expected += 3;
    check(1);
  }
  for (int step = 0; step < 3; ++step) {  // another argument of a library call
    issue(1, n, 3, 2);
    expected += 3;
    check(2);
  }
  issue(1, 10, 3, 2);  // another range, fewer elements
  const auto values = x.values();
  CHECK(values(0, 9) == expected + 3);
  CHECK(values(0, 10) == expected);
}

TEST_CASE("cuda: transfers and memory inside a repeated sequence are refused") {
  cuda_backend<float> b;
  table<float> x(b, matrix<float>(2, 2));
  matrix<float> host(2, 2);
  const auto refused = [&](auto verb) {
    kdm::recording<cuda_backend<float>> r;
    kdm::ops::repeat(b, r, [] {});  // the warm-up
    return message_of<kdm::option_error>([&] { kdm::ops::repeat(b, r, verb); });
  };
  CHECK(refused([&] { b.upload(host.view(), x.view()); }) ==
        "cuda_backend: upload inside a repeated sequence of verbs");
  CHECK(refused([&] { b.download(x.read(), host.view()); }) ==
        "cuda_backend: download inside a repeated sequence of verbs");
  CHECK(refused([&] { b.synchronize(); }) == "cuda_backend: synchronize inside a repeated sequence of verbs");
  CHECK(refused([&] { b.allocate(3); }) == "cuda_backend: allocate inside a repeated sequence of verbs");
  // The backend works as before.
  b.for_each(4, add::kernel<float>{x.view().p, 2});
  CHECK(x.values()(1, 1) == 2);
}

TEST_CASE("cuda: an error inside a sequence leaves the backend usable") {
  cuda_backend<float> b;
  table<float> x(b, matrix<float>(1, 3));
  kdm::recording<cuda_backend<float>> r;
  const auto issue = [&](bool failing) {
    kdm::ops::repeat(b, r, [&] {
      b.for_each(3, add::kernel<float>{x.view().p, 1});
      if (failing) throw kdm::numeric_error("the user's own");
    });
  };
  issue(false);  // as it is
  CHECK(message_of<kdm::numeric_error>([&] { issue(true); }) == "the user's own");  // as it is recorded
  for (int k = 0; k < 3; ++k) issue(false);
  CHECK(message_of<kdm::numeric_error>([&] { issue(true); }) == "the user's own");  // in a replay
  issue(false);
  CHECK(x.values()(0, 2) == 5);
}

TEST_CASE("cuda: errors name the call") {
  cuda_backend<float> b;
  const std::string message = message_of<kdm::device_error>([&] { b.allocate(index_t(1) << 50); });
  CHECK(message == "cudaMalloc(4503599627370496): out of memory (cudaErrorMemoryAllocation)");
  b.deallocate(b.allocate(10), 10);
  matrix<float> host(2, 3);
  table<float> x(b, matrix<float>(2, 2));
  CHECK(message_of<kdm::shape_error>([&] { b.upload(host.view(), x.view()); }) ==
        "upload: number of columns is 3, expected 2");
  CHECK(message_of<kdm::shape_error>([&] { b.download(x.read(), host.view()); }) ==
        "download: number of columns is 2, expected 3");
}
