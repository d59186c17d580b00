/// What a measuring program is asked and what it answers. benchmarks/README.md describes the protocol.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <sys/resource.h>

#include "kdm/core/config.hpp"

namespace kdm_benchmark {

using kdm::index_t;

/// One line of standard input. What a case does not use is ignored.
struct request {
  std::string name{};             ///< the key "case"
  std::string variant = "eigen";  ///< a backend, or what the case has variants of
  std::string weights = "fresh";  ///< or "trained": those of the folder `model`
  std::string model{};
  index_t batch = 4096;
  index_t m = 0, n = 0, k = 0;    ///< of a product
  bool transpose_a = false, transpose_b = false;
  int threads = 1, repeats = 5;
};

/// One line of standard output.
struct answer {
  std::vector<double> seconds;            ///< of one call, one number a repeat
  double flops = 0, bytes = 0;            ///< of one call
  std::map<std::string, double> numbers;  ///< what else was found
  std::string skip;                       ///< why there is nothing: this build or machine lacks something
};

/// Reads requests and writes answers until standard input ends. What `handle` throws becomes an answer with "error".
///
/// `about` goes into the line that says that the program is ready.
int serve(const std::map<std::string, std::string>& about, const std::function<answer(const request&)>& handle);

using seconds_clock = std::chrono::steady_clock;

inline double seconds_since(seconds_clock::time_point start) {
  return std::chrono::duration<double>(seconds_clock::now() - start).count();
}

/// What the process has used so far: memory pages touched for the first time, seconds of processor time on all threads.
struct usage {
  double page_faults, cpu_seconds;
};
inline usage usage_now() {
  rusage use{};
  getrusage(RUSAGE_SELF, &use);
  const auto seconds = [](const timeval& t) { return double(t.tv_sec) + 1e-6 * double(t.tv_usec); };
  return {double(use.ru_minflt), seconds(use.ru_utime) + seconds(use.ru_stime)};
}

/// Seconds of one call of f in steady state: two calls as a warm-up, then every repeat as many calls as take `least`
/// seconds. Processor time well below seconds times threads says that other programs were running.
template <class F>
answer measure(const request& r, double least, F f) {
  f();
  const auto start = seconds_clock::now();
  f();
  const double once = std::max(seconds_since(start), 1e-9);
  const auto calls = index_t(std::clamp(least / once, 1., 1e9));
  answer a;
  a.seconds.reserve(std::size_t(r.repeats));
  const usage before = usage_now();
  for (int k = 0; k < r.repeats; ++k) {
    const auto first = seconds_clock::now();
    for (index_t c = 0; c < calls; ++c) f();
    a.seconds.push_back(seconds_since(first) / double(calls));
  }
  const usage after = usage_now();
  const double all = double(r.repeats) * double(calls);
  a.numbers["page_faults_per_call"] = (after.page_faults - before.page_faults) / all;
  a.numbers["cpu_seconds_per_call"] = (after.cpu_seconds - before.cpu_seconds) / all;
  return a;
}

/// The quantile q of a sorted list.
inline double quantile(const std::vector<double>& sorted, double q) {
  return sorted[std::size_t(q * double(sorted.size() - 1))];
}

}  // namespace kdm_benchmark
