/// The cases of one backend: what each backend's file instantiates.
#pragma once

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include "backend_cases.hpp"
#include "gemm.hpp"
#include "kdm/exec/openmp.hpp"
#include "kdm/exec/serial.hpp"
#include "kdm/koopman/generator.hpp"
#include "training.hpp"

namespace kdm_benchmark {

template <kdm::backend B>
answer run_step(const request& r) {
  auto train = trainer_on(r, B{}, kdm::openmp(r.threads));
  answer a = measure(r, 0.1, [&] { train.advance(); });
  a.flops = step_flops() * double(r.batch);
  a.numbers["loss"] = train.report().loss;
  return a;
}

/// sample(seed, x_0) for r.batch samples, other ones every time.
template <class Sample>
answer measure_sampling(const request& r, Sample sample) {
  kdm::matrix<float> x_0(r.batch, 2);
  std::uint64_t seed = 0;
  answer a = measure(r, 0.1, [&] { sample(++seed, x_0.view()); });
  a.flops = sample_flops() * double(r.batch);
  return a;
}

/// push(x_T, x_0) for one sample, timed call by call: the numbers p50 and p99. A repeat is the median of 2000 calls.
template <class Push>
answer measure_pushes(const request& r, Push push) {
  kdm::matrix<float> noise(1024, 2), x_0(1, 2);
  kdm::fill_normals(kdm::random_table{1}, 0, noise.view());
  index_t at = 0;
  const auto next = [&] {
    push(kdm::const_view<float>(noise.view()).row(at), x_0.view());
    at = (at + 1) % noise.rows();
  };
  const index_t calls = 2000;
  std::vector<double> all, some;
  answer a;
  for (index_t c = 0; c < calls / 4; ++c) next();
  for (int k = 0; k < r.repeats; ++k) {
    some.clear();
    for (index_t c = 0; c < calls; ++c) {
      const auto start = seconds_clock::now();
      next();
      some.push_back(seconds_since(start));
    }
    all.insert(all.end(), some.begin(), some.end());
    std::sort(some.begin(), some.end());
    a.seconds.push_back(quantile(some, 0.5));
  }
  std::sort(all.begin(), all.end());
  a.numbers["p50"] = quantile(all, 0.5);
  a.numbers["p99"] = quantile(all, 0.99);
  a.flops = sample_flops();
  return a;
}

/// Bytes of memory that the process has in use.
inline double resident_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmRSS:")) return 1024 * std::stod(line.substr(6));
  return 0;
}

/// sample(seed, x_0) for r.batch samples in one call: how much memory that takes beside the samples themselves.
template <class Sample>
answer measure_memory(const request& r, Sample sample) {
  kdm::matrix<float> few(4096, 2), x_0(r.batch, 2);
  sample(1, few.view());
  const double before = resident_bytes();
  answer a;
  for (int k = 0; k < r.repeats; ++k) {
    const auto start = seconds_clock::now();
    sample(std::uint64_t(k), x_0.view());
    a.seconds.push_back(seconds_since(start));
  }
  a.flops = sample_flops() * double(r.batch);
  a.numbers["bytes_beside_samples"] = resident_bytes() - before;
  return a;
}

template <kdm::backend B, kdm::executor E>
auto generator_on(const request& r, E e) {
  return kdm::generator(student(), kdm::const_view<float>(student_weights(r).view()), 1, B{}, std::move(e));
}

template <kdm::backend B>
answer run_sample(const request& r) {
  auto run = generator_on<B>(r, kdm::openmp(r.threads));
  return measure_sampling(r, [&](std::uint64_t seed, kdm::view<float> x_0) { run.sample(seed, 0, x_0); });
}
template <kdm::backend B>
answer run_latency(const request& r) {
  auto run = generator_on<B>(r, kdm::serial{});
  return measure_pushes(r, [&](kdm::const_view<float> x_T, kdm::view<float> x_0) { run.push(x_T, x_0); });
}
template <kdm::backend B>
answer run_memory(const request& r) {
  auto run = generator_on<B>(r, kdm::openmp(r.threads));
  return measure_memory(r, [&](std::uint64_t seed, kdm::view<float> x_0) { run.sample(seed, 0, x_0); });
}

template <kdm::backend B>
backend_cases cases_of(const char* name) {
  return {name, run_gemm<B>, run_step<B>, run_sample<B>, run_latency<B>, run_memory<B>};
}

}  // namespace kdm_benchmark
