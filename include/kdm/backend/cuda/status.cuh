/// Errors of CUDA and cuBLAS as exceptions that name the call.
#pragma once

#include <cublas_v2.h>
#include <cuda_runtime.h>

#include <utility>

#include "kdm/core/error.hpp"

#if !defined(__CUDACC__) && !defined(KDM_CUDA_ON_HOST)
#error "kdm/backend/cuda.cuh: include it in a .cu file, which nvcc compiles"
#endif

namespace kdm {

namespace detail {

/// Throws device_error: "cudaMalloc(4096): out of memory (cudaErrorMemoryAllocation)".
template <class... Call>
void check_cuda(cudaError_t status, const Call&... call) {
  if (status == cudaSuccess) return;
  (void)cudaGetLastError();  // so that the next launch does not report this error again
  fail<device_error>(call..., ": ", cudaGetErrorString(status), " (", cudaGetErrorName(status), ")");
}

template <class... Call>
void check_cublas(cublasStatus_t status, const Call&... call) {
  if (status != CUBLAS_STATUS_SUCCESS) fail<device_error>(call..., ": ", cublasGetStatusString(status));
}

/// A handle of the toolkit that Destroy gives back.
template <class Handle, auto Destroy>
class owned {
 public:
  owned() = default;
  explicit owned(Handle handle) : handle_(handle) {}
  owned(owned&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  owned& operator=(owned&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~owned() {
    if (handle_) (void)Destroy(handle_);
  }
  Handle get() const { return handle_; }
  Handle* place() { return &handle_; }
  explicit operator bool() const { return handle_ != nullptr; }

 private:
  Handle handle_ = nullptr;
};

}  // namespace detail

/// Number of devices; 0 also where there is no driver.
inline int cuda_device_count() {
  int n = 0;
  if (cudaGetDeviceCount(&n) != cudaSuccess) {
    (void)cudaGetLastError();
    return 0;
  }
  return n;
}

}  // namespace kdm
