/// The matrix product behind cuBLAS and cuBLASLt, column-major as they are.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

namespace cuda_on_host {

/// Elements from the first to the last of a column-major matrix.
inline std::size_t extent(std::int64_t rows, std::int64_t cols, std::int64_t ld) {
  return rows > 0 && cols > 0 ? std::size_t((cols - 1) * ld + rows) : 0;
}

/// A float as the tensor cores read it: ten bits of mantissa, rounded to nearest.
inline float as_tf32(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  if ((bits & 0x7F800000u) == 0x7F800000u) return x;
  return std::bit_cast<float>((bits + 0x0FFFu + ((bits >> 13) & 1u)) & 0xFFFFE000u);
}

/// D = alpha op(A) op(B) + beta C, then the bias of each row, then relu.
template <class T>
struct product {
  bool transpose_a = false, transpose_b = false;
  std::int64_t m = 0, n = 0, k = 0;
  T alpha = 1, beta = 0;
  const T* a = nullptr;
  std::int64_t lda = 1;
  const T* b = nullptr;
  std::int64_t ldb = 1;
  const T* c = nullptr;
  std::int64_t ldc = 1;
  T* d = nullptr;
  std::int64_t ldd = 1;
  const T* bias = nullptr;
  bool relu = false;
  bool tf32 = false;

  T input(const T* p) const {
    if constexpr (std::is_same_v<T, float>)
      return tf32 ? as_tf32(*p) : *p;
    else
      return *p;
  }

  /// With alpha = 0, A and B are not read; with beta = 0, C is not.
  void run() const {
    const std::int64_t depth = alpha == T(0) ? 0 : k;
    std::vector<T> left(std::size_t(m * depth)), column(static_cast<std::size_t>(m));
    for (std::int64_t p = 0; p < depth; ++p)
      for (std::int64_t i = 0; i < m; ++i)
        left[std::size_t(p * m + i)] = input(transpose_a ? a + i * lda + p : a + p * lda + i);
    for (std::int64_t j = 0; j < n; ++j) {
      std::fill(column.begin(), column.end(), T(0));
      for (std::int64_t p = 0; p < depth; ++p) {
        const T right = input(transpose_b ? b + p * ldb + j : b + j * ldb + p);
        const T* from = left.data() + p * m;
        for (std::int64_t i = 0; i < m; ++i) column[std::size_t(i)] += from[i] * right;
      }
      for (std::int64_t i = 0; i < m; ++i) {
        T value = alpha * column[std::size_t(i)];
        if (beta != T(0)) value += beta * c[j * ldc + i];
        if (bias) value += bias[i];
        d[j * ldd + i] = relu ? (value > T(0) ? value : T(0)) : value;
      }
    }
  }
};

}  // namespace cuda_on_host
