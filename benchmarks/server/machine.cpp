#include "machine.hpp"

#include "kdm/core/matrix.hpp"
#include "kdm/exec/openmp.hpp"

namespace kdm_benchmark {

namespace {

template <int Bytes>
struct register_of;
template <>
struct register_of<32> {
  using type [[gnu::vector_size(32)]] = float;
};
template <>
struct register_of<64> {
  using type [[gnu::vector_size(64)]] = float;
};

/// Flops of one call: 14 independent chains of multiply-adds hide the latency of two units of four to five cycles.
template <int Bytes>
struct fma_loop {
  using vector = typename register_of<Bytes>::type;
  static constexpr int chains = 14;
  static constexpr index_t rounds = 1 << 16;
  static constexpr double flops = 2. * chains * rounds * Bytes / sizeof(float);

  [[gnu::noinline]] static float run(float seed) {
    vector x[chains], a{}, c{};
    a += seed;  // below 1: the numbers stay normal and finite
    c += 1 - seed;
    for (int k = 0; k < chains; ++k) x[k] = a * float(k);
    for (index_t i = 0; i < rounds; ++i)
#pragma GCC unroll 14
      for (int k = 0; k < chains; ++k) x[k] = x[k] * a + c;
    vector sum{};
    for (int k = 0; k < chains; ++k) sum += x[k];
    float total = 0;
    for (std::size_t j = 0; j < Bytes / sizeof(float); ++j) total += sum[j];
    return total / float(chains * Bytes);
  }
};

template <int Bytes>
answer peak_of(const request& r) {
  std::vector<float> sink(std::size_t(r.threads) * 16);
  const kdm::openmp team(r.threads);
  answer a = measure(r, 0.1, [&] {
    team.for_chunks(r.threads, 1, [&](index_t chunk, index_t, int) {
      float& x = sink[std::size_t(chunk) * 16];
      for (int k = 0; k < 32; ++k) x = fma_loop<Bytes>::run(0.5f + 0.1f * x);  // a chain: no call may be left out
    });
  });
  a.flops = 32 * fma_loop<Bytes>::flops * r.threads;
  a.numbers["bits"] = 8 * Bytes;
  return a;
}

}  // namespace

answer run_peak(const request& r) {
  if (r.variant == "256") return peak_of<32>(r);
  if (r.variant == "512") return peak_of<64>(r);
  answer narrow = peak_of<32>(r), wide = peak_of<64>(r);
  const auto best = [](const answer& a) { return a.flops / *std::min_element(a.seconds.begin(), a.seconds.end()); };
  return best(wide) > best(narrow) ? wide : narrow;
}

answer run_triad(const request& r) {
  const index_t n = index_t(1) << 24;
  kdm::matrix<float> a(1, n), b(1, n), c(1, n);
  const kdm::openmp team(r.threads);
  answer out = measure(r, 0.1, [&] {
    team.for_chunks(n, n / 64, [&](index_t first, index_t last, int) {
      float* const x = a.data();
      const float *const y = b.data(), *const z = c.data();
      KDM_INDEPENDENT
      for (index_t i = first; i < last; ++i) x[i] = y[i] + 3 * z[i];
    });
  });
  out.bytes = 3. * sizeof(float) * double(n);
  return out;
}

}  // namespace kdm_benchmark
