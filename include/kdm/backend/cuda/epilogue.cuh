/// Dense layers as one cuBLASLt product with bias and activation as its epilogue.
#pragma once

#include <cublasLt.h>

#include <compare>
#include <concepts>
#include <cstdint>
#include <map>

#include "kdm/backend/cuda/context.cuh"
#include "kdm/core/ops.hpp"
#include "kdm/math/activations.hpp"

namespace kdm::detail {

inline void destroy_lt(cublasLtHandle_t h) { (void)cublasLtDestroy(h); }
inline void destroy_lt_product(cublasLtMatmulDesc_t d) { (void)cublasLtMatmulDescDestroy(d); }
inline void destroy_lt_layout(cublasLtMatrixLayout_t l) { (void)cublasLtMatrixLayoutDestroy(l); }
inline void destroy_lt_preference(cublasLtMatmulPreference_t p) { (void)cublasLtMatmulPreferenceDestroy(p); }

/// The products that cuBLASLt offers, each looked up once for its sizes, strides and alignments.
///
/// Source.    cuBLAS documentation, "cublasLtMatmulAlgoGetHeuristic", "cublasLtEpilogue_t"
template <class T>
class cuda_epilogues {
 public:
  explicit cuda_epilogues(const cuda_context& context) : compute_(compute_type(context.cublas())) {
    check_cublas(cublasLtCreate(handle_.place()), "cublasLtCreate");
  }

  /// y = x W' + c, then max(., 0) for relu. False, and nothing done, where cuBLASLt has no such product.
  bool dense(cuda_context& context, view<const T, cuda_space> x, view<const T, cuda_space> weight,
             view<const T, cuda_space> c, bool relu, view<T, cuda_space> y) {
    if (x.cols == 0 || alignment_of(c.p) < 16) return false;
    const key k{y.rows, y.cols, x.cols, x.ld, weight.ld, y.ld, alignment_of(x.p), alignment_of(weight.p),
                alignment_of(y.p), alignment_of(c.p), relu};
    if (plans_.size() > 256) plans_.clear();  // rows of any number come by in sampling
    auto place = plans_.find(k);
    if (place == plans_.end()) place = plans_.emplace(k, find(k, c.p)).first;
    plan& p = place->second;
    if (!p.usable) return false;
    struct arguments {
      std::uint64_t plan;
      const void *x, *weight, *c, *y;
    };
    context.library(arguments{p.number, x.p, weight.p, c.p, y.p}, [&] {
      const T one = 1, zero = 0;
      set(p.product, CUBLASLT_MATMUL_DESC_BIAS_POINTER, static_cast<const void*>(c.p));
      check_cublas(cublasLtMatmul(handle_.get(), p.product.get(), &one, weight.p, p.weight.get(), x.p, p.x.get(), &zero,
                                  y.p, p.y.get(), y.p, p.y.get(), &p.algorithm, context.workspace(),
                                  cuda_context::workspace_bytes, context.stream()),
                   "cublasLtMatmul");
    });
    return true;
  }

 private:
  struct key {
    index_t n, out, in, ldx, ldw, ldy, align_x, align_w, align_y, align_c;
    bool relu;
    auto operator<=>(const key&) const = default;
  };
  using owned_product = owned<cublasLtMatmulDesc_t, destroy_lt_product>;
  using owned_layout = owned<cublasLtMatrixLayout_t, destroy_lt_layout>;
  struct plan {
    owned_product product;
    owned_layout weight, x, y;
    cublasLtMatmulAlgo_t algorithm{};
    std::uint64_t number = 0;  // tells it from every other plan there ever was
    bool usable = false;
  };

