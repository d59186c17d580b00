// Training and sampling on the device: against the reference backend, as a graph and as single launches.
#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "kdm/backend/cuda.cuh"
#include "kdm/kdm.hpp"
#include "koopman/models.hpp"
#include "support.hpp"

using kdm::cuda_backend;
using kdm::index_t;
using kdm::matrix;
using kdm_test::relative_difference;

namespace {

template <class T>
struct run_result {
  std::vector<double> losses;
  matrix<T> weights, average, samples;
};

/// Sixty steps with everything that a step can hold: noise, clipping, all terms, a batch that is no round number.
template <class B>
run_result<kdm::value_t<B>> train(B b, double clip_norm = 0.5, index_t batch = 97) {
  using T = kdm::value_t<B>;
  const auto model = kdm_test::small_model();
  const kdm::distillation problem{
      model, kdm::objective{0.2, kdm::terms::latent<>{}, kdm::terms::reconstruction<>{}, kdm::terms::prediction<>{}}};
  const kdm::train_options options{.steps = 60, .batch = batch, .learning_rate = 3e-3, .clip_norm = clip_norm};
  const auto xT = kdm_test::random_matrix<T>(500, 3, 1), x0 = kdm_test::random_matrix<T>(500, 2, 2);
  kdm::trainer t{problem, kdm::adamw(), options, xT.view(), x0.view(), b};
  run_result<T> r;
  t.run([&](auto&, const kdm::step_report& report) { r.losses.push_back(report.loss); });
  r.weights = t.weights();
  r.average = t.average();
  kdm::generator g(model, kdm::const_view<T>(r.average.view()), 1.5, b);
  r.samples = g.sample(1000, 7);
  return r;
}

template <class T>
double worst_loss_difference(const run_result<T>& a, const run_result<T>& b) {
  double worst = a.losses.size() == b.losses.size() ? 0 : INFINITY;
  for (std::size_t k = 0; k < a.losses.size(); ++k)
    worst = std::max(worst, std::abs(a.losses[k] - b.losses[k]) / b.losses[k]);
  return worst;
}

template <class T>
constexpr double near = std::same_as<T, float> ? 1e-3 : 1e-11;

}  // namespace

TEST_CASE_TEMPLATE("cuda: training follows the reference backend", T, float, double) {
  for (const double clip_norm : {0.0, 0.5}) {
    const auto here = train(cuda_backend<T>{}, clip_norm), there = train(kdm::reference_backend<T>{}, clip_norm);
    CHECK(here.losses.size() == 60);
    CHECK(worst_loss_difference(here, there) < near<T>);
    CHECK(relative_difference(here.weights, there.weights) < near<T>);
    CHECK(relative_difference(here.average, there.average) < near<T>);
    CHECK(relative_difference(here.samples, there.samples) < near<T>);
  }
}

TEST_CASE_TEMPLATE("cuda: a graph gives the bits of single launches", T, float, double) {
  const auto graph = train(cuda_backend<T>{}), launches = train(cuda_backend<T>{{.graphs = false}});
  CHECK(graph.losses == launches.losses);
  CHECK(relative_difference(graph.weights, launches.weights) == 0);
  CHECK(relative_difference(graph.average, launches.average) == 0);
  CHECK(relative_difference(graph.samples, launches.samples) == 0);
}

TEST_CASE("cuda: two runs give the same bits") {
  const auto once = train(cuda_backend<float>{}), again = train(cuda_backend<float>{});
  CHECK(once.losses == again.losses);
  CHECK(relative_difference(once.weights, again.weights) == 0);
}

TEST_CASE("cuda: one backend serves several trainers") {
  const cuda_backend<double> shared;
  const auto alone = train(cuda_backend<double>{});
  const auto first = train(shared), second = train(shared, 0.5, 31), third = train(shared);
  CHECK(first.losses == alone.losses);
  CHECK(third.losses == alone.losses);
  CHECK(second.losses == train(cuda_backend<double>{}, 0.5, 31).losses);
}

TEST_CASE("cuda: tensor cores stay close") {
  const auto strict = train(cuda_backend<float>{}), tf32 = train(cuda_backend<float>{{.tf32 = true}});
  CHECK(worst_loss_difference(tf32, strict) < 5e-2);
}

