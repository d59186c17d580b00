/// The descriptors of cuBLASLt, and the product that they describe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>

#include "cublas_v2.h"

enum cublasLtEpilogue_t {
  CUBLASLT_EPILOGUE_DEFAULT = 1,
  CUBLASLT_EPILOGUE_RELU = 2,
  CUBLASLT_EPILOGUE_BIAS = 4,
  CUBLASLT_EPILOGUE_RELU_BIAS = CUBLASLT_EPILOGUE_RELU | CUBLASLT_EPILOGUE_BIAS
};

enum cublasLtMatmulDescAttributes_t {
  CUBLASLT_MATMUL_DESC_TRANSA = 3,
  CUBLASLT_MATMUL_DESC_TRANSB = 4,
  CUBLASLT_MATMUL_DESC_EPILOGUE = 7,
  CUBLASLT_MATMUL_DESC_BIAS_POINTER = 8
};

enum cublasLtMatmulPreferenceAttributes_t {
  CUBLASLT_MATMUL_PREF_SEARCH_MODE = 0,
  CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES = 1,
  CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES = 5,
  CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES = 6,
  CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES = 7,
  CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES = 8
};

struct cublasLtContext {};
using cublasLtHandle_t = cublasLtContext*;

struct cublasLtMatmulDescOpaque_t {
  cublasComputeType_t compute;
  cudaDataType_t scale;
  std::int32_t transpose_a = CUBLAS_OP_N, transpose_b = CUBLAS_OP_N;
  std::uint32_t epilogue = CUBLASLT_EPILOGUE_DEFAULT;
  const void* bias = nullptr;
};
using cublasLtMatmulDesc_t = cublasLtMatmulDescOpaque_t*;

struct cublasLtMatrixLayoutOpaque_t {
  cudaDataType_t type;
  std::uint64_t rows, cols;
  std::int64_t ld;
};
using cublasLtMatrixLayout_t = cublasLtMatrixLayoutOpaque_t*;

struct cublasLtMatmulPreferenceOpaque_t {
  std::uint32_t search = 0;
  std::uint64_t workspace = 0;
  std::uint32_t alignment[4] = {256, 256, 256, 256};
};
using cublasLtMatmulPreference_t = cublasLtMatmulPreferenceOpaque_t*;

struct cublasLtMatmulAlgo_t {
  std::uint64_t data[8];
};

struct cublasLtMatmulHeuristicResult_t {
  cublasLtMatmulAlgo_t algo;
  std::size_t workspaceSize;
  cublasStatus_t state;
  float wavesCount;
  int reserved[4];
};

namespace cuda_on_host {

template <class T>
registry<T>& lt_objects() {
  static auto& objects = *new registry<T>;
  return objects;
}

template <class T>
cublasStatus_t lt_create(const char* function, T** to, T value) {
  return library_call(function, [&] {
    if (!to) return CUBLAS_STATUS_INVALID_VALUE;
    if (device_count() < 1) return CUBLAS_STATUS_NOT_INITIALIZED;
    *to = lt_objects<T>().add(std::make_unique<T>(value));
    ++the_machine().library_handles;
    return CUBLAS_STATUS_SUCCESS;
  });
}

template <class T>
cublasStatus_t lt_destroy(const char* function, T* object) {
  return library_call(function, [&] {
    if (!lt_objects<T>().remove(object)) return CUBLAS_STATUS_INVALID_VALUE;
    --the_machine().library_handles;
    return CUBLAS_STATUS_SUCCESS;
  });
}

/// Copies an attribute whose size must be right.
template <class T>
cublasStatus_t set_attribute(T& to, const void* from, std::size_t bytes) {
  if (!from || bytes != sizeof(T)) return CUBLAS_STATUS_INVALID_VALUE;
  std::memcpy(&to, from, bytes);
  return CUBLAS_STATUS_SUCCESS;
}

inline std::uint64_t alignment_of(const void* p) {
  std::uint64_t bytes = 256;
  while (reinterpret_cast<std::uintptr_t>(p) % bytes != 0) bytes /= 2;
  return bytes;
}

/// What kind of product the descriptors speak of.
struct lt_problem {
  const cublasLtMatmulDescOpaque_t& of;
  const cublasLtMatrixLayoutOpaque_t &a, &b, &c, &d;