  /// The same precision as the other products have.
  static cublasComputeType_t compute_type(cublasHandle_t cublas) {
    cublasMath_t math{};
    check_cublas(cublasGetMathMode(cublas, &math), "cublasGetMathMode");
    if (std::same_as<T, double>) return CUBLAS_COMPUTE_64F;
    if (math == CUBLAS_TF32_TENSOR_OP_MATH) return CUBLAS_COMPUTE_32F_FAST_TF32;
    return math == CUBLAS_PEDANTIC_MATH ? CUBLAS_COMPUTE_32F_PEDANTIC : CUBLAS_COMPUTE_32F;
  }

  /// The largest power of two, up to 256, that divides an address.
  static index_t alignment_of(const void* p) {
    const auto address = reinterpret_cast<std::uintptr_t>(p) | 256u;
    return index_t(address & (~address + 1));
  }

  template <class Value>
  static void set(const owned_product& product, cublasLtMatmulDescAttributes_t which, const Value& value) {
    check_cublas(cublasLtMatmulDescSetAttribute(product.get(), which, &value, sizeof value),
                 "cublasLtMatmulDescSetAttribute");
  }

  static owned_layout layout(index_t rows, index_t cols, index_t ld) {
    owned_layout l;
    check_cublas(cublasLtMatrixLayoutCreate(l.place(), type, std::uint64_t(rows), std::uint64_t(cols), ld),
                 "cublasLtMatrixLayoutCreate");
    return l;
  }

  /// Row-major matrices are the transposed ones to cuBLAS: y' = W x' + c, where the bias runs along the rows of y'.
  plan find(const key& k, const T* bias) {
    plan p;
    p.number = ++plans_made_;
    check_cublas(cublasLtMatmulDescCreate(p.product.place(), compute_, type), "cublasLtMatmulDescCreate");
    set(p.product, CUBLASLT_MATMUL_DESC_TRANSA, CUBLAS_OP_T);
    set(p.product, CUBLASLT_MATMUL_DESC_EPILOGUE, k.relu ? CUBLASLT_EPILOGUE_RELU_BIAS : CUBLASLT_EPILOGUE_BIAS);
    set(p.product, CUBLASLT_MATMUL_DESC_BIAS_POINTER, static_cast<const void*>(bias));
    p.weight = layout(k.in, k.out, k.ldw);
    p.x = layout(k.in, k.n, k.ldx);
    p.y = layout(k.out, k.n, k.ldy);

    owned<cublasLtMatmulPreference_t, destroy_lt_preference> preference;
    check_cublas(cublasLtMatmulPreferenceCreate(preference.place()), "cublasLtMatmulPreferenceCreate");
    const auto prefer = [&](cublasLtMatmulPreferenceAttributes_t which, auto value) {
      check_cublas(cublasLtMatmulPreferenceSetAttribute(preference.get(), which, &value, sizeof value),
                   "cublasLtMatmulPreferenceSetAttribute");
    };
    prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, std::uint64_t(cuda_context::workspace_bytes));
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, std::uint32_t(k.align_w));
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, std::uint32_t(k.align_x));
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, std::uint32_t(k.align_y));
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, std::uint32_t(k.align_y));
    cublasLtMatmulHeuristicResult_t found{};
    int count = 0;
    const cublasStatus_t status =
        cublasLtMatmulAlgoGetHeuristic(handle_.get(), p.product.get(), p.weight.get(), p.x.get(), p.y.get(), p.y.get(),
                                       preference.get(), 1, &found, &count);
    if (status != CUBLAS_STATUS_NOT_SUPPORTED) check_cublas(status, "cublasLtMatmulAlgoGetHeuristic");
    p.usable = status == CUBLAS_STATUS_SUCCESS && count > 0 && found.state == CUBLAS_STATUS_SUCCESS;
    p.algorithm = found.algo;
    return p;
  }

  static constexpr cudaDataType_t type = std::same_as<T, double> ? CUDA_R_64F : CUDA_R_32F;
  cublasComputeType_t compute_;
  owned<cublasLtHandle_t, destroy_lt> handle_;
  std::map<key, plan> plans_;
  std::uint64_t plans_made_ = 0;
};

}  // namespace kdm::detail
