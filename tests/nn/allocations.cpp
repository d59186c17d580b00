// After planning, neither pass allocates: every way to the heap is counted.
#include "heap_allocations.hpp"
#if !defined(KDM_TEST_HEAP_IS_TAKEN)
#include <doctest/doctest.h>

#include <vector>

#include "kdm/backend/reference.hpp"
#if defined(EIGEN_DONT_PARALLELIZE)
#include "kdm/backend/eigen.hpp"
#endif
#include "kdm/nn/chain.hpp"
#include "kdm/nn/dense.hpp"
#include "kdm/nn/initialize.hpp"
#include "kdm/nn/residual.hpp"
#include "kdm/nn/runner.hpp"
#include "support.hpp"

namespace {

using kdm::index_t;

/// Allocations of one pass forward and one backward, after one of each.
template <class B>
long allocations_of_a_step(index_t n, index_t width) {
  using T = kdm::value_t<B>;
  using layer_t = kdm::dense_layer<kdm::activations::silu>;
  const kdm::sequential net{layer_t(2, width), kdm::residual(layer_t(width, width)),
                            kdm::stack(std::vector<layer_t>(2, layer_t(width, width))), kdm::dense_layer(width, 2)};
  B b;
  kdm::arena<B> memory(b);
  auto frame = kdm::planned(memory, [&](kdm::arena<B>& a) { return net.plan(a, n, kdm::pass::training); });
  const auto w = kdm::initial_weights<T>(kdm::manifest_of(net), 1);
  const auto x = kdm_test::random_matrix<T>(n, 2, 1);
  kdm::matrix<T> y(n, 2), dy(n, 2), dx(n, 2), dw(1, net.size());
  const auto step = [&] {
    net.forward(b, w, x, y, frame);
    net.backward(b, w, dw, x, y, dy, dx, T(0), frame);
  };
  step();
  return kdm_test::allocations_in(step);
}

template <class B>
long allocations_of_a_run() {
  using T = kdm::value_t<B>;
  const kdm::sequential net{kdm::dense_layer(2, 64, kdm::activations::silu{}), kdm::dense_layer(64, 2)};
  const auto w = kdm::initial_weights<T>(kdm::manifest_of(net), 1);
  kdm::runner run(net, w.view(), B{});
  const auto x = kdm_test::random_matrix<T>(1000, 2, 1);
  kdm::matrix<T> y(1000, 2);
  return kdm_test::allocations_in([&] { run(x.view(), y.view()); });
}

template <class B>
void check_allocations() {
  for (index_t n : {1, 5, 256})
    for (index_t width : {3, 64, 128}) {
      CAPTURE(n);
      CAPTURE(width);
      CHECK(allocations_of_a_step<B>(n, width) == 0);
    }
  CHECK(allocations_of_a_run<B>() == 0);
}

}  // namespace

TEST_CASE("the counter counts") {
  CHECK(kdm_test::allocations_in([] { (void)kdm_test::random_matrix<float>(3, 3, 1); }) >= 1);
}

TEST_CASE_TEMPLATE("passes on the reference backend allocate nothing", T, float, double) {
  check_allocations<kdm::reference_backend<T>>();
}

#if defined(EIGEN_DONT_PARALLELIZE)
TEST_CASE_TEMPLATE("passes on the Eigen backend allocate nothing", T, float, double) {
  check_allocations<kdm::eigen_backend<T>>();
}
#endif

#endif
