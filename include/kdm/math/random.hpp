/// Counter-based random numbers: a pure function of (seed, stream, step, row, column).
#pragma once

#include <cstdint>
#include <type_traits>

#include "kdm/core/config.hpp"
#include "kdm/core/view.hpp"
#include "kdm/math/functions.hpp"

namespace kdm {

/// Four 32-bit words: a counter, or what Philox makes of it.
struct words4 {
  std::uint32_t w[4];
};

namespace detail {

inline constexpr int philox_rounds = 10;

KDM_HD constexpr words4 philox_round(words4 c, std::uint64_t key) {
  const std::uint64_t a = std::uint64_t(0xD2511F53u) * c.w[0];
  const std::uint64_t b = std::uint64_t(0xCD9E8D57u) * c.w[2];
  return {{std::uint32_t(b >> 32) ^ c.w[1] ^ std::uint32_t(key), std::uint32_t(b),
           std::uint32_t(a >> 32) ^ c.w[3] ^ std::uint32_t(key >> 32), std::uint32_t(a)}};
}

/// Both halves of the key move on by their own constant, without a carry between them.
KDM_HD constexpr std::uint64_t next_philox_key(std::uint64_t key) {
  return (std::uint64_t(std::uint32_t(key >> 32) + 0xBB67AE85u) << 32) | (std::uint32_t(key) + 0x9E3779B9u);
}

}  // namespace detail

/// Philox 4x32-10: ten rounds of multiply-and-mix over a 128-bit counter under a 64-bit key.
///
/// Source.    Salmon, Moraes, Dror, Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3", SC11.
KDM_HD constexpr words4 philox(words4 c, std::uint64_t key) {
  for (int round = 0; round < detail::philox_rounds; ++round, key = detail::next_philox_key(key))
    c = detail::philox_round(c, key);
  return c;
}

/// What a random number is for. Users' own streams start at `user`.
namespace streams {
inline constexpr std::uint32_t weights = 1;
inline constexpr std::uint32_t shuffle = 2;
inline constexpr std::uint32_t latent_noise_pushed = 3;
inline constexpr std::uint32_t latent_noise_data = 4;
inline constexpr std::uint32_t prior = 5;
inline constexpr std::uint32_t data = 6;
inline constexpr std::uint32_t projections = 7;
inline constexpr std::uint32_t teacher = 8;
inline constexpr std::uint32_t user = 1u << 16;
}  // namespace streams

/// One stream of random numbers, laid out as an endless table of rows and columns.
///
/// Two calls with the same arguments give the same number on every machine and backend, in any order, on any
/// thread: the words and uniforms bit for bit, the normals to 3 ulp between backends. Rows are taken modulo 2^32.
/// Cost.      ten rounds of Philox for four columns; normals add one logarithm and one sine pair for two columns.
struct random_table {
  std::uint64_t seed = 0;
  std::uint32_t stream = streams::user;
  std::uint32_t step = 0;

  /// The four words of columns 4 block .. 4 block + 3.
  KDM_HD constexpr words4 words(index_t row, index_t block) const {
    return philox({{std::uint32_t(block), std::uint32_t(row), step, stream}}, seed);
  }

  /// Uniform on the open interval (0, 1).
  template <class T>
  KDM_HD constexpr T uniform(index_t row, index_t col) const {
    return to_uniform<T>(words(row, col / 4).w[col % 4]);
  }

  /// Uniform on {0, ..., n - 1}, for n < 2^32 (bias below n / 2^32).
  KDM_HD constexpr index_t below(index_t n, index_t row, index_t col) const {
    return index_t((std::uint64_t(words(row, col / 4).w[col % 4]) * std::uint64_t(n)) >> 32);
  }

  /// Standard normal numbers of columns 4 block .. 4 block + 3.
  template <class T>
  struct four {
    T z[4];
  };
  template <class T>
  KDM_HD four<T> normals(index_t row, index_t block) const {
    const words4 u = words(row, block);
    const auto a = box_muller<T>(u.w[0], u.w[1]);
    const auto b = box_muller<T>(u.w[2], u.w[3]);
    return {{a.first, a.second, b.first, b.second}};
  }

  /// Standard normal.
  template <class T>
  KDM_HD T normal(index_t row, index_t col) const {
    return normals<T>(row, col / 4).z[col % 4];
  }

  /// (w + 1/2) / 2^32, in float of the upper 23 bits alone so that it stays below 1.
  template <class T>
  KDM_HD static constexpr T to_uniform(std::uint32_t w) {
    if constexpr (std::is_same_v<T, float>)
      return (float(w >> 9) + 0.5f) * 0x1p-23f;
    else
      return (T(w) + T(0.5)) * T(0x1p-32);
  }