  bool transpose_a() const { return of.transpose_a != CUBLAS_OP_N; }
  bool transpose_b() const { return of.transpose_b != CUBLAS_OP_N; }
  std::uint64_t m() const { return d.rows; }
  std::uint64_t n() const { return d.cols; }
  std::uint64_t k() const { return transpose_a() ? a.rows : a.cols; }
  bool has_bias() const { return (of.epilogue & CUBLASLT_EPILOGUE_BIAS) != 0; }

  /// Empty matrices are refused: the reference does not say what becomes of them.
  cublasStatus_t check() const {
    for (const auto* x : {&a, &b, &c, &d})
      if (x->rows == 0 || x->cols == 0 || x->ld < std::int64_t(x->rows)) return CUBLAS_STATUS_INVALID_VALUE;
    const std::uint64_t a_rows = transpose_a() ? a.cols : a.rows;
    const std::uint64_t b_rows = transpose_b() ? b.cols : b.rows, b_cols = transpose_b() ? b.rows : b.cols;
    if (a_rows != m() || b_rows != k() || b_cols != n() || c.rows != m() || c.cols != n())
      return CUBLAS_STATUS_INVALID_VALUE;
    const bool is_double = of.compute == CUBLAS_COMPUTE_64F || of.compute == CUBLAS_COMPUTE_64F_PEDANTIC;
    const cudaDataType_t type = is_double ? CUDA_R_64F : CUDA_R_32F;
    for (const auto* x : {&a, &b, &c, &d})
      if (x->type != type) return CUBLAS_STATUS_NOT_SUPPORTED;
    const bool known = of.epilogue == CUBLASLT_EPILOGUE_DEFAULT || of.epilogue == CUBLASLT_EPILOGUE_RELU ||
                       of.epilogue == CUBLASLT_EPILOGUE_BIAS || of.epilogue == CUBLASLT_EPILOGUE_RELU_BIAS;
    return of.scale == type && known ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_NOT_SUPPORTED;
  }

  /// One number for the problem, so that an algorithm for another one is noticed.
  std::uint64_t fingerprint() const {
    std::uint64_t h = of.epilogue;
    for (const std::uint64_t v : {m(), n(), k(), std::uint64_t(of.compute), std::uint64_t(transpose_a()),
                                  std::uint64_t(transpose_b()), std::uint64_t(a.ld), std::uint64_t(b.ld),
                                  std::uint64_t(c.ld), std::uint64_t(d.ld)})
      h = (h ^ v) * 0x100000001B3u;
    return h;
  }
};

/// The fields of cublasLtMatmulAlgo_t::data.
enum algorithm_field : std::size_t {
  for_problem,
  needs_workspace,
  aligned_a,
  aligned_b,
  aligned_c,
  aligned_d,
  aligned_bias
};

template <class... T>
bool lt_known(const T*... object) {
  return (lt_objects<T>().has(object) && ...);
}

template <class T>
cublasStatus_t lt_matmul(const lt_problem& x, const void* alpha, const void* a, const void* b, const void* beta,
                         const void* c, void* d, cudaStream_t stream) {
  product<T> y;
  y.transpose_a = x.transpose_a();
  y.transpose_b = x.transpose_b();
  y.m = std::int64_t(x.m()), y.n = std::int64_t(x.n()), y.k = std::int64_t(x.k());
  y.alpha = *static_cast<const T*>(alpha), y.beta = *static_cast<const T*>(beta);
  y.a = static_cast<const T*>(a), y.lda = x.a.ld;
  y.b = static_cast<const T*>(b), y.ldb = x.b.ld;
  y.c = static_cast<const T*>(c), y.ldc = x.c.ld;
  y.d = static_cast<T*>(d), y.ldd = x.d.ld;
  y.bias = x.has_bias() ? static_cast<const T*>(x.of.bias) : nullptr;
  y.relu = (x.of.epilogue & CUBLASLT_EPILOGUE_RELU) != 0;
  y.tf32 = x.of.compute == CUBLAS_COMPUTE_32F_FAST_TF32;
  return enqueue_product(y, stream, true);
}

}  // namespace cuda_on_host
