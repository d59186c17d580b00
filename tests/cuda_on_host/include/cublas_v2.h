/// cuBLAS, emulated on the host for tests: single and double products with host scalars.
///
/// Source.    NVIDIA, cuBLAS library reference, version 13.0; NVIDIA, CUDA C++ programming guide (captures).
#pragma once

#include <cstdint>

#include "cuda_on_host/gemm.hpp"
#include "cuda_runtime.h"

enum cublasStatus_t {
  CUBLAS_STATUS_SUCCESS = 0,
  CUBLAS_STATUS_NOT_INITIALIZED = 1,
  CUBLAS_STATUS_ALLOC_FAILED = 3,
  CUBLAS_STATUS_INVALID_VALUE = 7,
  CUBLAS_STATUS_ARCH_MISMATCH = 8,
  CUBLAS_STATUS_MAPPING_ERROR = 11,
  CUBLAS_STATUS_EXECUTION_FAILED = 13,
  CUBLAS_STATUS_INTERNAL_ERROR = 14,
  CUBLAS_STATUS_NOT_SUPPORTED = 15,
  CUBLAS_STATUS_LICENSE_ERROR = 16
};

enum cublasOperation_t { CUBLAS_OP_N = 0, CUBLAS_OP_T = 1, CUBLAS_OP_C = 2 };

enum cublasMath_t {
  CUBLAS_DEFAULT_MATH = 0,
  CUBLAS_TENSOR_OP_MATH = 1,
  CUBLAS_PEDANTIC_MATH = 2,
  CUBLAS_TF32_TENSOR_OP_MATH = 3,
  CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION = 16
};

enum cublasPointerMode_t { CUBLAS_POINTER_MODE_HOST = 0, CUBLAS_POINTER_MODE_DEVICE = 1 };

enum cublasComputeType_t {
  CUBLAS_COMPUTE_32F = 68,
  CUBLAS_COMPUTE_32F_PEDANTIC = 69,
  CUBLAS_COMPUTE_32F_FAST_TF32 = 77,
  CUBLAS_COMPUTE_64F = 70,
  CUBLAS_COMPUTE_64F_PEDANTIC = 71
};

struct cublasContext {
  cudaStream_t stream = nullptr;
  cublasMath_t math = CUBLAS_DEFAULT_MATH;
  cublasPointerMode_t pointers = CUBLAS_POINTER_MODE_HOST;
  void* workspace = nullptr;
};
using cublasHandle_t = cublasContext*;

