// The CUDA backend where only an emulation can look: counts of launches, late work, faults, leaks, no device.
#include <doctest/doctest.h>

#include <string>
#include <utility>

#include "cuda_on_host/hooks.hpp"
#include "kdm/backend/cuda.cuh"
#include "kdm/kdm.hpp"
#include "koopman/models.hpp"
#include "support.hpp"

using kdm::cuda_backend;
using kdm::index_t;
using kdm::matrix;
using kdm_test::message_of;
using kdm_test::relative_difference;

namespace {

using student = decltype(kdm_test::small_model());
using terms = kdm::objective<kdm::terms::latent<>, kdm::terms::reconstruction<>>;
using trainer = kdm::trainer<student, terms, kdm::adam, cuda_backend<float>>;

trainer small_trainer(const kdm::cuda_options& options = {}) {
  static const auto xT = kdm_test::random_matrix<float>(300, 3, 1), x0 = kdm_test::random_matrix<float>(300, 2, 2);
  return {kdm::distillation{kdm_test::small_model(), terms{0.3, {}, {}}}, kdm::adam{},
          {.steps = 12, .batch = 64, .clip_norm = 1}, xT.view(), x0.view(), cuda_backend<float>{options}};
}

/// The switches of the emulation are global: every test starts and ends with the usual ones.
struct usual_device {
  usual_device() { cuda_on_host::reset(); }
  ~usual_device() { cuda_on_host::reset(); }
};

struct in_use {
  std::size_t device = cuda_on_host::device_bytes_in_use();
  std::size_t pinned = cuda_on_host::pinned_bytes_in_use();
  std::size_t handles = cuda_on_host::handles_in_use();
  bool operator==(const in_use&) const = default;
};

matrix<float> trained(const kdm::cuda_options& options = {}) {
  auto t = small_trainer(options);
  t.run();
  return t.weights();
}

}  // namespace

TEST_CASE("a step is two graph launches from the third on") {
  const usual_device device;
  auto t = small_trainer();
  t.advance();
  const auto first = cuda_on_host::counted();
  CHECK(first.graph_launches == 0);
  t.advance();
  for (int step = 3; step <= 6; ++step) {
    cuda_on_host::reset_counters();
    t.advance();
    const auto c = cuda_on_host::counted();
    CHECK(c.graph_launches == 2);
    // Gathering the batch and the two noises see another step number, the update another rate. (A kernel whose argument
    // has padding may get the same argument again.)
    CHECK(c.node_updates >= 4);
    CHECK(c.gemms_captured_without_workspace == 0);
    CHECK(c.launches == 0);
    CHECK(c.gemms == 0);
    CHECK(c.mallocs == 0);
  }
  CHECK(first.launches > 30);
}

TEST_CASE("the switch turns graphs off") {
  const usual_device device;
  auto t = small_trainer({.graphs = false});
  for (int step = 0; step < 4; ++step) t.advance();
  CHECK(cuda_on_host::counted().graph_launches == 0);
}

TEST_CASE("nothing depends on when the device works or in which order its threads run") {
  const usual_device device;
  const auto expected = trained();
  cuda_on_host::run_threads_backwards(true);
  CHECK(relative_difference(trained(), expected) == 0);
  cuda_on_host::defer_work(true);
  CHECK(relative_difference(trained(), expected) == 0);
  CHECK(relative_difference(trained({.graphs = false}), expected) == 0);
}

TEST_CASE("everything is given back") {
  const usual_device device;
  const in_use before;
  {
    auto t = small_trainer();
    t.run();
    kdm::generator g(t.model(), kdm::const_view<float>(t.average().view()), 1, t.backend());
    CHECK(g.sample(10, 1).rows() == 10);
    CHECK(!(in_use{} == before));
  }
  CHECK(in_use{} == before);
}

TEST_CASE("without a device the constructor says so") {
  const usual_device device;
  cuda_on_host::set_device_count(0);
  CHECK(kdm::cuda_device_count() == 0);
  const std::string message = message_of<kdm::device_error>([] { cuda_backend<float> b; });
  CHECK(message.starts_with("no CUDA device: cudaGetDeviceCount: "));
  CHECK(message.ends_with("(cudaErrorNoDevice)"));
}

