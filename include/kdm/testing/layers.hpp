/// Checks of every layer and activation of the library on a backend.
#pragma once

#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "kdm/backend/reference.hpp"
#include "kdm/koopman/operator.hpp"
#include "kdm/nn/chain.hpp"
#include "kdm/nn/dense.hpp"
#include "kdm/nn/gradient_check.hpp"
#include "kdm/nn/initialize.hpp"
#include "kdm/nn/residual.hpp"
#include "kdm/testing/table.hpp"

namespace kdm::testing {

/// What a layer computes: y as for training and as for inference, dw of two backward passes, and dx of both, the
/// first overwriting (keep = 0) and the second adding to half of it.
template <class T>
struct layer_results {
  matrix<T> y, y_inference, dw, dx, dx_kept;
};

template <backend B, layer<B> L>
layer_results<value_t<B>> run_layer(B b, const L& l, index_t rows, conformance_report& r, const std::string& what) {
  using T = value_t<B>;
  const matrix<T> dys = normal_matrix<T>(rows, l.outputs(), 32);
  const table<B> w(b, kdm::initial_weights<T>(kdm::manifest_of(l), 1)), x(b, normal_matrix<T>(rows, l.inputs(), 31), 3);
  table<B> y(b, rows, l.outputs(), not_a_number<T>, 1), again(b, rows, l.outputs(), not_a_number<T>, 1);
  table<B> dw(b, 1, l.size(), T(0)), dx(b, rows, l.inputs(), not_a_number<T>, 2);

  // Frames for more rows than come.
  arena<B> memory(b), inference_memory(b);
  auto frame = kdm::planned(memory, [&](arena<B>& a) { return l.plan(a, rows + 3, pass::training); });
  auto inference = kdm::planned(inference_memory, [&](arena<B>& a) { return l.plan(a, rows + 3, pass::inference); });
  l.forward(b, w.read(), x.read(), again.view(), inference);
  const auto both = [&](T keep) {
    const table<B> dy(b, dys, 1);
    l.forward(b, w.read(), x.read(), y.view(), frame);
    l.backward(b, w.read(), dw.view(), x.read(), y.read(), dy.view(), dx.view(), keep, frame);
    return dx.values(r, what + ", dx");
  };
  matrix<T> first = both(T(0)), kept = both(T(0.5));
  return {y.values(r, what + ", y"), again.values(r, what + ", y at inference"), dw.values(r, what + ", dw"),
          std::move(first), std::move(kept)};
}

/// One layer: its results against those of the reference backend; in double also its gradients against differences.
///
/// Users call it with layers of their own.
template <backend B, layer<B> L>
void check_layer(B b, const L& l, const std::string& name, conformance_report& r) {
  using T = value_t<B>;
  constexpr double near = tolerance<T>::sums;
  for (const index_t rows : {61, 1}) {
    const std::string what = concat(name, ", ", rows, rows == 1 ? " row" : " rows");
    const layer_results<T> found = testing::run_layer(b, l, rows, r, what);
    const layer_results<T> expected = testing::run_layer(reference_backend<T>{}, l, rows, r, what);
    expect_close(r, what + ", y", found.y, expected.y, near);
    expect_close(r, what + ", y at inference", found.y_inference, expected.y, near);
    expect_close(r, what + ", dw", found.dw, expected.dw, near);
    expect_close(r, what + ", dx", found.dx, expected.dx, near);
    expect_close(r, what + ", dx with keep 0.5", found.dx_kept, expected.dx_kept, near);
  }
  if constexpr (std::is_same_v<T, double>) {
    constexpr double allowed = 1e-7;  // of central differences in double; around 1e-9 is usual
    const gradient_errors e = kdm::gradient_check(l, b, 3);
    const auto expect = [&](const char* what, double error) {
      r.check(error <= allowed * r.options().tolerance, name, ": ", what, " is off by ", error,
              " of its size, expected ", allowed, " at most");
    };
    expect("dw against differences", e.weights);
    expect("dx against differences", e.input);
    expect("accumulation of dw, or keep of dx,", e.conventions);
  }
}

/// dense_layer with every activation, with and without bias; residual, sequential, stack.
template <backend B>
void check_layers(B b, conformance_report& r) {
  namespace act = activations;
  r.begin("layers");
  const auto dense = [&](auto a, bool bias) {
    testing::check_layer(b, dense_layer(7, 11, a, bias), concat("dense_layer(", a.name, bias ? ")" : ", no bias)"), r);
  };
  dense(act::identity{}, true);
  dense(act::identity{}, false);
  dense(act::relu{}, true);
  dense(act::leaky_relu{}, true);
  dense(act::tanh{}, true);
  dense(act::sigmoid{}, true);
  dense(act::silu{}, true);
  dense(act::silu{}, false);
  dense(act::gelu{}, true);

  const dense_layer<act::silu> inner(9, 9);
  testing::check_layer(b, residual(inner), "residual", r);
  testing::check_layer(b, stack(std::vector(3, dense_layer<act::silu>(9, 9))), "stack", r);
  testing::check_layer(b, sequential{dense_layer(3, 37, act::silu{}), dense_layer(37, 9), residual(inner)}, "sequential", r);
}

/// linear_operator, with and without bias: as a layer, and as the matrix that it says to be.
template <backend B>
void check_operator(B b, conformance_report& r) {
  using T = value_t<B>;
  r.begin("operator");
  for (const bool bias : {true, false}) {
    const linear_operator c(13, bias);
    const std::string name = bias ? "linear_operator" : "linear_operator without bias";
    testing::check_layer(b, c, name, r);

    const index_t rows = 61;
    const affine_map map = c.affine(matrix<double>(kdm::initial_weights<T>(manifest_of(c), 1).view()).view());
    const matrix<T> z = normal_matrix<T>(rows, c.latent(), 31);
    const exact pushed = exact_of({rows, c.latent()}, [&](index_t i, index_t j) {
      long double sum = map.c(0, j);
      for (index_t k = 0; k < c.latent(); ++k) sum += static_cast<long double>(map.a(j, k)) * z(i, k);
      return sum;
    });
    expect_close(r, name + ", z A' + c", testing::run_layer(b, c, rows, r, name).y, pushed, tolerance<T>::sums);
  }
}

}  // namespace kdm::testing
