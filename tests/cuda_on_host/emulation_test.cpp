// The emulated CUDA runtime, cuBLAS and cuBLASLt: each rule that the tests of the CUDA backend rely on.
#include <cublasLt.h>
#include <cublas_v2.h>
#include <cuda_runtime.h>
#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <limits>
#include <numeric>
#include <random>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace host = cuda_on_host;

namespace {

/// The machine as at the start of the program, before and after a test; nothing may be left over.
struct fresh {
  fresh() { host::reset(); }
  ~fresh() {
    host::reset();
    CHECK(host::device_bytes_in_use() == 0);
    CHECK(host::pinned_bytes_in_use() == 0);
    CHECK(host::handles_in_use() == 0);
  }
};

struct stream {
  explicit stream(unsigned flags = cudaStreamNonBlocking) {
    REQUIRE(cudaStreamCreateWithFlags(&s, flags) == cudaSuccess);
  }
  ~stream() { (void)cudaStreamDestroy(s); }
  operator cudaStream_t() const { return s; }
  cudaStream_t s = nullptr;
};

template <class T>
struct device_array {
  explicit device_array(std::size_t n) : size(n) { REQUIRE(cudaMalloc(&p, n * sizeof(T)) == cudaSuccess); }
  explicit device_array(const std::vector<T>& values) : device_array(values.size()) {
    const host::device_access open;
    std::copy(values.begin(), values.end(), p);
  }
  ~device_array() { (void)cudaFree(p); }
  std::vector<T> values() const { return host::peek(p, size); }
  T* p = nullptr;
  std::size_t size;
};

template <class T>
struct pinned_array {
  explicit pinned_array(std::size_t n) { REQUIRE(cudaMallocHost(&p, n * sizeof(T)) == cudaSuccess); }
  ~pinned_array() { (void)cudaFreeHost(p); }
  T* p = nullptr;
};

__global__ void set_to(int* x, int n, int value) {
  const int i = int(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) x[i] = value;
}

__global__ void append_digit(int* x, int digit) { *x = 10 * *x + digit; }

__global__ void last_thread(unsigned* x) { *x = blockIdx.x * blockDim.x + threadIdx.x; }

__global__ void describe_thread(int* x) {
  const unsigned block = (blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
  const unsigned thread = (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
  x[block * blockDim.x * blockDim.y * blockDim.z + thread] += int(1000 * block + thread + 1);
}

cudaError_t launch_set(int* x, int n, int value, cudaStream_t s) {
  void* arguments[] = {&x, &n, &value};
  return cudaLaunchKernel(set_to, dim3(unsigned(n + 31) / 32), dim3(32), arguments, 0, s);
}

cudaError_t launch_digit(int* x, int digit, cudaStream_t s) {
  void* arguments[] = {&x, &digit};
  return cudaLaunchKernel(append_digit, dim3(1), dim3(1), arguments, 0, s);
}

/// Whether a system call may read the byte: no signal where it may not.
bool host_can_read(const void* p) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const bool can = write(ends[1], p, 1) == 1;
  if (!can) CHECK(errno == EFAULT);
  close(ends[0]);
  close(ends[1]);
  return can;
}

/// The node of the last launch that a stream captured.
cudaGraphNode_t last_node(cudaStream_t s, std::size_t* count = nullptr) {
  cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
  unsigned long long id = 0;
  cudaGraph_t graph = nullptr;
  const cudaGraphNode_t* nodes = nullptr;
  std::size_t n = 0;
#if CUDART_VERSION >= 13000
  const cudaGraphEdgeData* edges = nullptr;
  REQUIRE(cudaStreamGetCaptureInfo(s, &status, &id, &graph, &nodes, &edges, &n) == cudaSuccess);
#else
  REQUIRE(cudaStreamGetCaptureInfo_v2(s, &status, &id, &graph, &nodes, &n) == cudaSuccess);
#endif
  REQUIRE(status == cudaStreamCaptureStatusActive);
  CHECK(graph != nullptr);
  CHECK(id > 0);
  if (count) *count = n;
  return n ? nodes[0] : nullptr;
}

cudaStreamCaptureStatus status_of(cudaStream_t s) {
  cudaStreamCaptureStatus status = cudaStreamCaptureStatusInvalidated;
  CHECK(cudaStreamIsCapturing(s, &status) == cudaSuccess);
  return status;
}

template <class T>
std::vector<T> random_values(std::size_t n, unsigned seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<double> normal;
  std::vector<T> x(n);
  for (T& v : x) v = T(normal(engine));
  return x;
}

}  // namespace

TEST_CASE("every thread of a grid runs once with its own indices") {
  const fresh f;
  const dim3 grid(3, 2, 2), block(4, 3, 2);
  const int blocks = 12, threads = 24;
  device_array<int> x(std::vector<int>(std::size_t(blocks * threads), 0));
  for (const bool backwards : {false, true}) {
    host::run_threads_backwards(backwards);
    void* arguments[] = {&x.p};
    REQUIRE(cudaLaunchKernel(describe_thread, grid, block, arguments, 0, nullptr) == cudaSuccess);
  }
  const auto values = x.values();
  for (int b = 0; b < blocks; ++b)
    for (int t = 0; t < threads; ++t) CHECK(values[std::size_t(b * threads + t)] == 2 * (1000 * b + t + 1));
}

TEST_CASE("threads in the other order show who writes last") {
  const fresh f;
  device_array<unsigned> x(1);
  void* arguments[] = {&x.p};
  REQUIRE(cudaLaunchKernel(last_thread, dim3(5), dim3(7), arguments, 0, nullptr) == cudaSuccess);
  CHECK(x.values()[0] == 34);
  host::run_threads_backwards(true);
  REQUIRE(cudaLaunchKernel(last_thread, dim3(5), dim3(7), arguments, 0, nullptr) == cudaSuccess);
  CHECK(x.values()[0] == 0);
}

TEST_CASE("a launch keeps the limits of a device") {
  const fresh f;
  const auto launch = [](dim3 grid, dim3 block) {
    return cudaLaunchKernel(+[]() {}, grid, block, nullptr, 0, nullptr);
  };
  CHECK(launch(dim3(1), dim3(1024)) == cudaSuccess);
  CHECK(launch(dim3(1), dim3(32, 32)) == cudaSuccess);
  CHECK(launch(dim3(1, 65535), dim3(1)) == cudaSuccess);
  CHECK(host::counted().launches == 3);
  CHECK(host::counted().kernels_run == 3);
  const std::vector<std::pair<dim3, dim3>> wrong = {
      {dim3(0), dim3(1)},          {dim3(1), dim3(0)},           {dim3(1, 0), dim3(1)},
      {dim3(1), dim3(1025)},       {dim3(1), dim3(32, 33)},      {dim3(1), dim3(1, 1, 65)},
      {dim3(1, 65536), dim3(1)},   {dim3(1, 1, 65536), dim3(1)}, {dim3(0x80000000u), dim3(1)},
      {dim3(1), dim3(65536, 65536)}};
  for (const auto& w : wrong) CHECK(launch(w.first, w.second) == cudaErrorInvalidConfiguration);
  CHECK(host::counted().launches == 3);
  CHECK(cudaGetLastError() == cudaErrorInvalidConfiguration);
  CHECK(cudaLaunchKernel(append_digit, dim3(1), dim3(1), nullptr, 0, nullptr) == cudaErrorInvalidValue);
}

TEST_CASE("device memory is aligned and starts as NaN") {
  const fresh f;
  {
    device_array<float> a(3), b(1000);
    device_array<double> c(5);
    for (const void* p : {static_cast<void*>(a.p), static_cast<void*>(b.p), static_cast<void*>(c.p)}) {
      CHECK(reinterpret_cast<std::uintptr_t>(p) % 256 == 0);
      CHECK(host::is_device_memory(p));
    }
    for (const float v : b.values()) CHECK(std::isnan(v));
    for (const double v : c.values()) CHECK(std::isnan(v));
    CHECK(host::device_bytes_in_use() == 3 * 4 + 1000 * 4 + 5 * 8);
    CHECK_FALSE(host::is_device_memory(&f));
  }
  CHECK(host::counted().mallocs == 3);
  CHECK(host::counted().frees == 3);
}

TEST_CASE("freed device memory is used again and is NaN again") {
  const fresh f;
  float *first = nullptr, *second = nullptr;
  REQUIRE(cudaMalloc(&first, 64) == cudaSuccess);
  device_array<float> above(10);
  REQUIRE(cudaMemsetAsync(first, 0, 64, nullptr) == cudaSuccess);
  CHECK(host::peek(first, 16)[15] == 0);
  REQUIRE(cudaFree(first) == cudaSuccess);
  REQUIRE(cudaMalloc(&second, 64) == cudaSuccess);
  CHECK(second == first);
  CHECK(std::isnan(host::peek(second, 16)[15]));
  CHECK(cudaFree(second) == cudaSuccess);
}

TEST_CASE("what cudaFree was not given is an error") {
  const fresh f;
  float* p = nullptr;
  int on_host = 0;
  REQUIRE(cudaMalloc(&p, 64) == cudaSuccess);
  CHECK(cudaFree(p + 1) == cudaErrorInvalidValue);
  CHECK(cudaFree(&on_host) == cudaErrorInvalidValue);
  CHECK(cudaFreeHost(p) == cudaErrorInvalidValue);
  CHECK(cudaFree(p) == cudaSuccess);
  CHECK(cudaFree(p) == cudaErrorInvalidValue);
  CHECK(cudaFree(nullptr) == cudaSuccess);
  CHECK(cudaFreeHost(nullptr) == cudaSuccess);
}

TEST_CASE("device memory runs out") {
  const fresh f;
  float* p = nullptr;
  CHECK(cudaMalloc(&p, host::device_memory::capacity + 1) == cudaErrorMemoryAllocation);
  CHECK(cudaMalloc(&p, std::numeric_limits<std::size_t>::max()) == cudaErrorMemoryAllocation);
  CHECK(p == nullptr);
  CHECK(cudaMalloc(&p, 0) == cudaSuccess);
  CHECK(p == nullptr);
}

TEST_CASE("the host cannot touch device memory unless it is opened") {
  const fresh f;
  device_array<int> x(std::vector<int>{7, 8});
  CHECK_FALSE(host_can_read(x.p));
  REQUIRE(launch_set(x.p, 2, 3, nullptr) == cudaSuccess);
  CHECK_FALSE(host_can_read(x.p));
  {
    const host::device_access open;
    CHECK(host_can_read(x.p));
    device_array<int> y(4);
    CHECK(host_can_read(x.p));
  }
  CHECK_FALSE(host_can_read(x.p));
  host::protect_device_memory(false);
  CHECK(host_can_read(x.p));
  CHECK(x.p[1] == 3);
  host::protect_device_memory(true);
  CHECK_FALSE(host_can_read(x.p));
}

#if defined(__SANITIZE_ADDRESS__)
#define KDM_TEST_ASAN
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define KDM_TEST_ASAN
#endif
#endif
#if defined(KDM_TEST_ASAN)
TEST_CASE("the address sanitizer knows where device arrays end") {
  const fresh f;
  float* p = nullptr;
  REQUIRE(cudaMalloc(&p, 4 * sizeof(float)) == cudaSuccess);
  CHECK(__asan_address_is_poisoned(p) == 0);
  CHECK(__asan_address_is_poisoned(p + 3) == 0);
  CHECK(__asan_address_is_poisoned(p + 4) == 1);
  REQUIRE(cudaFree(p) == cudaSuccess);
  CHECK(__asan_address_is_poisoned(p) == 1);
}
#endif

TEST_CASE("copies go where their direction says") {
  const fresh f;
  const std::vector<int> from{1, 2, 3, 4};
  std::vector<int> to(4, 0);
  device_array<int> x(4), y(4);
  const std::size_t bytes = 16;
  CHECK(cudaMemcpyAsync(x.p, from.data(), bytes, cudaMemcpyHostToDevice, nullptr) == cudaSuccess);
  CHECK(cudaMemcpyAsync(y.p, x.p, bytes, cudaMemcpyDeviceToDevice, nullptr) == cudaSuccess);
  CHECK(cudaMemcpyAsync(to.data(), y.p, bytes, cudaMemcpyDefault, nullptr) == cudaSuccess);
  CHECK(to == from);
  CHECK(host::counted().copies == 3);
  CHECK(cudaMemcpyAsync(x.p, y.p, bytes, cudaMemcpyHostToDevice, nullptr) == cudaErrorInvalidValue);
  CHECK(cudaMemcpyAsync(to.data(), from.data(), bytes, cudaMemcpyDeviceToHost, nullptr) == cudaErrorInvalidValue);
  CHECK(cudaMemcpyAsync(x.p, from.data(), 17, cudaMemcpyHostToDevice, nullptr) == cudaErrorInvalidValue);
  CHECK(cudaMemcpyAsync(x.p + 1, from.data(), 16, cudaMemcpyHostToDevice, nullptr) == cudaErrorInvalidValue);
  CHECK(cudaMemcpyAsync(x.p, nullptr, 16, cudaMemcpyHostToDevice, nullptr) == cudaErrorInvalidValue);
  CHECK(cudaMemcpyAsync(x.p, y.p, 16, static_cast<cudaMemcpyKind>(5), nullptr) == cudaErrorInvalidMemcpyDirection);
  CHECK(cudaMemcpyAsync(nullptr, nullptr, 0, cudaMemcpyHostToDevice, nullptr) == cudaSuccess);
  CHECK(cudaMemsetAsync(x.p, 0, 17, nullptr) == cudaErrorInvalidValue);
  CHECK(cudaMemsetAsync(to.data(), 0, 4, nullptr) == cudaErrorInvalidValue);
  CHECK(host::counted().copies == 3);
}

TEST_CASE("a rectangle is copied row by row") {
  const fresh f;
  std::vector<int> from(5 * 7), to(5 * 9, -1);
  std::iota(from.begin(), from.end(), 0);
  device_array<int> x(std::vector<int>(5 * 4, -2));
  const auto ints = [](std::size_t n) { return n * sizeof(int); };
  REQUIRE(cudaMemcpy2DAsync(x.p, ints(4), from.data() + 1, ints(7), ints(3), 5, cudaMemcpyHostToDevice, nullptr) ==
          cudaSuccess);
  REQUIRE(cudaMemcpy2DAsync(to.data() + 2, ints(9), x.p, ints(4), ints(3), 5, cudaMemcpyDeviceToHost, nullptr) ==
          cudaSuccess);
  for (std::size_t i = 0; i < 5; ++i)
    for (std::size_t j = 0; j < 9; ++j)
      CHECK(to[i * 9 + j] == (j >= 2 && j < 5 ? from[i * 7 + 1 + j - 2] : -1));
  for (std::size_t i = 0; i < 5; ++i) CHECK(x.values()[i * 4 + 3] == -2);
  // The last row may end where the array does.
  CHECK(cudaMemcpy2DAsync(x.p + 1, ints(4), from.data(), ints(7), ints(3), 5, cudaMemcpyHostToDevice, nullptr) ==
        cudaSuccess);
  CHECK(cudaMemcpy2DAsync(x.p + 2, ints(4), from.data(), ints(7), ints(3), 5, cudaMemcpyHostToDevice, nullptr) ==
        cudaErrorInvalidValue);
  CHECK(cudaMemcpy2DAsync(x.p, ints(2), from.data(), ints(7), ints(3), 5, cudaMemcpyHostToDevice, nullptr) ==
        cudaErrorInvalidPitchValue);
  CHECK(cudaMemcpy2DAsync(x.p, ints(4), from.data(), ints(2), ints(3), 5, cudaMemcpyHostToDevice, nullptr) ==
        cudaErrorInvalidPitchValue);
}

TEST_CASE("deferred work waits for a synchronisation and runs in order") {
  const fresh f;
  const stream s;
  device_array<int> x(std::vector<int>{0});
  host::defer_work(true);
  for (const int digit : {1, 2, 3}) REQUIRE(launch_digit(x.p, digit, s) == cudaSuccess);
  CHECK(host::pending_work() == 3);
  CHECK(x.values()[0] == 0);
  CHECK(cudaStreamSynchronize(s) == cudaSuccess);
  CHECK(x.values()[0] == 123);
  CHECK(host::pending_work() == 0);
  REQUIRE(launch_digit(x.p, 4, s) == cudaSuccess);
  CHECK(cudaDeviceSynchronize() == cudaSuccess);
  REQUIRE(launch_digit(x.p, 5, s) == cudaSuccess);
  host::defer_work(false);
  CHECK(x.values()[0] == 12345);
  CHECK(host::counted().synchronizations == 2);
}

TEST_CASE("a deferred kernel has the arguments of its launch") {
  const fresh f;
  const stream s;
  device_array<int> x(8);
  host::defer_work(true);
  int n = 8, value = 5;
  void* arguments[] = {&x.p, &n, &value};
  REQUIRE(cudaLaunchKernel(set_to, dim3(1), dim3(8), arguments, 0, s) == cudaSuccess);
  value = 6;
  REQUIRE(cudaStreamSynchronize(s) == cudaSuccess);
  CHECK(x.values() == std::vector<int>(8, 5));
}

TEST_CASE("pageable memory is read in the call and pinned memory later") {
  const fresh f;
  const stream s;
  device_array<int> x(1), y(1);
  pinned_array<int> pinned(1);
  CHECK(host::is_pinned_memory(pinned.p));
  std::vector<int> pageable{1};
  *pinned.p = 1;
  host::defer_work(true);
  REQUIRE(cudaMemcpyAsync(x.p, pageable.data(), 4, cudaMemcpyHostToDevice, s) == cudaSuccess);
  REQUIRE(cudaMemcpyAsync(y.p, pinned.p, 4, cudaMemcpyHostToDevice, s) == cudaSuccess);
  pageable[0] = *pinned.p = 2;
  REQUIRE(cudaStreamSynchronize(s) == cudaSuccess);
  CHECK(x.values()[0] == 1);
  CHECK(y.values()[0] == 2);
}

TEST_CASE("pageable memory is written in the call and pinned memory later") {
  const fresh f;
  const stream s;
  device_array<int> x(std::vector<int>{0});
  pinned_array<int> pinned(1);
  int pageable = -1;
  *pinned.p = -1;
  host::defer_work(true);
  REQUIRE(launch_digit(x.p, 7, s) == cudaSuccess);
  REQUIRE(cudaMemcpyAsync(pinned.p, x.p, 4, cudaMemcpyDeviceToHost, s) == cudaSuccess);
  CHECK(*pinned.p == -1);
  REQUIRE(cudaMemcpyAsync(&pageable, x.p, 4, cudaMemcpyDeviceToHost, s) == cudaSuccess);
  CHECK(pageable == 7);
  CHECK(*pinned.p == 7);
  *pinned.p = -1;
  REQUIRE(cudaMemcpyAsync(pinned.p, x.p, 4, cudaMemcpyDeviceToHost, s) == cudaSuccess);
  CHECK(*pinned.p == -1);
  REQUIRE(cudaStreamSynchronize(s) == cudaSuccess);
  CHECK(*pinned.p == 7);
}

TEST_CASE("an event is reached when the work before it is") {
  const fresh f;
  const stream s;
  device_array<int> x(std::vector<int>{0});
  cudaEvent_t event = nullptr;
  REQUIRE(cudaEventCreateWithFlags(&event, cudaEventDisableTiming) == cudaSuccess);
  CHECK(cudaEventQuery(event) == cudaSuccess);
  CHECK(cudaEventSynchronize(event) == cudaSuccess);
  host::defer_work(true);
  REQUIRE(launch_digit(x.p, 1, s) == cudaSuccess);
  REQUIRE(cudaEventRecord(event, s) == cudaSuccess);
  REQUIRE(launch_digit(x.p, 2, s) == cudaSuccess);
  CHECK(cudaEventQuery(event) == cudaErrorNotReady);
  CHECK(cudaEventSynchronize(event) == cudaSuccess);
  CHECK(x.values()[0] == 1);
  CHECK(cudaEventQuery(event) == cudaSuccess);
  REQUIRE(cudaEventRecord(event, s) == cudaSuccess);
  CHECK(cudaEventQuery(event) == cudaErrorNotReady);
  REQUIRE(cudaStreamSynchronize(s) == cudaSuccess);
  CHECK(x.values()[0] == 12);
  CHECK(cudaEventQuery(event) == cudaSuccess);
  CHECK(cudaEventDestroy(event) == cudaSuccess);
  CHECK(cudaEventDestroy(event) == cudaErrorInvalidResourceHandle);
  CHECK(cudaEventRecord(event, s) == cudaErrorInvalidResourceHandle);
}

TEST_CASE("an event may go before the work that reaches it") {
  const fresh f;
  const stream s;
  cudaEvent_t event = nullptr;
  REQUIRE(cudaEventCreateWithFlags(&event, cudaEventDisableTiming) == cudaSuccess);
  host::defer_work(true);
  REQUIRE(cudaEventRecord(event, s) == cudaSuccess);
  CHECK(cudaEventDestroy(event) == cudaSuccess);
  CHECK(cudaStreamSynchronize(s) == cudaSuccess);
}

TEST_CASE("streams wait for each other only where CUDA says so") {
  const fresh f;
  const stream alone, blocking(cudaStreamDefault);
  device_array<int> a(std::vector<int>{0}), b(std::vector<int>{0});
  host::defer_work(true);
  REQUIRE(launch_digit(a.p, 1, alone) == cudaSuccess);
  REQUIRE(launch_digit(b.p, 1, blocking) == cudaSuccess);
  REQUIRE(launch_digit(b.p, 2, nullptr) == cudaSuccess);
  REQUIRE(cudaStreamSynchronize(nullptr) == cudaSuccess);
  CHECK(a.values()[0] == 0);
  CHECK(b.values()[0] == 12);
  cudaStream_t short_lived = nullptr;
  REQUIRE(cudaStreamCreateWithFlags(&short_lived, cudaStreamNonBlocking) == cudaSuccess);
  REQUIRE(launch_digit(b.p, 3, short_lived) == cudaSuccess);
  REQUIRE(cudaStreamDestroy(short_lived) == cudaSuccess);
  CHECK(b.values()[0] == 123);
  CHECK(cudaStreamDestroy(short_lived) == cudaErrorInvalidResourceHandle);
  CHECK(launch_digit(b.p, 3, short_lived) == cudaErrorInvalidResourceHandle);
  CHECK(cudaStreamSynchronize(short_lived) == cudaErrorInvalidResourceHandle);
}

TEST_CASE("freeing memory waits for the device") {
  const fresh f;
  const stream s;
  int* p = nullptr;
  REQUIRE(cudaMalloc(&p, 4) == cudaSuccess);
  host::defer_work(true);
  REQUIRE(launch_set(p, 1, 1, s) == cudaSuccess);
  REQUIRE(cudaFree(p) == cudaSuccess);
  CHECK(host::pending_work() == 0);
  CHECK(host::counted().kernels_run == 1);
}

TEST_CASE("the last error is kept until it is asked for") {
  const fresh f;
  CHECK(cudaGetLastError() == cudaSuccess);
  CHECK(cudaSetDevice(7) == cudaErrorInvalidDevice);
  CHECK(cudaSetDevice(0) == cudaSuccess);
  CHECK(cudaPeekAtLastError() == cudaErrorInvalidDevice);
  CHECK(cudaGetLastError() == cudaErrorInvalidDevice);
  CHECK(cudaGetLastError() == cudaSuccess);
  CHECK(std::string(cudaGetErrorName(cudaErrorMemoryAllocation)) == "cudaErrorMemoryAllocation");
  CHECK(std::string(cudaGetErrorString(cudaErrorMemoryAllocation)) == "out of memory");
  CHECK(std::string(cudaGetErrorName(static_cast<cudaError_t>(555))) == "unrecognized error code");
}

TEST_CASE("the device says what it is") {
  const fresh f;
  int n = 0, current = -1;
  CHECK(cudaGetDeviceCount(&n) == cudaSuccess);
  CHECK(n == 1);
  CHECK(cudaGetDevice(&current) == cudaSuccess);
  CHECK(current == 0);
  cudaDeviceProp properties;
  REQUIRE(cudaGetDeviceProperties(&properties, 0) == cudaSuccess);
  CHECK(std::string(properties.name) == "emulated on the host");
  CHECK(properties.totalGlobalMem == host::device_memory::capacity);
  CHECK(properties.maxThreadsPerBlock == 1024);
  CHECK(properties.maxGridSize[1] == 65535);
  CHECK(cudaGetDeviceProperties(&properties, 1) == cudaErrorInvalidDevice);
}

TEST_CASE("without a device every call says so") {
  const fresh f;
  const auto expect_none = [] {
    int n = -7;
    float* p = nullptr;
    cublasHandle_t handle = nullptr;
    cublasLtHandle_t lt = nullptr;
    CHECK(cudaGetDeviceCount(&n) == cudaErrorNoDevice);
    CHECK(n == -7);
    CHECK(cudaMalloc(&p, 4) == cudaErrorNoDevice);
    CHECK(cudaDeviceSynchronize() == cudaErrorNoDevice);
    CHECK(cublasCreate(&handle) == CUBLAS_STATUS_NOT_INITIALIZED);
    CHECK(cublasLtCreate(&lt) == CUBLAS_STATUS_NOT_INITIALIZED);
  };
  const char* before = std::getenv("KDM_EMULATED_DEVICES");
  const std::string kept = before ? before : "";
  setenv("KDM_EMULATED_DEVICES", "0", 1);
  expect_none();
  setenv("KDM_EMULATED_DEVICES", "2", 1);
  CHECK(cudaSetDevice(1) == cudaSuccess);
  CHECK(cudaSetDevice(0) == cudaSuccess);
  if (before) setenv("KDM_EMULATED_DEVICES", kept.c_str(), 1);
  else unsetenv("KDM_EMULATED_DEVICES");
  host::set_device_count(0);
  expect_none();
}

TEST_CASE("an injected fault hits one call and does nothing else") {
  const fresh f;
  float* p = nullptr;
  host::fail_call("cudaMalloc", cudaErrorMemoryAllocation, 2);
  REQUIRE(cudaMalloc(&p, 4) == cudaSuccess);
  float* q = nullptr;
  CHECK(cudaMalloc(&q, 4) == cudaErrorMemoryAllocation);
  CHECK(q == nullptr);
  CHECK(cudaGetLastError() == cudaErrorMemoryAllocation);
  CHECK(host::device_bytes_in_use() == 4);
  host::fail_call("cudaFree", cudaErrorIllegalAddress);
  CHECK(cudaFree(p) == cudaErrorIllegalAddress);
  CHECK(cudaFree(p) == cudaSuccess);
  host::fail_call("cudaStreamSynchronize", cudaErrorLaunchFailure);
  host::forget_faults();
  CHECK(cudaStreamSynchronize(nullptr) == cudaSuccess);
  host::fail_call("cublasCreate", CUBLAS_STATUS_ALLOC_FAILED);
  cublasHandle_t handle = nullptr;
  CHECK(cublasCreate(&handle) == CUBLAS_STATUS_ALLOC_FAILED);
}

TEST_CASE("a captured chain runs at every launch of its graph") {
  const fresh f;
  const stream s;
  device_array<int> x(std::vector<int>{0});
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t exec = nullptr;
  REQUIRE(cudaStreamBeginCapture(s, cudaStreamCaptureModeThreadLocal) == cudaSuccess);
  CHECK(status_of(s) == cudaStreamCaptureStatusActive);
  std::size_t count = 9;
  CHECK(last_node(s, &count) == nullptr);
  CHECK(count == 0);
  REQUIRE(launch_digit(x.p, 1, s) == cudaSuccess);
  const cudaGraphNode_t first = last_node(s);
  REQUIRE(launch_digit(x.p, 2, s) == cudaSuccess);
  const cudaGraphNode_t second = last_node(s, &count);
  CHECK(count == 1);
  CHECK(first != nullptr);
  CHECK(second != nullptr);
  CHECK(second != first);
  REQUIRE(cudaStreamEndCapture(s, &graph) == cudaSuccess);
  CHECK(status_of(s) == cudaStreamCaptureStatusNone);
  CHECK(x.values()[0] == 0);
  CHECK(host::counted().launches == 2);
  CHECK(host::counted().kernels_run == 0);
  REQUIRE(cudaGraphInstantiate(&exec, graph, 0) == cudaSuccess);
  REQUIRE(cudaGraphLaunch(exec, s) == cudaSuccess);
  REQUIRE(cudaGraphLaunch(exec, s) == cudaSuccess);
  CHECK(x.values()[0] == 1212);
  CHECK(host::counted().graph_launches == 2);
  CHECK(host::counted().kernels_run == 4);
  CHECK(host::counted().launches == 2);

  SUBCASE("a node takes new arguments and a new grid") {
    int digit = 7;
    void* arguments[] = {&x.p, &digit};
    cudaKernelNodeParams p{};
    p.func = reinterpret_cast<void*>(append_digit);
    p.gridDim = dim3(1);
    p.blockDim = dim3(3);
    p.kernelParams = arguments;
    host::defer_work(true);
    REQUIRE(cudaMemsetAsync(x.p, 0, 4, s) == cudaSuccess);
    REQUIRE(cudaGraphLaunch(exec, s) == cudaSuccess);
    REQUIRE(cudaGraphExecKernelNodeSetParams(exec, first, &p) == cudaSuccess);
    digit = 8;
    REQUIRE(cudaGraphLaunch(exec, s) == cudaSuccess);
    REQUIRE(cudaStreamSynchronize(s) == cudaSuccess);
    CHECK(x.values()[0] == 127772);
    CHECK(host::counted().node_updates == 1);
    p.func = reinterpret_cast<void*>(set_to);
    CHECK(cudaGraphExecKernelNodeSetParams(exec, first, &p) == cudaErrorNotSupported);
    p.func = reinterpret_cast<void*>(append_digit);
    p.blockDim = dim3(2000);
    CHECK(cudaGraphExecKernelNodeSetParams(exec, first, &p) == cudaErrorInvalidConfiguration);
    p.blockDim = dim3(1);
    CHECK(cudaGraphExecKernelNodeSetParams(exec, reinterpret_cast<cudaGraphNode_t>(&p), &p) ==
          cudaErrorInvalidValue);
    CHECK(host::counted().node_updates == 1);
    CHECK(cudaGraphDestroy(graph) == cudaSuccess);
    CHECK(cudaGraphExecKernelNodeSetParams(exec, first, &p) == cudaErrorInvalidValue);
    CHECK(cudaGraphDestroy(graph) == cudaErrorInvalidValue);
  }
  SUBCASE("a launch outlives its graph") {
    host::defer_work(true);
    REQUIRE(cudaGraphLaunch(exec, s) == cudaSuccess);
    CHECK(cudaGraphDestroy(graph) == cudaSuccess);
    REQUIRE(cudaStreamSynchronize(s) == cudaSuccess);
    CHECK(x.values()[0] == 121212);
  }
  SUBCASE("a graph is captured into another") {
    cudaGraph_t outer = nullptr;
    REQUIRE(cudaStreamBeginCapture(s, cudaStreamCaptureModeRelaxed) == cudaSuccess);
    REQUIRE(cudaGraphLaunch(exec, s) == cudaSuccess);
    REQUIRE(cudaStreamEndCapture(s, &outer) == cudaSuccess);
    CHECK(x.values()[0] == 1212);
    CHECK(cudaGraphDestroy(outer) == cudaSuccess);
    CHECK(cudaGraphDestroy(graph) == cudaSuccess);
  }
  CHECK(cudaGraphExecDestroy(exec) == cudaSuccess);
  CHECK(cudaGraphExecDestroy(exec) == cudaErrorInvalidValue);
  CHECK(cudaGraphLaunch(exec, s) == cudaErrorInvalidValue);
}

TEST_CASE("copies and fills in a graph read their memory at each launch") {
  const fresh f;
  const stream s;
  device_array<int> x(2);
  std::vector<int> from{3, 4}, to{0, 0};
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t exec = nullptr;
  REQUIRE(cudaStreamBeginCapture(s, cudaStreamCaptureModeGlobal) == cudaSuccess);
  REQUIRE(cudaMemcpyAsync(x.p, from.data(), 8, cudaMemcpyHostToDevice, s) == cudaSuccess);
  REQUIRE(cudaMemsetAsync(x.p, 0, 4, s) == cudaSuccess);
  REQUIRE(cudaMemcpyAsync(to.data(), x.p, 8, cudaMemcpyDeviceToHost, s) == cudaSuccess);
  REQUIRE(cudaStreamEndCapture(s, &graph) == cudaSuccess);
  REQUIRE(cudaGraphInstantiate(&exec, graph, 0) == cudaSuccess);
  CHECK(to == std::vector<int>{0, 0});
  from[1] = 5;
  REQUIRE(cudaGraphLaunch(exec, s) == cudaSuccess);
  CHECK(to == std::vector<int>{0, 5});
  CHECK(cudaGraphExecDestroy(exec) == cudaSuccess);
  CHECK(cudaGraphDestroy(graph) == cudaSuccess);
}

TEST_CASE("a capture forbids what it cannot hold and fails for it") {
  const fresh f;
  const stream s, other;
  device_array<int> x(1);
  pinned_array<int> pinned(1);
  float* p = nullptr;
  cublasHandle_t handle = nullptr;
  cudaEvent_t event = nullptr;
  REQUIRE(cudaEventCreateWithFlags(&event, cudaEventDisableTiming) == cudaSuccess);
  REQUIRE(cudaEventRecord(event, other) == cudaSuccess);
  const std::vector<std::function<cudaError_t()>> forbidden = {
      [&] { return cudaMalloc(&p, 4); },
      [&] { return cudaFree(x.p); },
      [&] { return cudaMallocHost(&p, 4); },
      [&] { return cudaHostAlloc(&p, 4, cudaHostAllocDefault); },
      [&] { return cudaFreeHost(pinned.p); },
      [&] { return cudaStreamSynchronize(s); },
      [&] { return cudaStreamSynchronize(other); },
      [&] { return cudaDeviceSynchronize(); },
      [&] { return cudaEventQuery(event); },
      [&] { return cudaEventSynchronize(event); },
      [&] {
        return cublasCreate(&handle) == CUBLAS_STATUS_ALLOC_FAILED ? cudaErrorStreamCaptureUnsupported : cudaSuccess;
      }};
  for (const auto mode : {cudaStreamCaptureModeGlobal, cudaStreamCaptureModeThreadLocal})
    for (const auto& call : forbidden) {
      cudaGraph_t graph = reinterpret_cast<cudaGraph_t>(&p);
      REQUIRE(cudaStreamBeginCapture(s, mode) == cudaSuccess);
      CHECK(call() == cudaErrorStreamCaptureUnsupported);
      CHECK(status_of(s) == cudaStreamCaptureStatusInvalidated);
      CHECK(launch_set(x.p, 1, 1, s) == cudaErrorStreamCaptureInvalidated);
      CHECK(cudaStreamEndCapture(s, &graph) == cudaErrorStreamCaptureInvalidated);
      CHECK(graph == nullptr);
      CHECK(status_of(s) == cudaStreamCaptureStatusNone);
      CHECK(launch_set(x.p, 1, 1, s) == cudaSuccess);
    }
  CHECK(cudaEventDestroy(event) == cudaSuccess);
}

TEST_CASE("a relaxed capture allows allocations and no synchronisation of its stream") {
  const fresh f;
  const stream s;
  cudaGraph_t graph = nullptr;
  float* p = nullptr;
  REQUIRE(cudaStreamBeginCapture(s, cudaStreamCaptureModeRelaxed) == cudaSuccess);
  CHECK(cudaMalloc(&p, 4) == cudaSuccess);
  CHECK(cudaFree(p) == cudaSuccess);
  CHECK(status_of(s) == cudaStreamCaptureStatusActive);
  CHECK(cudaStreamSynchronize(s) == cudaErrorStreamCaptureUnsupported);
  CHECK(cudaStreamEndCapture(s, &graph) == cudaErrorStreamCaptureInvalidated);
}

TEST_CASE("a capture forbids other threads what its mode says") {
  const fresh f;
  const stream s;
  for (const auto mode : {cudaStreamCaptureModeGlobal, cudaStreamCaptureModeThreadLocal}) {
    const bool global = mode == cudaStreamCaptureModeGlobal;
    cudaGraph_t graph = nullptr;
    REQUIRE(cudaStreamBeginCapture(s, mode) == cudaSuccess);
    cudaError_t allocated = cudaErrorUnknown, ended = cudaErrorUnknown;
    std::thread([&] {
      float* p = nullptr;
      allocated = cudaMalloc(&p, 4);
      if (p) (void)cudaFree(p);
      ended = cudaStreamEndCapture(s, &graph);
    }).join();
    CHECK(allocated == (global ? cudaErrorStreamCaptureUnsupported : cudaSuccess));
    CHECK(ended == cudaErrorStreamCaptureWrongThread);
    CHECK(cudaStreamEndCapture(s, &graph) == (global ? cudaErrorStreamCaptureInvalidated : cudaSuccess));
    if (graph) CHECK(cudaGraphDestroy(graph) == cudaSuccess);
  }
}

TEST_CASE("captures begin and end once on a stream of their own") {
  const fresh f;
  const stream s, blocking(cudaStreamDefault);
  device_array<int> x(1);
  cudaGraph_t graph = nullptr;
  CHECK(cudaStreamBeginCapture(nullptr, cudaStreamCaptureModeGlobal) == cudaErrorStreamCaptureUnsupported);
  CHECK(cudaStreamEndCapture(s, &graph) == cudaErrorIllegalState);
  REQUIRE(cudaStreamBeginCapture(s, cudaStreamCaptureModeGlobal) == cudaSuccess);
  CHECK(cudaStreamBeginCapture(s, cudaStreamCaptureModeGlobal) == cudaErrorIllegalState);
  CHECK(launch_set(x.p, 1, 1, nullptr) == cudaSuccess);
  cudaEvent_t event = nullptr;
  REQUIRE(cudaEventCreateWithFlags(&event, cudaEventDisableTiming) == cudaSuccess);
  CHECK(cudaEventRecord(event, s) == cudaSuccess);
  CHECK(cudaEventQuery(event) == cudaErrorCapturedEvent);
  CHECK(cudaStreamEndCapture(s, &graph) == cudaErrorStreamCaptureInvalidated);
  CHECK(cudaEventDestroy(event) == cudaSuccess);

  REQUIRE(cudaStreamBeginCapture(blocking, cudaStreamCaptureModeGlobal) == cudaSuccess);
  cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
  CHECK(cudaStreamIsCapturing(nullptr, &status) == cudaErrorStreamCaptureImplicit);
  CHECK(launch_set(x.p, 1, 1, nullptr) == cudaErrorStreamCaptureImplicit);
  CHECK(cudaStreamEndCapture(blocking, &graph) == cudaErrorStreamCaptureInvalidated);

  stream dropped;
  REQUIRE(cudaStreamBeginCapture(dropped, cudaStreamCaptureModeGlobal) == cudaSuccess);
  REQUIRE(launch_set(x.p, 1, 1, dropped) == cudaSuccess);
}

namespace {

cublasStatus_t gemm(cublasHandle_t h, cublasOperation_t ta, cublasOperation_t tb, std::int64_t m, std::int64_t n,
                    std::int64_t k, const float* alpha, const float* a, std::int64_t lda, const float* b,
                    std::int64_t ldb, const float* beta, float* c, std::int64_t ldc) {
  return cublasSgemm_64(h, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}
cublasStatus_t gemm(cublasHandle_t h, cublasOperation_t ta, cublasOperation_t tb, std::int64_t m, std::int64_t n,
                    std::int64_t k, const double* alpha, const double* a, std::int64_t lda, const double* b,
                    std::int64_t ldb, const double* beta, double* c, std::int64_t ldc) {
  return cublasDgemm_64(h, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

struct handle {
  handle() { REQUIRE(cublasCreate(&h) == CUBLAS_STATUS_SUCCESS); }
  ~handle() { CHECK(cublasDestroy(h) == CUBLAS_STATUS_SUCCESS); }
  operator cublasHandle_t() const { return h; }
  cublasHandle_t h = nullptr;
};

/// sum_p op(a)(i, p) op(b)(p, j), from the definition and in double.
template <class T>
double entry(const std::vector<T>& a, std::size_t lda, bool ta, const std::vector<T>& b, std::size_t ldb, bool tb,
             std::size_t k, std::size_t i, std::size_t j) {
  double sum = 0;
  for (std::size_t p = 0; p < k; ++p)
    sum += double(a[ta ? i * lda + p : p * lda + i]) * double(b[tb ? p * ldb + j : j * ldb + p]);
  return sum;
}

template <class T>
constexpr double tolerance = std::is_same_v<T, float> ? 1e-5 : 1e-13;

}  // namespace

TEST_CASE_TEMPLATE("cuBLAS multiplies column-major matrices", T, float, double) {
  const fresh f;
  const handle h;
  const std::size_t m = 5, n = 7, k = 4, ld = 9;
  const auto a = random_values<T>(ld * ld, 1), b = random_values<T>(ld * ld, 2), c = random_values<T>(ld * n, 3);
  const device_array<T> da(a), db(b);
  for (const auto ta : {CUBLAS_OP_N, CUBLAS_OP_T, CUBLAS_OP_C})
    for (const auto tb : {CUBLAS_OP_N, CUBLAS_OP_T})
      for (const double scale : {1.0, -0.5, 0.0})
        for (const double keep : {0.0, 1.0, 0.5}) {
          CAPTURE(int(ta));
          CAPTURE(int(tb));
          CAPTURE(scale);
          CAPTURE(keep);
          // With keep = 0 the old values are NaN; with scale = 0 the factors are.
          device_array<T> dc(c);
          const device_array<T> nan(ld * ld);
          if (keep == 0.0) (void)cudaMemsetAsync(dc.p, 0xFF, ld * n * sizeof(T), nullptr);
          const T alpha = T(scale), beta = T(keep);
          REQUIRE(gemm(h, ta, tb, m, n, k, &alpha, scale == 0.0 ? nan.p : da.p, ld, scale == 0.0 ? nan.p : db.p, ld,
                       &beta, dc.p, ld) == CUBLAS_STATUS_SUCCESS);
          const auto found = dc.values();
          for (std::size_t j = 0; j < n; ++j)
            for (std::size_t i = 0; i < ld; ++i) {
              const double old = double(c[j * ld + i]), value = double(found[j * ld + i]);
              if (i < m) {
                const double product = entry(a, ld, ta != CUBLAS_OP_N, b, ld, tb != CUBLAS_OP_N, k, i, j);
                CHECK(std::abs(value - (scale * product + keep * old)) < 10 * tolerance<T>);
              } else {
                CHECK((keep == 0.0 ? std::isnan(value) : value == old));
              }
            }
        }
}

TEST_CASE("cuBLAS in 32-bit sizes gives the same bits") {
  const fresh f;
  const handle h;
  const device_array<float> a(random_values<float>(12, 1)), b(random_values<float>(20, 2)), c(15), d(15);
  const device_array<double> p(random_values<double>(12, 1)), q(random_values<double>(20, 2)), r(15), s(15);
  const float one = 1, zero = 0;
  const double uno = 1, nil = 0;
  CHECK(cublasSgemm(h, CUBLAS_OP_N, CUBLAS_OP_N, 3, 5, 4, &one, a.p, 3, b.p, 4, &zero, c.p, 3) == 0);
  CHECK(cublasSgemm_64(h, CUBLAS_OP_N, CUBLAS_OP_N, 3, 5, 4, &one, a.p, 3, b.p, 4, &zero, d.p, 3) == 0);
  CHECK(cublasDgemm(h, CUBLAS_OP_N, CUBLAS_OP_N, 3, 5, 4, &uno, p.p, 3, q.p, 4, &nil, r.p, 3) == 0);
  CHECK(cublasDgemm_64(h, CUBLAS_OP_N, CUBLAS_OP_N, 3, 5, 4, &uno, p.p, 3, q.p, 4, &nil, s.p, 3) == 0);
  CHECK(c.values() == d.values());
  CHECK(r.values() == s.values());
  CHECK(host::counted().gemms == 4);
}

TEST_CASE("cuBLAS refuses wrong arguments") {
  const fresh f;
  const handle h;
  const device_array<float> x(64);
  const float one = 1;
  std::vector<float> on_host(64);
  const auto call = [&](cublasOperation_t ta, cublasOperation_t tb, std::int64_t m, std::int64_t n, std::int64_t k,
                        std::int64_t lda, std::int64_t ldb, std::int64_t ldc) {
    return cublasSgemm_64(h, ta, tb, m, n, k, &one, x.p, lda, x.p, ldb, &one, x.p, ldc);
  };
  const auto N = CUBLAS_OP_N, T = CUBLAS_OP_T;
  CHECK(call(N, N, 2, 3, 4, 2, 4, 2) == CUBLAS_STATUS_SUCCESS);
  CHECK(call(T, T, 2, 3, 4, 4, 3, 2) == CUBLAS_STATUS_SUCCESS);
  CHECK(call(N, N, 2, 3, 4, 1, 4, 2) == CUBLAS_STATUS_INVALID_VALUE);
  CHECK(call(N, N, 2, 3, 4, 2, 3, 2) == CUBLAS_STATUS_INVALID_VALUE);
  CHECK(call(N, N, 2, 3, 4, 2, 4, 1) == CUBLAS_STATUS_INVALID_VALUE);
  CHECK(call(T, N, 2, 3, 4, 3, 4, 2) == CUBLAS_STATUS_INVALID_VALUE);
  CHECK(call(N, T, 2, 3, 4, 2, 2, 2) == CUBLAS_STATUS_INVALID_VALUE);
  CHECK(call(N, N, 0, 0, 0, 0, 1, 1) == CUBLAS_STATUS_INVALID_VALUE);
  CHECK(call(N, N, 0, 3, 4, 1, 4, 1) == CUBLAS_STATUS_SUCCESS);
  CHECK(call(N, N, -1, 3, 4, 2, 4, 2) == CUBLAS_STATUS_INVALID_VALUE);
  CHECK(call(static_cast<cublasOperation_t>(3), N, 2, 3, 4, 4, 4, 4) == CUBLAS_STATUS_INVALID_VALUE);
  CHECK(call(N, N, 8, 8, 9, 8, 9, 8) == CUBLAS_STATUS_EXECUTION_FAILED);
  CHECK(cublasSgemm_64(h, N, N, 1, 1, 1, nullptr, x.p, 1, x.p, 1, &one, x.p, 1) == CUBLAS_STATUS_INVALID_VALUE);
  CHECK(cublasSgemm_64(h, N, N, 1, 1, 1, &one, on_host.data(), 1, x.p, 1, &one, x.p, 1) ==
        CUBLAS_STATUS_EXECUTION_FAILED);
  CHECK(cublasSgemm_64(nullptr, N, N, 1, 1, 1, &one, x.p, 1, x.p, 1, &one, x.p, 1) ==
        CUBLAS_STATUS_NOT_INITIALIZED);
  CHECK(std::string(cublasGetStatusName(CUBLAS_STATUS_INVALID_VALUE)) == "CUBLAS_STATUS_INVALID_VALUE");
  CHECK(std::string(cublasGetStatusString(CUBLAS_STATUS_SUCCESS)) == "success");
}

TEST_CASE("tf32 keeps ten bits of the factors") {
  const fresh f;
  const handle h;
  const float fine = 1 + 0x1p-12f, coarse = 1 + 0x1p-10f, one = 1, zero = 0;
  const device_array<float> a(std::vector<float>{fine}), b(std::vector<float>{coarse}), c(1);
  const auto product = [&] {
    REQUIRE(cublasSgemm_64(h, CUBLAS_OP_N, CUBLAS_OP_N, 1, 1, 1, &one, a.p, 1, b.p, 1, &zero, c.p, 1) == 0);
    return c.values()[0];
  };
  cublasMath_t mode = CUBLAS_PEDANTIC_MATH;
  REQUIRE(cublasGetMathMode(h, &mode) == CUBLAS_STATUS_SUCCESS);
  CHECK(mode == CUBLAS_DEFAULT_MATH);
  CHECK(product() == fine * coarse);
  REQUIRE(cublasSetMathMode(h, CUBLAS_TF32_TENSOR_OP_MATH) == CUBLAS_STATUS_SUCCESS);
  CHECK(product() == coarse);
  CHECK(cublasSetMathMode(h, static_cast<cublasMath_t>(12)) == CUBLAS_STATUS_INVALID_VALUE);
  CHECK(host::as_tf32(1 + 0x1.8p-11f) == 1 + 0x1p-10f);
  CHECK(host::as_tf32(1 + 0x1p-11f) == 1);
  CHECK(std::isnan(host::as_tf32(std::numeric_limits<float>::quiet_NaN())));
  CHECK(host::as_tf32(-std::numeric_limits<float>::infinity()) == -std::numeric_limits<float>::infinity());
}

TEST_CASE("cuBLAS works on its stream with scalars of the call") {
  const fresh f;
  const stream s;
  const handle h;
  const device_array<float> x(std::vector<float>{3}), y(std::vector<float>{5}), z(1);
  float one = 1, zero = 0;
  cudaStream_t found = nullptr;
  REQUIRE(cublasSetStream(h, s) == CUBLAS_STATUS_SUCCESS);
  REQUIRE(cublasGetStream(h, &found) == CUBLAS_STATUS_SUCCESS);
  CHECK(found == s.s);
  const auto multiply = [&] {
    return cublasSgemm_64(h, CUBLAS_OP_N, CUBLAS_OP_N, 1, 1, 1, &one, x.p, 1, y.p, 1, &zero, z.p, 1);
  };
  host::defer_work(true);
  REQUIRE(multiply() == CUBLAS_STATUS_SUCCESS);
  one = 7;
  CHECK(std::isnan(z.values()[0]));
  REQUIRE(cudaStreamSynchronize(s) == cudaSuccess);
  CHECK(z.values()[0] == 15);
  one = 2;
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t exec = nullptr;
  REQUIRE(cudaStreamBeginCapture(s, cudaStreamCaptureModeGlobal) == cudaSuccess);
  REQUIRE(multiply() == CUBLAS_STATUS_SUCCESS);
  REQUIRE(cudaStreamEndCapture(s, &graph) == cudaSuccess);
  REQUIRE(cudaGraphInstantiate(&exec, graph, 0) == cudaSuccess);
  REQUIRE(cudaGraphLaunch(exec, s) == cudaSuccess);
  REQUIRE(cudaStreamSynchronize(s) == cudaSuccess);
  CHECK(z.values()[0] == 30);
  CHECK(cudaGraphExecDestroy(exec) == cudaSuccess);
  CHECK(cudaGraphDestroy(graph) == cudaSuccess);
}

TEST_CASE("a captured product without a workspace is counted") {
  const fresh f;
  const stream s;
  const handle h;
  const device_array<float> x(std::vector<float>{3});
  const device_array<char> workspace(4096);
  const float one = 1;
  const auto capture_one = [&] {
    cudaGraph_t graph = nullptr;
    REQUIRE(cudaStreamBeginCapture(s, cudaStreamCaptureModeGlobal) == cudaSuccess);
    REQUIRE(cublasSgemm_64(h, CUBLAS_OP_N, CUBLAS_OP_N, 1, 1, 1, &one, x.p, 1, x.p, 1, &one, x.p, 1) == 0);
    REQUIRE(cudaStreamEndCapture(s, &graph) == cudaSuccess);
    REQUIRE(cudaGraphDestroy(graph) == cudaSuccess);
    return host::counted().gemms_captured_without_workspace;
  };
  REQUIRE(cublasSetWorkspace(h, workspace.p, 4096) == CUBLAS_STATUS_SUCCESS);
  // Setting the stream gives up the workspace.
  REQUIRE(cublasSetStream(h, s) == CUBLAS_STATUS_SUCCESS);
  CHECK(capture_one() == 1);
  REQUIRE(cublasSetWorkspace(h, workspace.p, 4096) == CUBLAS_STATUS_SUCCESS);
  CHECK(capture_one() == 1);
  CHECK(cublasSetWorkspace(h, workspace.p + 16, 4000) == CUBLAS_STATUS_INVALID_VALUE);
  CHECK(cublasSetWorkspace(h, workspace.p, 5000) == CUBLAS_STATUS_INVALID_VALUE);
}

namespace {

/// One product of cuBLASLt: D [m, n] = epilogue(alpha op(A) B + beta C), with op(A) = A'.
template <class T>
struct lt_case {
  static constexpr auto type = std::is_same_v<T, float> ? CUDA_R_32F : CUDA_R_64F;
  static constexpr std::uint64_t m = 6, n = 5, k = 3;

  explicit lt_case(std::uint32_t epilogue, cublasComputeType_t compute, const T* bias) {
    REQUIRE(cublasLtCreate(&lt) == CUBLAS_STATUS_SUCCESS);
    REQUIRE(cublasLtMatmulDescCreate(&descriptor, compute, type) == CUBLAS_STATUS_SUCCESS);
    set(CUBLASLT_MATMUL_DESC_TRANSA, std::int32_t(CUBLAS_OP_T));
    set(CUBLASLT_MATMUL_DESC_TRANSB, std::int32_t(CUBLAS_OP_N));
    set(CUBLASLT_MATMUL_DESC_EPILOGUE, epilogue);
    set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, static_cast<const void*>(bias));
    REQUIRE(cublasLtMatrixLayoutCreate(&a, type, k, m, 4) == CUBLAS_STATUS_SUCCESS);
    REQUIRE(cublasLtMatrixLayoutCreate(&b, type, k, n, 4) == CUBLAS_STATUS_SUCCESS);
    REQUIRE(cublasLtMatrixLayoutCreate(&d, type, m, n, 8) == CUBLAS_STATUS_SUCCESS);
    REQUIRE(cublasLtMatmulPreferenceCreate(&preference) == CUBLAS_STATUS_SUCCESS);
  }
  ~lt_case() {
    CHECK(cublasLtMatmulPreferenceDestroy(preference) == CUBLAS_STATUS_SUCCESS);
    for (const auto layout : {a, b, d}) CHECK(cublasLtMatrixLayoutDestroy(layout) == CUBLAS_STATUS_SUCCESS);
    CHECK(cublasLtMatmulDescDestroy(descriptor) == CUBLAS_STATUS_SUCCESS);
    CHECK(cublasLtDestroy(lt) == CUBLAS_STATUS_SUCCESS);
  }

  template <class V>
  void set(cublasLtMatmulDescAttributes_t which, V value) {
    REQUIRE(cublasLtMatmulDescSetAttribute(descriptor, which, &value, sizeof value) == CUBLAS_STATUS_SUCCESS);
  }
  template <class V>
  void prefer(cublasLtMatmulPreferenceAttributes_t which, V value) {
    REQUIRE(cublasLtMatmulPreferenceSetAttribute(preference, which, &value, sizeof value) == CUBLAS_STATUS_SUCCESS);
  }
  cublasStatus_t search() {
    int found = -1;
    const auto status =
        cublasLtMatmulAlgoGetHeuristic(lt, descriptor, a, b, d, d, preference, 1, &result, &found);
    CHECK(found == (status == CUBLAS_STATUS_SUCCESS ? 1 : 0));
    return status;
  }
  cublasStatus_t run(T alpha, const T* pa, const T* pb, T beta, T* pd, const cublasLtMatmulAlgo_t* algo,
                     void* workspace = nullptr, std::size_t bytes = 0, cudaStream_t s = nullptr) {
    return cublasLtMatmul(lt, descriptor, &alpha, pa, a, pb, b, &beta, pd, d, pd, d, algo, workspace, bytes, s);
  }

  cublasLtHandle_t lt = nullptr;
  cublasLtMatmulDesc_t descriptor = nullptr;
  cublasLtMatrixLayout_t a = nullptr, b = nullptr, d = nullptr;
  cublasLtMatmulPreference_t preference = nullptr;
  cublasLtMatmulHeuristicResult_t result{};
};

}  // namespace

TEST_CASE_TEMPLATE("cuBLASLt multiplies and applies bias and relu", T, float, double) {
  const fresh f;
  const auto compute = std::is_same_v<T, float> ? CUBLAS_COMPUTE_32F : CUBLAS_COMPUTE_64F;
  const auto a = random_values<T>(4 * 6, 1), b = random_values<T>(4 * 5, 2), bias = random_values<T>(6, 3);
  const auto old = random_values<T>(8 * 5, 4);
  const device_array<T> da(a), db(b), dbias(bias);
  for (const std::uint32_t epilogue : {CUBLASLT_EPILOGUE_DEFAULT, CUBLASLT_EPILOGUE_RELU, CUBLASLT_EPILOGUE_BIAS,
                                       CUBLASLT_EPILOGUE_RELU_BIAS})
    for (const double beta : {0.0, 0.5}) {
      const device_array<T> dd(old);
      if (beta == 0.0) (void)cudaMemsetAsync(dd.p, 0xFF, old.size() * sizeof(T), nullptr);
      lt_case<T> c(epilogue, compute, dbias.p);
      REQUIRE(c.search() == CUBLAS_STATUS_SUCCESS);
      REQUIRE(c.run(T(2), da.p, db.p, T(beta), dd.p, &c.result.algo) == CUBLAS_STATUS_SUCCESS);
      const auto found = dd.values();
      for (std::size_t j = 0; j < 5; ++j)
        for (std::size_t i = 0; i < 6; ++i) {
          double expected = 2 * entry(a, 4, true, b, 4, false, 3, i, j);
          if (beta != 0.0) expected += beta * double(old[j * 8 + i]);
          if (epilogue & CUBLASLT_EPILOGUE_BIAS) expected += double(bias[i]);
          if (epilogue & CUBLASLT_EPILOGUE_RELU) expected = std::max(expected, 0.0);
          CHECK(std::abs(double(found[j * 8 + i]) - expected) < 10 * tolerance<T>);
        }
    }
  CHECK(host::counted().gemms == 8);
}

TEST_CASE("an algorithm of cuBLASLt serves the promised alignment and workspace only") {
  const fresh f;
  const device_array<float> a(4 * 6 + 1), b(4 * 5), d(8 * 5), bias(8);
  const device_array<char> workspace(1 << 20);
  lt_case<float> c(CUBLASLT_EPILOGUE_BIAS, CUBLAS_COMPUTE_32F, bias.p);
  c.prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, std::uint64_t(1 << 19));
  REQUIRE(c.search() == CUBLAS_STATUS_SUCCESS);
  CHECK(c.result.workspaceSize == 1 << 19);
  const auto run = [&](const float* pa, std::size_t bytes) {
    return c.run(1, pa, b.p, 0, d.p, &c.result.algo, workspace.p, bytes);
  };
  CHECK(run(a.p, 1 << 19) == CUBLAS_STATUS_SUCCESS);
  CHECK(run(a.p, (1 << 19) - 1) == CUBLAS_STATUS_INVALID_VALUE);
  CHECK(run(a.p, 2 << 20) == CUBLAS_STATUS_INVALID_VALUE);
  CHECK(run(a.p + 1, 1 << 19) == CUBLAS_STATUS_INVALID_VALUE);
  c.prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, std::uint32_t(4));
  REQUIRE(c.search() == CUBLAS_STATUS_SUCCESS);
  CHECK(run(a.p + 1, 1 << 19) == CUBLAS_STATUS_SUCCESS);
  // The bias pointer of the search is a promise as well.
  c.set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, static_cast<const void*>(bias.p + 2));
  CHECK(run(a.p, 1 << 19) == CUBLAS_STATUS_INVALID_VALUE);
  REQUIRE(c.search() == CUBLAS_STATUS_SUCCESS);
  CHECK(run(a.p, 1 << 19) == CUBLAS_STATUS_SUCCESS);
  c.set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, static_cast<const void*>(bias.p + 3));
  CHECK(run(a.p, 1 << 19) == CUBLAS_STATUS_INVALID_VALUE);
  // Without an algorithm the call looks for one that fits.
  c.set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, static_cast<const void*>(bias.p + 1));
  CHECK(c.run(1, a.p + 1, b.p, 0, d.p, nullptr) == CUBLAS_STATUS_SUCCESS);
  c.set(CUBLASLT_MATMUL_DESC_EPILOGUE, std::uint32_t(CUBLASLT_EPILOGUE_RELU_BIAS));
  CHECK(run(a.p, 1 << 19) == CUBLAS_STATUS_NOT_SUPPORTED);
}