TEST_CASE("cuda: the stream and the cuBLAS handle may be the user's") {
  cudaStream_t stream = nullptr;
  cublasHandle_t handle = nullptr;
  REQUIRE(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking) == cudaSuccess);
  REQUIRE(cublasCreate(&handle) == CUBLAS_STATUS_SUCCESS);
  cudaStream_t found = nullptr;
  REQUIRE(cublasSetMathMode(handle, CUBLAS_PEDANTIC_MATH) == CUBLAS_STATUS_SUCCESS);
  REQUIRE(cublasSetPointerMode(handle, CUBLAS_POINTER_MODE_DEVICE) == CUBLAS_STATUS_SUCCESS);
  {
    const cuda_backend<float> mine{{.stream = stream, .cublas = handle}};
    CHECK(mine.stream() == stream);
    CHECK(cublasGetStream(handle, &found) == CUBLAS_STATUS_SUCCESS);
    CHECK(found == stream);
    CHECK(worst_loss_difference(train(mine), train(kdm::reference_backend<float>{})) < near<float>);
  }
  cublasMath_t math{};
  cublasPointerMode_t pointers{};
  CHECK(cublasGetPointerMode(handle, &pointers) == CUBLAS_STATUS_SUCCESS);
  CHECK(pointers == CUBLAS_POINTER_MODE_DEVICE);
  CHECK(cublasGetStream(handle, &found) == CUBLAS_STATUS_SUCCESS);
  CHECK(found == nullptr);
  CHECK(cublasGetMathMode(handle, &math) == CUBLAS_STATUS_SUCCESS);
  CHECK(math == CUBLAS_PEDANTIC_MATH);
  // The backend has given back what is its own, and nothing else.
  CHECK(cublasDestroy(handle) == CUBLAS_STATUS_SUCCESS);
  CHECK(cudaStreamDestroy(stream) == cudaSuccess);
}

TEST_CASE("cuda: what a lent stream or handle cannot do is refused") {
  using kdm_test::message_of;
  CHECK(message_of<kdm::option_error>([] { cuda_backend<float> b{{.stream = cudaStreamLegacy}}; })
            .find("the legacy default stream cannot be captured") != std::string::npos);
  cublasHandle_t handle = nullptr;
  REQUIRE(cublasCreate(&handle) == CUBLAS_STATUS_SUCCESS);
  CHECK(message_of<kdm::option_error>([&] { cuda_backend<float> b{{.tf32 = true, .cublas = handle}}; })
            .find("set the math mode of yours") != std::string::npos);
  {
    // One handle has one stream: lent to a second backend it is of no use to the first any more.
    cuda_backend<float> first{{.cublas = handle}};
    const cuda_backend<double> second{{.cublas = handle}};
    CHECK(message_of<kdm::option_error>([&] { train(first); }).find("lend a handle to one backend alone") !=
          std::string::npos);
  }
  CHECK(cublasDestroy(handle) == CUBLAS_STATUS_SUCCESS);
}

TEST_CASE("cuda: layers whose weights lie at any address") {
  // Every layer's weights and bias start on another alignment.
  for (const index_t width : {2, 10, 18, 50}) {
    CAPTURE(width);
    const kdm::stack net(std::vector(8, kdm::dense_layer(width, width, kdm::activations::relu{})));
    const auto w = kdm::initial_weights<float>(kdm::manifest_of(net), 1);
    const auto x = kdm_test::random_matrix<float>(33, width, 2);
    kdm::runner here(net, w.view(), cuda_backend<float>{});
    kdm::runner there(net, w.view(), kdm::reference_backend<float>{});
    CHECK(relative_difference(here(x.view()), there(x.view())) < 1e-5);
  }
}

TEST_CASE("cuda: slices out of range are refused here too") {
  const kdm::distillation problem{kdm_test::small_model(), kdm::objective{0, kdm::terms::latent<>{}}};
  const matrix<float> xT(5, 3), x0(5, 2);
  for (const kdm::slicing s : {kdm::slicing{-1, 2}, kdm::slicing{0, -3}})
    CHECK(kdm_test::message_of<kdm::option_error>([&] {
            kdm::trainer t{problem, kdm::adam{}, {.slices = s}, xT.view(), x0.view(), cuda_backend<float>{}};
          }).find("slicing: ") == 0);
}

TEST_CASE("cuda: samples do not depend on how a run is cut") {
  const auto model = kdm_test::small_model();
  const auto w = kdm_test::some_weights<float>(model);
  const cuda_backend<float> b;
  kdm::generator here(model, kdm::const_view<float>(w.view()), 80, b);
  kdm::generator there(model, kdm::const_view<float>(w.view()), 80, kdm::reference_backend<float>{});
  // More rows than one slice has.
  const index_t n = 65536 + 1000;
  const auto all = here.sample(n, 3);
  CHECK(relative_difference(all, there.sample(n, 3)) < 1e-5);
  matrix<float> part(1000, 2);
  here.sample(3, 65536, part);
  CHECK(relative_difference(part, matrix<float>(all.view().row_range(65536, 1000))) < 1e-6);
  const auto noise = there.noise(700, 3);
  CHECK(relative_difference(here.push(noise.view()), matrix<float>(all.view().row_range(0, 700))) < 1e-5);
}