  template <class T>
  struct two {
    T first, second;
  };
  /// Two independent normals from two words. The radius keeps all 32 bits: the tails reach 6.7 in float as well, and
  /// the numbers near 0 are those of double up to rounding.
  ///
  /// Source.    Box, Muller 1958, "A note on the generation of random normal deviates".
  template <class T>
  KDM_HD static two<T> box_muller(std::uint32_t radius, std::uint32_t angle) {
    const T u = (T(radius) + T(0.5)) * T(0x1p-32);
    T square = T(-2) * math::log(u);
    if constexpr (std::is_same_v<T, float>) {
      // Near 1, u in float is too coarse for its logarithm. There the series of -2 log(1 - v) with v = 1 - u, which is
      // exact to a rounding; its fourth term is below one.
      const T v = (T(~radius) + T(0.5)) * T(0x1p-32);
      square = math::detail::choose(v < T(0x1p-8), v * (T(2) + v * (T(1) + v * T(2.0 / 3))), square);
    }
    const T r = math::sqrt(square);
    const auto turn = math::sin_cos_turn<T>(angle);
    return {r * turn.cos, r * turn.sin};
  }
};

/// Fills `out` with standard normals: out(i, j) = table.normal(first_row + i, j) up to rounding.
///
/// The bits of an element depend on its row and column alone, not on how a table is cut into calls. Works on many
/// blocks of four columns at a time, one round of the generator after the other: compilers turn that into vector
/// code.
///
/// Cost.      measured with AVX-512 in rows of 128 and more: 1.6 ns a number in float and 2.7 ns in double with
///            g++ 12, 2.6 and 3.5 ns with clang 14. Up to 1.4 times that in short rows; with two columns half of
///            each block is thrown away.
template <class T>
KDM_FLATTEN void fill_normals(const random_table& table, index_t first_row, view<T> out) {
  constexpr int lanes = 32;
  const index_t blocks = (out.cols + 3) / 4;
  index_t row = 0, block = 0;
  while (row < out.rows && blocks > 0) {
    index_t rows[lanes], cols[lanes];
    std::uint32_t c0[lanes], c1[lanes], c2[lanes], c3[lanes];
    for (int j = 0; j < lanes; ++j) {
      rows[j] = row;
      cols[j] = 4 * block;
      if (++block == blocks) block = 0, ++row;
    }
    for (int j = 0; j < lanes; ++j) {
      c0[j] = std::uint32_t(cols[j] / 4);
      c1[j] = std::uint32_t(first_row + rows[j]);
      c2[j] = table.step;
      c3[j] = table.stream;
    }
    std::uint64_t key = table.seed;
    for (int round = 0; round < detail::philox_rounds; ++round, key = detail::next_philox_key(key))
      for (int j = 0; j < lanes; ++j) {
        const words4 c = detail::philox_round({{c0[j], c1[j], c2[j], c3[j]}}, key);
        c0[j] = c.w[0];
        c1[j] = c.w[1];
        c2[j] = c.w[2];
        c3[j] = c.w[3];
      }
    T z[4 * lanes];
    for (int j = 0; j < lanes; ++j) {
      const auto a = random_table::box_muller<T>(c0[j], c1[j]);
      const auto b = random_table::box_muller<T>(c2[j], c3[j]);
      z[4 * j] = a.first;
      z[4 * j + 1] = a.second;
      z[4 * j + 2] = b.first;
      z[4 * j + 3] = b.second;
    }
    if (rows[lanes - 1] == rows[0] && cols[lanes - 1] + 4 <= out.cols) {
      T* to = out.row_pointer(rows[0]) + cols[0];
      for (int k = 0; k < 4 * lanes; ++k) to[k] = z[k];
      continue;
    }
    for (int j = 0; j < lanes && rows[j] < out.rows; ++j) {
      T* to = out.row_pointer(rows[j]) + cols[j];
      const index_t count = out.cols - cols[j] < 4 ? out.cols - cols[j] : 4;
      for (index_t k = 0; k < count; ++k) to[k] = z[4 * j + k];
    }
  }
}

/// A pseudo-random permutation of {0, ..., n - 1} that needs no memory: a Feistel network on the next power of
/// four, walked until it lands inside.
///
/// Cost.      at most four walks on average, eight Philox-free mixing rounds each.
/// Source.    Black, Rogaway 2002, "Ciphers with arbitrary finite domains" (cycle walking).
class shuffle {
 public:
  /// A permutation for each (seed, epoch).
  KDM_HD constexpr shuffle(index_t n, std::uint64_t seed, std::uint32_t epoch) : n_(std::uint64_t(n)) {
    while ((std::uint64_t(1) << (2 * half_bits_)) < n_) ++half_bits_;
    const words4 a = philox({{0, 0, epoch, streams::shuffle}}, seed);
    const words4 b = philox({{1, 0, epoch, streams::shuffle}}, seed);
    for (int i = 0; i < 4; ++i) {
      keys_[i] = a.w[i];
      keys_[i + 4] = b.w[i];
    }
  }

  /// Where position i in [0, n) goes.
  KDM_HD constexpr index_t operator()(index_t i) const {
    std::uint64_t x = std::uint64_t(i);
    do x = encrypt(x);
    while (x >= n_);
    return index_t(x);
  }

 private:
  KDM_HD constexpr std::uint64_t encrypt(std::uint64_t x) const {
    const std::uint64_t mask = (std::uint64_t(1) << half_bits_) - 1;
    std::uint64_t left = x >> half_bits_, right = x & mask;
    for (int r = 0; r < 8; ++r) {
      // The finaliser of MurmurHash3 as the round function.
      std::uint64_t h = right + keys_[r];
      h = (h ^ (h >> 33)) * 0xff51afd7ed558ccdULL;
      h = (h ^ (h >> 33)) * 0xc4ceb9fe1a85ec53ULL;
      h ^= h >> 33;
      const std::uint64_t next = (left ^ h) & mask;
      left = right;
      right = next;
    }
    return (left << half_bits_) | right;
  }

  std::uint64_t n_;
  int half_bits_ = 1;
  std::uint64_t keys_[8] = {};
};

}  // namespace kdm