TEST_CASE("cuBLASLt refuses wrong arguments") {
  const fresh f;
  const device_array<float> a(4 * 6), b(4 * 5), d(8 * 5), bias(6);
  {
    lt_case<float> c(CUBLASLT_EPILOGUE_BIAS, CUBLAS_COMPUTE_32F, nullptr);
    CHECK(c.search() == CUBLAS_STATUS_SUCCESS);
    CHECK(c.run(1, a.p, b.p, 0, d.p, nullptr) == CUBLAS_STATUS_INVALID_VALUE);
    c.set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, static_cast<const void*>(bias.p + 2));
    CHECK(c.run(1, a.p, b.p, 0, d.p, nullptr) == CUBLAS_STATUS_EXECUTION_FAILED);
    CHECK(c.run(1, nullptr, b.p, 0, d.p, nullptr) == CUBLAS_STATUS_INVALID_VALUE);
    c.set(CUBLASLT_MATMUL_DESC_EPILOGUE, std::uint32_t(32));
    CHECK(c.search() == CUBLAS_STATUS_NOT_SUPPORTED);
    c.set(CUBLASLT_MATMUL_DESC_EPILOGUE, std::uint32_t(CUBLASLT_EPILOGUE_DEFAULT));
    c.set(CUBLASLT_MATMUL_DESC_TRANSA, std::int32_t(CUBLAS_OP_N));
    CHECK(c.search() == CUBLAS_STATUS_INVALID_VALUE);
    const std::int64_t wide = 1;
    CHECK(cublasLtMatmulDescSetAttribute(c.descriptor, CUBLASLT_MATMUL_DESC_TRANSA, &wide, sizeof wide) ==
          CUBLAS_STATUS_INVALID_VALUE);
    host::fail_call("cublasLtMatmulAlgoGetHeuristic", CUBLAS_STATUS_NOT_SUPPORTED);
    int found = 3;
    CHECK(cublasLtMatmulAlgoGetHeuristic(c.lt, c.descriptor, c.a, c.b, c.d, c.d, c.preference, 1, &c.result,
                                         &found) == CUBLAS_STATUS_NOT_SUPPORTED);
  }
  lt_case<float> mixed(CUBLASLT_EPILOGUE_DEFAULT, CUBLAS_COMPUTE_64F, nullptr);
  CHECK(mixed.search() == CUBLAS_STATUS_NOT_SUPPORTED);
  cublasLtMatrixLayout_t narrow = nullptr, empty = nullptr;
  REQUIRE(cublasLtMatrixLayoutCreate(&narrow, CUDA_R_32F, 8, 3, 7) == CUBLAS_STATUS_SUCCESS);
  REQUIRE(cublasLtMatrixLayoutCreate(&empty, CUDA_R_32F, 3, 0, 4) == CUBLAS_STATUS_SUCCESS);
  std::swap(mixed.b, narrow);
  CHECK(mixed.search() == CUBLAS_STATUS_INVALID_VALUE);
  std::swap(mixed.b, empty);
  CHECK(mixed.search() == CUBLAS_STATUS_INVALID_VALUE);
  CHECK(cublasLtMatrixLayoutDestroy(narrow) == CUBLAS_STATUS_SUCCESS);
  CHECK(cublasLtMatrixLayoutDestroy(empty) == CUBLAS_STATUS_SUCCESS);
}