namespace cuda_on_host {

struct status_text {
  cublasStatus_t code;
  const char *name, *text;
};

inline status_text describe(cublasStatus_t status) {
  static constexpr status_text known[] = {
      {CUBLAS_STATUS_SUCCESS, "CUBLAS_STATUS_SUCCESS", "success"},
      {CUBLAS_STATUS_NOT_INITIALIZED, "CUBLAS_STATUS_NOT_INITIALIZED", "the library was not initialized"},
      {CUBLAS_STATUS_ALLOC_FAILED, "CUBLAS_STATUS_ALLOC_FAILED", "the resource allocation failed"},
      {CUBLAS_STATUS_INVALID_VALUE, "CUBLAS_STATUS_INVALID_VALUE", "an unsupported value or parameter"},
      {CUBLAS_STATUS_ARCH_MISMATCH, "CUBLAS_STATUS_ARCH_MISMATCH", "not available on this architecture"},
      {CUBLAS_STATUS_MAPPING_ERROR, "CUBLAS_STATUS_MAPPING_ERROR", "an access to device memory failed"},
      {CUBLAS_STATUS_EXECUTION_FAILED, "CUBLAS_STATUS_EXECUTION_FAILED", "the program failed on the device"},
      {CUBLAS_STATUS_INTERNAL_ERROR, "CUBLAS_STATUS_INTERNAL_ERROR", "an internal operation failed"},
      {CUBLAS_STATUS_NOT_SUPPORTED, "CUBLAS_STATUS_NOT_SUPPORTED", "the function is not supported"},
      {CUBLAS_STATUS_LICENSE_ERROR, "CUBLAS_STATUS_LICENSE_ERROR", "the license could not be checked"},
  };
  for (const status_text& s : known)
    if (s.code == status) return s;
  return {status, "unknown status", "unknown status"};
}

inline registry<cublasContext>& cublas_handles() {
  static auto& handles = *new registry<cublasContext>;
  return handles;
}

/// One call of cuBLAS: one at a time and with faults.
template <class F>
cublasStatus_t library_call(const char* function, F body) {
  const std::lock_guard lock(the_machine().mutex);
  const auto fault = static_cast<cublasStatus_t>(injected_fault(function));
  return fault == CUBLAS_STATUS_SUCCESS ? body() : fault;
}

template <class F>
cublasStatus_t call_with(cublasHandle_t handle, const char* function, F body) {
  return library_call(function,
                      [&] { return cublas_handles().has(handle) ? body() : CUBLAS_STATUS_NOT_INITIALIZED; });
}

/// Whether [p, p + n) is device memory. A real device would fail later, and for good.
template <class T>
bool on_device(const T* p, std::size_t n) {
  return n == 0 || range_fits(p, n * sizeof(T), true);
}

template <class T>
cublasStatus_t enqueue_product(const product<T>& x, cudaStream_t stream, bool has_workspace) {
  if (x.m == 0 || x.n == 0) return CUBLAS_STATUS_SUCCESS;
  const bool reads = x.alpha != T(0);
  if (reads && (!on_device(x.a, x.transpose_a ? extent(x.k, x.m, x.lda) : extent(x.m, x.k, x.lda)) ||
                !on_device(x.b, x.transpose_b ? extent(x.n, x.k, x.ldb) : extent(x.k, x.n, x.ldb))))
    return CUBLAS_STATUS_EXECUTION_FAILED;
  if ((x.beta != T(0) && !on_device(x.c, extent(x.m, x.n, x.ldc))) || !on_device(x.d, extent(x.m, x.n, x.ldd)) ||
      (x.bias && !on_device(x.bias, std::size_t(x.m))))
    return CUBLAS_STATUS_EXECUTION_FAILED;
  CUgraphNode_st node;
  node.run = [x] { x.run(); };
  if (enqueue(stream, std::move(node)) != cudaSuccess) return CUBLAS_STATUS_EXECUTION_FAILED;
  ++the_machine().counted.gemms;
  if (!has_workspace && capturing(*find_stream(stream))) ++the_machine().counted.gemms_captured_without_workspace;
  return CUBLAS_STATUS_SUCCESS;
}

template <class T>
cublasStatus_t gemm(const char* function, cublasHandle_t handle, cublasOperation_t ta, cublasOperation_t tb,
                    std::int64_t m, std::int64_t n, std::int64_t k, const T* alpha, const T* a, std::int64_t lda,
                    const T* b, std::int64_t ldb, const T* beta, T* c, std::int64_t ldc) {
  return call_with(handle, function, [&] {
    const auto known = [](cublasOperation_t t) { return t >= CUBLAS_OP_N && t <= CUBLAS_OP_C; };
    if (!known(ta) || !known(tb) || m < 0 || n < 0 || k < 0 || !alpha || !beta) return CUBLAS_STATUS_INVALID_VALUE;
    const std::int64_t one = 1;
    if (lda < std::max(one, ta == CUBLAS_OP_N ? m : k) || ldb < std::max(one, tb == CUBLAS_OP_N ? k : n) ||
        ldc < std::max(one, m))
      return CUBLAS_STATUS_INVALID_VALUE;
    // The device would read what alpha and beta point to.
    if (handle->pointers == CUBLAS_POINTER_MODE_DEVICE) return CUBLAS_STATUS_EXECUTION_FAILED;
    product<T> x;
    x.transpose_a = ta != CUBLAS_OP_N;
    x.transpose_b = tb != CUBLAS_OP_N;
    x.m = m, x.n = n, x.k = k;
    x.alpha = *alpha, x.beta = *beta;
    x.a = a, x.lda = lda;
    x.b = b, x.ldb = ldb;
    x.c = x.d = c, x.ldc = x.ldd = ldc;
    x.tf32 = handle->math == CUBLAS_TF32_TENSOR_OP_MATH;
    return enqueue_product(x, handle->stream, handle->workspace != nullptr);
  });
}

}  // namespace cuda_on_host

inline const char* cublasGetStatusName(cublasStatus_t status) { return cuda_on_host::describe(status).name; }
inline const char* cublasGetStatusString(cublasStatus_t status) { return cuda_on_host::describe(status).text; }

/// Allocates on the device, so a capture forbids it.
inline cublasStatus_t cublasCreate(cublasHandle_t* handle) {
  return cuda_on_host::library_call(__func__, [&] {
    if (!handle) return CUBLAS_STATUS_INVALID_VALUE;
    if (cuda_on_host::device_count() < 1) return CUBLAS_STATUS_NOT_INITIALIZED;
    if (cuda_on_host::forbidden_by_capture()) return CUBLAS_STATUS_ALLOC_FAILED;
    *handle = cuda_on_host::cublas_handles().add();
    ++cuda_on_host::the_machine().library_handles;
    return CUBLAS_STATUS_SUCCESS;
  });
}

