/// Registers of the processor, by the vector extensions of g++ and clang.
#pragma once

#if !defined(__GNUC__)
#error "kdm/backend/native.hpp needs the vector extensions of g++ or clang"
#endif

#include <concepts>
#include <cstddef>
#include <utility>

#include "kdm/core/config.hpp"

namespace kdm::native {

/// Bytes of the widest register that this translation unit is compiled for. It is a template argument of everything
/// below: files of one program that are compiled for different processors do not share functions by accident.
#if defined(__AVX512F__)
inline constexpr int register_bytes = 64;
#elif defined(__AVX__)
inline constexpr int register_bytes = 32;
#else
inline constexpr int register_bytes = 16;
#endif

template <class T, int Bytes>
struct register_of {
  using type [[gnu::vector_size(Bytes)]] = T;
};
template <class T, int Bytes>
using vec = typename register_of<T, Bytes>::type;

template <class T, int Bytes>
inline constexpr int lanes = Bytes / int(sizeof(T));

/// How a product is cut: tiles of rows x columns numbers stay in registers, blocks of depth x wide in the
/// second-level cache.
///
/// 32 registers hold 8 x 2 sums, enough to hide the latency of two multiply-adds a cycle; 16 registers hold 4 x 3.
template <class T, int Bytes>
struct cut {
#if defined(__aarch64__)
  static constexpr bool many_registers = true;
#else
  static constexpr bool many_registers = Bytes == 64;
#endif
  static constexpr int rows = many_registers ? 8 : 4;
  static constexpr int vectors = many_registers ? 2 : 3;
  static constexpr int columns = vectors * lanes<T, Bytes>;
  static constexpr index_t depth = 256;
  static constexpr index_t wide = index_t(262144 / sizeof(T)) / depth / columns * columns;
};

/// One register from memory, and back; any alignment. Registers travel by reference: by value their width would be
/// part of the calling convention.
template <class T, int Bytes>
[[gnu::always_inline]] inline void load(const T* p, vec<T, Bytes>& x) {
  __builtin_memcpy(&x, p, Bytes);
}
template <class T, int Bytes>
[[gnu::always_inline]] inline void store(T* p, const vec<T, Bytes>& x) {
  __builtin_memcpy(p, &x, Bytes);
}

/// Transposes a square of numbers, N = lanes: N reads of N numbers in a row, N writes of N numbers in a row.
///
/// Interleaving line i with line i + N/2 rotates the bits of (line, lane); log2(N) times exchanges the two.
template <class T, int Bytes>
class transposer {
  static constexpr int n = lanes<T, Bytes>;
  using v = vec<T, Bytes>;

  template <int First, std::size_t... J>
  [[gnu::always_inline]] static void interleave(const v& a, const v& b, v& both, std::index_sequence<J...>) {
    both = __builtin_shufflevector(a, b, (J % 2 == 0 ? First + int(J) / 2 : n + First + int(J) / 2)...);
  }

 public:
  [[gnu::always_inline]] static void run(const T* from, index_t from_ld, T* to, index_t to_ld) {
    v x[n], y[n];
#pragma GCC unroll 16
    for (int i = 0; i < n; ++i) load<T, Bytes>(from + i * from_ld, x[i]);
#pragma GCC unroll 4
    for (int half = n; half > 1; half /= 2) {
#pragma GCC unroll 16
      for (int i = 0; i < n / 2; ++i) {
        interleave<0>(x[i], x[i + n / 2], y[2 * i], std::make_index_sequence<n>{});
        interleave<n / 2>(x[i], x[i + n / 2], y[2 * i + 1], std::make_index_sequence<n>{});
      }
#pragma GCC unroll 16
      for (int i = 0; i < n; ++i) x[i] = y[i];
    }
#pragma GCC unroll 16
    for (int i = 0; i < n; ++i) store<T, Bytes>(to + i * to_ld, x[i]);
  }
};

}  // namespace kdm::native