TEST_CASE("cuBLASLt can be captured and can use tf32") {
  const fresh f;
  const stream s;
  const device_array<float> a(std::vector<float>(4 * 6, 1 + 0x1p-12f)), b(std::vector<float>(4 * 5, 1)), d(8 * 5);
  lt_case<float> c(CUBLASLT_EPILOGUE_DEFAULT, CUBLAS_COMPUTE_32F_FAST_TF32, nullptr);
  REQUIRE(c.search() == CUBLAS_STATUS_SUCCESS);
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t exec = nullptr;
  REQUIRE(cudaStreamBeginCapture(s, cudaStreamCaptureModeGlobal) == cudaSuccess);
  REQUIRE(c.run(1, a.p, b.p, 0, d.p, &c.result.algo, nullptr, 0, s) == CUBLAS_STATUS_SUCCESS);
  REQUIRE(cudaStreamEndCapture(s, &graph) == cudaSuccess);
  CHECK(std::isnan(d.values()[0]));
  REQUIRE(cudaGraphInstantiate(&exec, graph, 0) == cudaSuccess);
  REQUIRE(cudaGraphLaunch(exec, s) == cudaSuccess);
  CHECK(d.values()[0] == 3);
  CHECK(cudaGraphExecDestroy(exec) == cudaSuccess);
  CHECK(cudaGraphDestroy(graph) == cudaSuccess);
}
