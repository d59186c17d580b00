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

/// How a product is cut: tiles of rows x columns numbers stay in registers, panels of columns x depth in the first-level
/// cache, so many rows of the other operand in the second-level cache.
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
  static constexpr index_t direct_rows = 512;
  static constexpr index_t packed_rows = index_t(262144 / sizeof(T)) / depth;
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

/// Transposes `lanes` lines: those of their numbers from k on that fill 16 bytes each, number j of all lines to
/// to[j * to_ld ..].
///
/// Registers are filled with 16 bytes a line. Interleaving register i with register i + step / 2 then rotates the bits
/// of (line, place in its 16 bytes).
template <class T, int Bytes>
class transposer {
  static constexpr int n = lanes<T, Bytes>;
  using v = vec<T, Bytes>;

 public:
  static constexpr int step = 16 / int(sizeof(T));

  [[gnu::always_inline]] static void run(const T* const* lines, index_t k, T* to, index_t to_ld) {
    v x[std::size_t(step)], y[std::size_t(step)];
#pragma GCC unroll 4
    for (int i = 0; i < step; ++i) gather<Bytes>(lines + i, k, x[i]);
#pragma GCC unroll 2
    for (int half = step; half > 1; half /= 2) {
#pragma GCC unroll 2
      for (int i = 0; i < step / 2; ++i) {
        interleave<0>(x[i], x[i + step / 2], y[2 * i], std::make_index_sequence<std::size_t(n)>{});
        interleave<step / 2>(x[i], x[i + step / 2], y[2 * i + 1], std::make_index_sequence<std::size_t(n)>{});
      }
#pragma GCC unroll 4
      for (int i = 0; i < step; ++i) x[i] = y[i];
    }
#pragma GCC unroll 4
    for (int i = 0; i < step; ++i) store<T, Bytes>(to + i * to_ld, x[i]);
  }

 private:
  /// 16 bytes each of lines 0, step, 2 step, ...
  template <int Wide>
  [[gnu::always_inline]] static void gather(const T* const* lines, index_t k, vec<T, Wide>& x) {
    if constexpr (Wide == 16) {
      load<T, 16>(*lines + k, x);
    } else {
      vec<T, Wide / 2> low, high;
      gather<Wide / 2>(lines, k, low);
      gather<Wide / 2>(lines + lanes<T, Wide / 2>, k, high);
      join(low, high, x, std::make_index_sequence<lanes<T, Wide>>{});
    }
  }
  template <class Half, class Whole, std::size_t... J>
  [[gnu::always_inline]] static void join(const Half& low, const Half& high, Whole& x, std::index_sequence<J...>) {
    x = __builtin_shufflevector(low, high, int(J)...);
  }
  /// a and b in turn, from place First of each 16 bytes on.
  template <int First, std::size_t... J>
  [[gnu::always_inline]] static void interleave(const v& a, const v& b, v& both, std::index_sequence<J...>) {
    both = __builtin_shufflevector(
        a, b, (int(J) / step * step + First + int(J) % step / 2 + (J % 2 == 0 ? 0 : n))...);
  }
};

}  // namespace kdm::native
