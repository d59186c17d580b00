/// The limits that a rate is set beside, measured in the same run, and the loop that measures a rate. One thread.
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <initializer_list>
#include <string>

#include "gemm.hpp"
#include "machine.hpp"

namespace kdm_benchmark {

/// What one call does, as far as it is known: operations, bytes read and written.
struct work {
  double flops = 0, bytes = 0;
};

namespace detail {

/// The best of some runs, by processor time.
template <class Run>
double best_rate(double answer::*work, Run run) {
  double best = 0;
  for (int k = 0; k < 5; ++k) {
    const answer a = run();
    best = std::max(best, a.*work / a.numbers.at("cpu_seconds_per_call"));
  }
  return best;
}

/// One line of the table a limit.
inline void report(benchmark::State& state, const char* unit, double rate) {
  for (auto _ : state) benchmark::DoNotOptimize(rate);
  state.counters[unit] = rate / 1e9;
}

}  // namespace detail

/// Flops per second of multiply-adds in registers.
inline double fma_limit() {
  static const double rate = detail::best_rate(&answer::flops, [] { return run_peak({.repeats = 1}); });
  return rate;
}

/// Bytes per second that come from and go to memory.
inline double triad_limit() {
  static const double rate = detail::best_rate(&answer::bytes, [] { return run_triad({.repeats = 1}); });
  return rate;
}

/// Flops per second of the backend's matrix product at the size where it is fastest.
template <kdm::backend B>
double product_limit() {
  static const double rate = [] {
    double best = 0;
    for (const index_t m : {256, 512, 4096}) {
      const request r{.m = m, .n = 256, .k = 256, .transpose_b = true, .repeats = 1};
      best = std::max(best, detail::best_rate(&answer::flops, [&] { return run_gemm<B>(r); }));
    }
    return best;
  }();
  return rate;
}

/// The loop of a benchmark. Rates go by processor time: others may be running.
template <kdm::backend B, class F>
void measure_rate(benchmark::State& state, const work& w, F f) {
  const kdm::flush_denormals guard;
  f();
  const double before = usage_now().cpu_seconds;
  for (auto _ : state) {
    f();
    benchmark::ClobberMemory();
  }
  const double seconds = std::max(usage_now().cpu_seconds - before, 1e-9) / double(state.iterations());
  const double flops = w.flops / seconds, bytes = w.bytes / seconds;
  if (flops > 0) {
    state.counters["GFLOP/s"] = flops / 1e9;
    state.counters["of_fma"] = flops / fma_limit();
    state.counters["of_product"] = flops / product_limit<B>();
  }
  if (bytes > 0) {
    state.counters["GB/s"] = bytes / 1e9;
    state.counters["of_triad"] = bytes / triad_limit();
  }
}

/// Lines for the machine's limits, then what add() registers.
template <class Add>
int run_benchmarks(int argc, char** argv, Add add) {
  using benchmark::State;
  benchmark::RegisterBenchmark("limit/fma", [](State& s) {
    detail::report(s, "GFLOP/s", fma_limit());
  })->Iterations(1);
  benchmark::RegisterBenchmark("limit/triad", [](State& s) {
    detail::report(s, "GB/s", triad_limit());
  })->Iterations(1);
  add();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

/// The line for the limit of one backend.
template <kdm::backend B>
void add_product_limit(const std::string& name) {
  benchmark::RegisterBenchmark(("limit/product/" + name).c_str(), [](benchmark::State& s) {
    detail::report(s, "GFLOP/s", product_limit<B>());
  })->Iterations(1);
}

}  // namespace kdm_benchmark
