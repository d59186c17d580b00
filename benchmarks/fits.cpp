// Fits at the speed of the arithmetic below them, one a line. One thread, double precision.
//   benchmark_fits [--benchmark_filter=stream] [--benchmark_repetitions=5]
#include <benchmark/benchmark.h>

#include <algorithm>
#include <ctime>

#include "kdm/backend/native.hpp"
#include "kdm/core/matrix.hpp"
#include "kdm/fit/dictionaries/waves.hpp"
#include "kdm/fit/dmd.hpp"
#include "kdm/fit/edmd.hpp"
#include "kdm/fit/pairs.hpp"
#include "kdm/fit/randomized_dmd.hpp"
#include "kdm/fit/snapshot_qr.hpp"
#include "kdm/math/noise.hpp"

namespace {

using kdm::index_t;
using kdm::matrix;

double processor_seconds() { return double(std::clock()) / CLOCKS_PER_SEC; }

matrix<double> normals(index_t rows, index_t cols, unsigned seed) {
  matrix<double> m(rows, cols);
  kdm::fill_normals(kdm::random_table{seed}, 0, m.view());
  return m;
}

/// Flops per second of the library's own product in double, at its best: the limit for what is made of products.
double product_limit() {
  static const double best = [] {
    const index_t n = 512;
    const matrix<double> x = normals(n, n, 1), y = normals(n, n, 2);
    matrix<double> z(n, n);
    kdm::native_backend<double> b;
    double rate = 0;
    for (int k = 0; k < 20; ++k) {
      const double before = processor_seconds();
      for (int i = 0; i < 4; ++i) b.gemm(kdm::op::as_is, kdm::op::as_is, 1., x, y, 0., z);
      rate = std::max(rate, 4 * 2. * double(n * n * n) / std::max(processor_seconds() - before, 1e-9));
    }
    return rate;
  }();
  return best;
}

/// Runs `f`, which does so many flops, and sets its rate beside the product's.
template <class F>
void measure(benchmark::State& state, double flops, F f) {
  const double before = processor_seconds();
  for (auto _ : state) {
    f();
    benchmark::ClobberMemory();
  }
  const double rate = flops * double(state.iterations()) / std::max(processor_seconds() - before, 1e-9);
  state.counters["GFLOP/s"] = rate / 1e9;
  state.counters["of_product"] = rate / product_limit();
}

/// Rows of `features` numbers, half of them x and half y, into the accumulator: 2 p^2 flops a row.
void stream(benchmark::State& state) {
  const index_t features = state.range(0), half = features / 2, rows = 1 << 16;
  const matrix<double> x = normals(rows, half, 1), y = normals(rows, half, 2);
  kdm::snapshot_qr qr(half, half);  // one for all repetitions: its memory does not grow
  measure(state, 2. * double(features * features) * double(rows), [&] { qr.append(x, y); });
  state.counters["rows/s"] = benchmark::Counter(double(rows * state.iterations()), benchmark::Counter::kIsRate);
}
BENCHMARK(stream)->Arg(16)->Arg(64)->Arg(128)->Arg(256)->Arg(512)->Unit(benchmark::kMillisecond);

/// Snapshots of rank 10 and a little noise: 399 pairs of 20,000 states.
const kdm::snapshot_pairs& wide_pairs() {
  static const kdm::snapshot_pairs pairs = [] {
    const index_t times = 400, states = 20000, rank = 10;
    const matrix<double> shapes = normals(rank, states, 1), noise = normals(times, states, 2);
    matrix<double> z(times, states);
    for (index_t t = 0; t < times; ++t)
      for (index_t k = 0; k < rank; ++k) {
        const double wave =
            std::exp(-0.002 * double(k / 2) * double(t)) * std::cos(0.11 * double(k + 1) * double(t));
        for (index_t j = 0; j < states; ++j) z(t, j) += wave * shapes(k, j) + 1e-6 / double(rank) * noise(t, j);
      }
    return kdm::pairs_from_trajectory(z, {.dt = 1});
  }();
  return pairs;
}

/// A QR of the tall side and the singular values of its triangle.
void dmd_exact(benchmark::State& state) {
  const auto& p = wide_pairs();
  const double m = double(p.count()), n = double(p.states());
  measure(state, 4 * n * m * m,
          [&] { benchmark::DoNotOptimize(kdm::dmd::exact(p, {kdm::rank_rule::fixed(10)})); });
}
BENCHMARK(dmd_exact)->Unit(benchmark::kMillisecond);

/// Five passes over the data by 20 columns and what makes these orthonormal.
void dmd_randomized(benchmark::State& state) {
  const auto& p = wide_pairs();
  const double m = double(p.count()), n = double(p.states());
  measure(state, 5 * 2 * m * n * 20, [&] { benchmark::DoNotOptimize(kdm::randomized_dmd(p, {.rank = 10})); });
}
BENCHMARK(dmd_randomized)->Unit(benchmark::kMillisecond);

/// 50,000 pairs of two numbers, lifted by random Fourier features and solved: 2 (2 N)^2 flops a pair for N
/// features.
void edmd_random_fourier(benchmark::State& state) {
  const index_t features = state.range(0), pairs = 50000;
  const matrix<double> x = normals(pairs, 2, 1), y = normals(pairs, 2, 2);
  measure(state, 2. * 4 * double(features * features) * double(pairs), [&] {
    kdm::edmd_accumulator psi(kdm::random_fourier(2, features / 2, 1.0, 1));
    psi.append(x, y);
    benchmark::DoNotOptimize(psi.factor().r());
  });
}
BENCHMARK(edmd_random_fourier)->Arg(64)->Arg(256)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