TEST_CASE("a constructor that fails names the call and keeps nothing") {
  const usual_device device;
  const in_use before;
  struct { const char* function; int nth; } const calls[] = {
      {"cudaStreamCreateWithFlags", 1}, {"cudaMalloc", 1},         {"cudaMalloc", 2},
      {"cudaMallocHost", 1},            {"cudaMallocHost", 2},     {"cudaEventCreateWithFlags", 2},
      {"cublasCreate", 1},              {"cublasSetStream", 1},    {"cublasSetWorkspace", 1},
      {"cublasSetMathMode", 1},         {"cublasLtCreate", 1}};
  for (const auto& c : calls) {
    CAPTURE(c.function);
    CAPTURE(c.nth);
    cuda_on_host::fail_call(c.function, 2, c.nth);
    const std::string message = message_of<kdm::device_error>([] { cuda_backend<float> b; });
    CHECK(message.starts_with(c.function));
    CHECK(in_use{} == before);
  }
}

TEST_CASE("a fault during training leaves the trainer as it was and it goes on") {
  const usual_device device;
  const auto expected = trained();
  struct { const char* function; int nth; } const calls[] = {
      {"cudaLaunchKernel", 1},      {"cudaLaunchKernel", 40},          {"cublasSgemm_64", 3},
      {"cudaMemcpy2DAsync", 1},     {"cudaEventRecord", 1},            {"cudaStreamSynchronize", 1},
      {"cudaStreamBeginCapture", 1}, {"cudaStreamGetCaptureInfo", 5}, {"cudaGraphInstantiate", 1},
      {"cudaGraphLaunch", 1},       {"cudaGraphLaunch", 3},            {"cudaGraphExecKernelNodeSetParams", 2}};
  for (const auto& c : calls)
    for (const int steps_before : {0, 1, 4}) {
      CAPTURE(c.function);
      CAPTURE(c.nth);
      CAPTURE(steps_before);
      auto t = small_trainer();
      for (int step = 0; step < steps_before; ++step) t.advance();
      cuda_on_host::fail_call(c.function, 1, c.nth);
      std::string message;
      int failures = 0;
      while (t.step() < 12) {
        try {
          t.advance();
        } catch (const kdm::device_error& e) {
          ++failures;
          message = e.what();
        }
        if (failures > 1) break;
      }
      cuda_on_host::forget_faults();
      CHECK(failures <= 1);
      if (failures == 1) CHECK(message.starts_with(c.function));
      CHECK(relative_difference(t.weights(), expected) == 0);
    }
}

namespace {

/// A 16 x 16 layer of twos on rows of ones: its last output, and how many kernels were launched.
template <class Act>
std::pair<float, long> run_layer(cuda_backend<float> b, Act act) {
  struct buffers {
    kdm::view_of<cuda_backend<float>> x, w, y;
  };
  kdm::arena<cuda_backend<float>> memory(b);
  const auto f = kdm::planned(
      memory, [](auto& a) { return buffers{a.take(8, 16), a.take(1, 16 * 16 + 16), a.take(8, 16)}; });
  kdm::ops::fill(b, 1.0f, f.x);
  kdm::ops::fill(b, 2.0f, f.w);
  const kdm::dense_layer<Act> layer(16, 16, act);
  typename kdm::dense_layer<Act>::template frame<cuda_backend<float>> frame;
  cuda_on_host::reset_counters();
  layer.forward(b, f.w, f.x, f.y, frame);
  const long launches = cuda_on_host::counted().launches;
  matrix<float> y(8, 16);
  b.download(f.y, y.view());
  return {y(7, 15), launches};
}

}  // namespace

TEST_CASE("bias and activation are an epilogue of the product where there is one") {
  const usual_device device;
  namespace act = kdm::activations;
  const cuda_backend<float> b;
  const auto expected = std::pair(16.0f * 2 + 2, 0L);
  CHECK(run_layer(b, act::identity{}) == expected);
  CHECK(run_layer(b, act::relu{}) == expected);
  CHECK(run_layer(b, act::identity{}) == expected);
  CHECK(run_layer(b, act::silu{}).second == 1);

  cuda_on_host::fail_call("cublasLtMatmulAlgoGetHeuristic", CUBLAS_STATUS_NOT_SUPPORTED);
  CHECK(run_layer(cuda_backend<float>{}, act::identity{}) == std::pair(16.0f * 2 + 2, 1L));
}
