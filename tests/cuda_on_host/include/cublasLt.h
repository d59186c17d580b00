/// cuBLASLt, emulated on the host for tests: column-major products of one type, with bias and relu epilogues.
///
/// An algorithm from the heuristic fits the problem that it was asked for alone: its sizes, its workspace, and the
/// alignment that the preference (256 bytes unless set) and the bias pointer promised. cublasLtMatmul checks all three,
/// stricter than the real library, whose kernels may rely on them.
/// Source.    NVIDIA, cuBLAS library reference, version 13.0, "Using the cuBLASLt API".
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "cublas_v2.h"
#include "cuda_on_host/lt_problem.hpp"

inline cublasStatus_t cublasLtCreate(cublasLtHandle_t* handle) {
  return cuda_on_host::lt_create(__func__, handle, cublasLtContext{});
}
inline cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle) { return cuda_on_host::lt_destroy(__func__, handle); }

inline cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t* descriptor, cublasComputeType_t compute,
                                               cudaDataType_t scale) {
  return cuda_on_host::lt_create(__func__, descriptor, cublasLtMatmulDescOpaque_t{compute, scale});
}
inline cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t descriptor) {
  return cuda_on_host::lt_destroy(__func__, descriptor);
}

inline cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t descriptor,
                                                     cublasLtMatmulDescAttributes_t attribute, const void* from,
                                                     std::size_t bytes) {
  return cuda_on_host::library_call(__func__, [&] {
    if (!cuda_on_host::lt_known(descriptor)) return CUBLAS_STATUS_INVALID_VALUE;
    switch (attribute) {
      case CUBLASLT_MATMUL_DESC_TRANSA: return cuda_on_host::set_attribute(descriptor->transpose_a, from, bytes);
      case CUBLASLT_MATMUL_DESC_TRANSB: return cuda_on_host::set_attribute(descriptor->transpose_b, from, bytes);
      case CUBLASLT_MATMUL_DESC_EPILOGUE: return cuda_on_host::set_attribute(descriptor->epilogue, from, bytes);
      case CUBLASLT_MATMUL_DESC_BIAS_POINTER: return cuda_on_host::set_attribute(descriptor->bias, from, bytes);
    }
    return CUBLAS_STATUS_INVALID_VALUE;
  });
}

inline cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t* layout, cudaDataType type,
                                                 std::uint64_t rows, std::uint64_t cols, std::int64_t ld) {
  return cuda_on_host::lt_create(__func__, layout, cublasLtMatrixLayoutOpaque_t{type, rows, cols, ld});
}
inline cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout) {
  return cuda_on_host::lt_destroy(__func__, layout);
}

inline cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t* preference) {
  return cuda_on_host::lt_create(__func__, preference, cublasLtMatmulPreferenceOpaque_t{});
}
inline cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t preference) {
  return cuda_on_host::lt_destroy(__func__, preference);
}

inline cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t preference,
                                                           cublasLtMatmulPreferenceAttributes_t attribute,
                                                           const void* from, std::size_t bytes) {
  return cuda_on_host::library_call(__func__, [&] {
    if (!cuda_on_host::lt_known(preference)) return CUBLAS_STATUS_INVALID_VALUE;
    if (attribute == CUBLASLT_MATMUL_PREF_SEARCH_MODE)
      return cuda_on_host::set_attribute(preference->search, from, bytes);
    if (attribute == CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES)
      return cuda_on_host::set_attribute(preference->workspace, from, bytes);
    const int matrix = int(attribute) - int(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES);
    if (matrix < 0 || matrix > 3) return CUBLAS_STATUS_INVALID_VALUE;
    return cuda_on_host::set_attribute(preference->alignment[matrix], from, bytes);
  });
}

