// The library on a CUDA device as a measuring program: the protocol of main.cpp, timed between events of the
// device. Variants: "fp32", "tf32" (products on tensor cores). What was timed is checked against the processor.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "cuda_check.hpp"
#include "kdm/backend/cuda.cuh"
#include "kdm/exec/serial.hpp"
#include "kdm/koopman/generator.hpp"
#include "training.hpp"

namespace {

using namespace kdm_benchmark;
using device = kdm::cuda_backend<float>;
using kdm::const_view_of;
using kdm::op;
using kdm::view_of;

/// A backend with what the variant says.
device make(const request& r) {
  if (r.variant != "fp32" && r.variant != "tf32")
    kdm::fail<kdm::option_error>("request: 'variant' is '", r.variant, "', expected fp32 or tf32");
  return device{{.tf32 = r.variant == "tf32"}};
}

/// Seconds of one call of f on the device. `before()` runs untimed before every repeat: fresh data. The warm-up
/// records the graphs of whatever f repeats.
template <class Before, class F>
answer measure_on_device(const device& b, const request& r, Before before, F f) {
  kdm::detail::owned<cudaEvent_t, kdm::detail::destroy_event> start, stop;
  kdm::detail::check_cuda(cudaEventCreate(start.place()), "cudaEventCreate");
  kdm::detail::check_cuda(cudaEventCreate(stop.place()), "cudaEventCreate");
  const auto run = [&](index_t calls) {
    kdm::detail::check_cuda(cudaEventRecord(start.get(), b.stream()), "cudaEventRecord");
    for (index_t c = 0; c < calls; ++c) f();
    kdm::detail::check_cuda(cudaEventRecord(stop.get(), b.stream()), "cudaEventRecord");
    kdm::detail::check_cuda(cudaEventSynchronize(stop.get()), "cudaEventSynchronize");
    float milliseconds = 0;
    kdm::detail::check_cuda(cudaEventElapsedTime(&milliseconds, start.get(), stop.get()), "cudaEventElapsedTime");
    return double(milliseconds) / 1e3 / double(calls);
  };
  before();
  run(5);
  const auto calls = index_t(std::clamp(0.1 / std::max(run(5), 1e-7), 1., 1e5));
  answer a;
  for (int k = 0; k < r.repeats; ++k) {
    before();
    a.seconds.push_back(run(calls));
  }
  return a;
}

/// Throws.    numeric_error where the device's result is another one: 1e-3 of it, with tensor cores 5e-2.
void require_close(const request& r, const std::string& what, double difference) {
  const double most = r.variant == "tf32" ? 5e-2 : 1e-3;
  if (!(difference <= most))
    kdm::fail<kdm::numeric_error>(what, " of ", r.variant, " differs from that of the processor by ", difference,
                                  " of it, expected at most ", most);
}

/// check(r) once for a request, as every round asks again.
double checked(const request& r, double (*check)(const request&)) {
  static std::map<std::string, double> done;
  const std::string key = kdm::concat(r.name, ' ', r.variant, ' ', r.batch, ' ', r.weights, ' ', r.model);
  const auto found = done.find(key);
  if (found != done.end()) return found->second;
  return done[key] = check(r);
}

/// Three steps: the first as single launches, the second recorded, the third replayed.
double check_step(const request& r) {
  const std::vector<double> expected = losses_on_host(r, 3);
  auto train = trainer_on(r, make(r), kdm::serial{});
  double worst = 0;
  for (const double loss : expected) worst = std::max(worst, std::abs(train.advance().loss - loss) / loss);
  require_close(r, "the loss", worst);
  return worst;
}

double check_sample(const request& r) {
  const kdm::matrix<float> expected = samples_on_host(r, 1, r.batch);
  kdm::generator run(student(), kdm::const_view<float>(student_weights(r).view()), 1, make(r));
  const kdm::matrix<float> found = run.sample(r.batch, 1);
  double difference = 0, norm = 0;
  for (index_t k = 0; k < found.size(); ++k) {
    difference += std::pow(double(found.data()[k]) - double(expected.data()[k]), 2);
    norm += std::pow(double(expected.data()[k]), 2);
  }
  require_close(r, "a sample", std::sqrt(difference / norm));
  return std::sqrt(difference / norm);
}

/// Every step draws another batch and other noise.
answer run_step(const request& r) {
  const double difference = checked(r, check_step);
  const device b = make(r);
  auto train = trainer_on(r, b, kdm::serial{});
  answer a = measure_on_device(
      b, r, [] {}, [&] { train.advance(); });
  a.flops = step_flops() * double(r.batch);
  a.numbers["difference"] = difference;
  return a;
}

/// Samples in host memory, of another seed at every call.
answer run_sample(const request& r) {
  const double difference = checked(r, check_sample);
  const device b = make(r);
  kdm::generator run(student(), kdm::const_view<float>(student_weights(r).view()), 1, b);
  kdm::matrix<float> x_0(r.batch, 2);
  std::uint64_t seed = 0;
  answer a = measure_on_device(
      b, r, [] {}, [&] { run.sample(++seed, 0, x_0.view()); });
  a.flops = sample_flops() * double(r.batch);
  a.numbers["difference"] = difference;
  return a;
}

answer run_gemm(const request& r) {
  struct operands {
    view_of<device> x, y, z;
  };
  device b = make(r);
  kdm::arena<device> memory(b);
  const operands f = kdm::planned(memory, [&](kdm::arena<device>& a) {
    const index_t ar = r.transpose_a ? r.k : r.m, ac = r.transpose_a ? r.m : r.k;
    const index_t br = r.transpose_b ? r.n : r.k, bc = r.transpose_b ? r.k : r.n;
    return operands{a.take(ar, ac), a.take(br, bc), a.take(r.m, r.n)};
  });
  std::uint64_t seed = 0;
  const auto refill = [&] {
    for (const view_of<device> v : {f.x, f.y})
      kdm::ops::add_normal(b, kdm::random_table{++seed}, 0, 1.f, const_view_of<device>{}, v);
  };
  const op ta = r.transpose_a ? op::transposed : op::as_is, tb = r.transpose_b ? op::transposed : op::as_is;
  answer a = measure_on_device(b, r, refill, [&] {
    b.gemm(ta, tb, 1.f, const_view_of<device>(f.x), const_view_of<device>(f.y), 0.f, f.z);
  });
  a.flops = 2 * double(r.m) * double(r.n) * double(r.k);
  return a;
}

/// The limit of products: one that is large enough to be at it.
answer run_peak(request r) {
  r.m = r.n = r.k = 8192;
  return run_gemm(r);
}

/// z = x + 3 y over arrays that no cache holds.
answer run_triad(const request& r) {
  const index_t n = index_t(1) << 27;
  device b;
  kdm::arena<device> memory(b);
  const auto f = kdm::planned(memory, [&](kdm::arena<device>& a) {
    return std::vector<view_of<device>>{a.take(1, n), a.take(1, n), a.take(1, n)};
  });
  std::uint64_t seed = 0;
  const auto refill = [&] {
    for (const view_of<device> v : f)
      kdm::ops::add_normal(b, kdm::random_table{++seed}, 0, 1.f, const_view_of<device>{}, v);
  };
  answer a = measure_on_device(b, r, refill, [&] {
    kdm::ops::map(b, kdm::ops::scaled_sum<float>{3.f}, f[2], const_view_of<device>(f[1]),
                  const_view_of<device>(f[0]));
  });
  a.bytes = 3. * sizeof(float) * double(n);
  return a;
}

answer handle(const request& r) {
  if (r.name == "peak") return run_peak(r);
  if (r.name == "triad") return run_triad(r);
  if (r.name == "gemm") return run_gemm(r);
  if (r.name == "step") return run_step(r);
  if (r.name == "sample") return run_sample(r);
  answer a;
  a.skip = "no case " + r.name + " on a device";
  return a;
}

}  // namespace

int main() {
  if (kdm::cuda_device_count() == 0) {
    std::fputs("benchmark_server_cuda: no CUDA device here; run it where nvidia-smi lists one\n", stderr);
    return 1;
  }
  cudaDeviceProp properties{};
  kdm::detail::check_cuda(cudaGetDeviceProperties(&properties, 0), "cudaGetDeviceProperties");
  return serve({{"kdm", kdm::concat(KDM_VERSION_MAJOR, '.', KDM_VERSION_MINOR, '.', KDM_VERSION_PATCH)},
                {"compiler", kdm::concat("nvcc ", __CUDACC_VER_MAJOR__, '.', __CUDACC_VER_MINOR__)},
                {"flags", KDM_BENCHMARK_FLAGS},
                {"device", properties.name},
                {"backends", "fp32, tf32"}},
               handle);
}