/// Waits for the device.
inline cublasStatus_t cublasDestroy(cublasHandle_t handle) {
  return cuda_on_host::call_with(handle, __func__, [&] {
    if (cuda_on_host::forbidden_by_capture()) return CUBLAS_STATUS_INTERNAL_ERROR;
    cuda_on_host::run_everything();
    cuda_on_host::cublas_handles().remove(handle);
    --cuda_on_host::the_machine().library_handles;
    return CUBLAS_STATUS_SUCCESS;
  });
}

/// Gives up a workspace that was set before, as the real function does.
inline cublasStatus_t cublasSetStream(cublasHandle_t handle, cudaStream_t stream) {
  return cuda_on_host::call_with(handle, __func__, [&] {
    handle->stream = stream;
    handle->workspace = nullptr;
    return CUBLAS_STATUS_SUCCESS;
  });
}

inline cublasStatus_t cublasGetStream(cublasHandle_t handle, cudaStream_t* stream) {
  return cuda_on_host::call_with(handle, __func__, [&] {
    if (!stream) return CUBLAS_STATUS_INVALID_VALUE;
    *stream = handle->stream;
    return CUBLAS_STATUS_SUCCESS;
  });
}

inline cublasStatus_t cublasSetWorkspace(cublasHandle_t handle, void* workspace, std::size_t bytes) {
  return cuda_on_host::call_with(handle, __func__, [&] {
    if (reinterpret_cast<std::uintptr_t>(workspace) % 256 != 0) return CUBLAS_STATUS_INVALID_VALUE;
    if (workspace && !cuda_on_host::range_fits(workspace, bytes, true)) return CUBLAS_STATUS_INVALID_VALUE;
    handle->workspace = workspace;
    return CUBLAS_STATUS_SUCCESS;
  });
}

inline cublasStatus_t cublasSetMathMode(cublasHandle_t handle, cublasMath_t mode) {
  return cuda_on_host::call_with(handle, __func__, [&] {
    const int base = int(mode) & ~int(CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION);
    if (base < CUBLAS_DEFAULT_MATH || base > CUBLAS_TF32_TENSOR_OP_MATH) return CUBLAS_STATUS_INVALID_VALUE;
    handle->math = mode;
    return CUBLAS_STATUS_SUCCESS;
  });
}

inline cublasStatus_t cublasGetMathMode(cublasHandle_t handle, cublasMath_t* mode) {
  return cuda_on_host::call_with(handle, __func__, [&] {
    if (!mode) return CUBLAS_STATUS_INVALID_VALUE;
    *mode = handle->math;
    return CUBLAS_STATUS_SUCCESS;
  });
}

/// Products in device mode are not emulated.
inline cublasStatus_t cublasSetPointerMode(cublasHandle_t handle, cublasPointerMode_t mode) {
  return cuda_on_host::call_with(handle, __func__, [&] {
    if (mode != CUBLAS_POINTER_MODE_HOST && mode != CUBLAS_POINTER_MODE_DEVICE) return CUBLAS_STATUS_INVALID_VALUE;
    handle->pointers = mode;
    return CUBLAS_STATUS_SUCCESS;
  });
}

inline cublasStatus_t cublasGetPointerMode(cublasHandle_t handle, cublasPointerMode_t* mode) {
  return cuda_on_host::call_with(handle, __func__, [&] {
    if (!mode) return CUBLAS_STATUS_INVALID_VALUE;
    *mode = handle->pointers;
    return CUBLAS_STATUS_SUCCESS;
  });
}

inline cublasStatus_t cublasSgemm(cublasHandle_t handle, cublasOperation_t ta, cublasOperation_t tb, int m, int n,
                                  int k, const float* alpha, const float* a, int lda, const float* b, int ldb,
                                  const float* beta, float* c, int ldc) {
  return cuda_on_host::gemm(__func__, handle, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

inline cublasStatus_t cublasDgemm(cublasHandle_t handle, cublasOperation_t ta, cublasOperation_t tb, int m, int n,
                                  int k, const double* alpha, const double* a, int lda, const double* b, int ldb,
                                  const double* beta, double* c, int ldc) {
  return cuda_on_host::gemm(__func__, handle, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

inline cublasStatus_t cublasSgemm_64(cublasHandle_t handle, cublasOperation_t ta, cublasOperation_t tb,
                                     std::int64_t m, std::int64_t n, std::int64_t k, const float* alpha,
                                     const float* a, std::int64_t lda, const float* b, std::int64_t ldb,
                                     const float* beta, float* c, std::int64_t ldc) {
  return cuda_on_host::gemm(__func__, handle, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

inline cublasStatus_t cublasDgemm_64(cublasHandle_t handle, cublasOperation_t ta, cublasOperation_t tb,
                                     std::int64_t m, std::int64_t n, std::int64_t k, const double* alpha,
                                     const double* a, std::int64_t lda, const double* b, std::int64_t ldb,
                                     const double* beta, double* c, std::int64_t ldc) {
  return cuda_on_host::gemm(__func__, handle, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}