/// Gives one algorithm, which wants up to 1 MiB of the workspace allowed.
inline cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t handle, cublasLtMatmulDesc_t descriptor,
                                                     cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                                     cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                                     cublasLtMatmulPreference_t preference, int requested,
                                                     cublasLtMatmulHeuristicResult_t results[], int* found) {
  return cuda_on_host::library_call(__func__, [&] {
    if (!cuda_on_host::lt_known(handle)) return CUBLAS_STATUS_NOT_INITIALIZED;
    if (!found) return CUBLAS_STATUS_INVALID_VALUE;
    *found = 0;
    if (!cuda_on_host::lt_known(descriptor, a, b, c, d, preference) || requested < 1 || !results)
      return CUBLAS_STATUS_INVALID_VALUE;
    const cuda_on_host::lt_problem x{*descriptor, *a, *b, *c, *d};
    const cublasStatus_t status = x.check();
    if (status != CUBLAS_STATUS_SUCCESS) return status;
    results[0] = {};
    results[0].workspaceSize = std::size_t(std::min<std::uint64_t>(preference->workspace, 1u << 20));
    results[0].state = CUBLAS_STATUS_SUCCESS;
    results[0].wavesCount = 1;
    auto& algo = results[0].algo.data;
    algo[cuda_on_host::for_problem] = x.fingerprint();
    algo[cuda_on_host::needs_workspace] = results[0].workspaceSize;
    std::copy_n(preference->alignment, 4, algo + cuda_on_host::aligned_a);
    algo[cuda_on_host::aligned_bias] = x.has_bias() ? cuda_on_host::alignment_of(descriptor->bias) : 1;
    *found = 1;
    return CUBLAS_STATUS_SUCCESS;
  });
}

inline cublasStatus_t cublasLtMatmul(cublasLtHandle_t handle, cublasLtMatmulDesc_t descriptor, const void* alpha,
                                     const void* a, cublasLtMatrixLayout_t a_layout, const void* b,
                                     cublasLtMatrixLayout_t b_layout, const void* beta, const void* c,
                                     cublasLtMatrixLayout_t c_layout, void* d, cublasLtMatrixLayout_t d_layout,
                                     const cublasLtMatmulAlgo_t* algo, void* workspace, std::size_t workspace_bytes,
                                     cudaStream_t stream) {
  return cuda_on_host::library_call(__func__, [&] {
    using namespace cuda_on_host;
    if (!lt_known(handle)) return CUBLAS_STATUS_NOT_INITIALIZED;
    if (!lt_known(descriptor, a_layout, b_layout, c_layout, d_layout) || !alpha || !beta || !a || !b || !c || !d)
      return CUBLAS_STATUS_INVALID_VALUE;
    const lt_problem x{*descriptor, *a_layout, *b_layout, *c_layout, *d_layout};
    const cublasStatus_t status = x.check();
    if (status != CUBLAS_STATUS_SUCCESS) return status;
    if (x.has_bias() && !descriptor->bias) return CUBLAS_STATUS_INVALID_VALUE;
    if (c == d && c_layout->ld != d_layout->ld) return CUBLAS_STATUS_INVALID_VALUE;
    if (alignment_of(workspace) < 16 || (workspace_bytes > 0 && !range_fits(workspace, workspace_bytes, true)))
      return CUBLAS_STATUS_INVALID_VALUE;
    if (algo) {
      if (algo->data[for_problem] != x.fingerprint()) return CUBLAS_STATUS_NOT_SUPPORTED;
      if (workspace_bytes < algo->data[needs_workspace]) return CUBLAS_STATUS_INVALID_VALUE;
      if (alignment_of(a) < algo->data[aligned_a] || alignment_of(b) < algo->data[aligned_b] ||
          alignment_of(c) < algo->data[aligned_c] || alignment_of(d) < algo->data[aligned_d] ||
          (x.has_bias() && alignment_of(descriptor->bias) < algo->data[aligned_bias]))
        return CUBLAS_STATUS_INVALID_VALUE;
    }
    return a_layout->type == CUDA_R_64F ? lt_matmul<double>(x, alpha, a, b, beta, c, d, stream)
                                        : lt_matmul<float>(x, alpha, a, b, beta, c, d, stream);
  });
}
