// The library as a measuring program: one JSON request a line on standard input, one JSON answer a line.
#include <string>
#include <vector>

#include "backend_cases.hpp"
#include "kdm/core/error.hpp"
#include "library.hpp"
#include "machine.hpp"

namespace {

using namespace kdm_benchmark;

/// The backends of this build, and the frozen student where there is one.
std::vector<backend_cases> backends() {
  return {
#if __has_include("kdm/backend/native.hpp")
      native_cases(),
#endif
      eigen_cases(),
#if __has_include("kdm/koopman/freeze.hpp")
      frozen_cases(),
#endif
#if defined(KDM_HAVE_XTENSOR)
      xtensor_cases(),
#endif
#if defined(KDM_HAVE_DNNL)
      dnnl_cases(),
#endif
  };
}

answer on_backend(const request& r, answer (*backend_cases::*run)(const request&)) {
  static const std::vector<backend_cases> all = backends();
  for (const backend_cases& b : all)
    if (b.name == r.variant && b.*run) return (b.*run)(r);
  answer a;
  a.skip = "this build has no " + r.variant + " for " + r.name;
  return a;
}

answer handle(const request& r) {
  if (r.name == "peak") return run_peak(r);
  if (r.name == "triad") return run_triad(r);
  if (r.name == "teacher") return run_teacher(r);
  if (r.name == "sliced_wasserstein") return run_sliced_wasserstein(r);
  if (r.name == "gemm") return on_backend(r, &backend_cases::gemm);
  if (r.name == "step") return on_backend(r, &backend_cases::step);
  if (r.name == "sample") return on_backend(r, &backend_cases::sample);
  if (r.name == "latency") return on_backend(r, &backend_cases::latency);
  if (r.name == "memory") return on_backend(r, &backend_cases::memory);
  kdm::fail<kdm::option_error>("request: 'case' is '", r.name,
                               "', expected peak, triad, teacher, sliced_wasserstein, gemm, step, sample, latency or "
                               "memory");
}

}  // namespace

int main() {
  std::string names;
  for (const backend_cases& b : backends()) names += (names.empty() ? "" : ", ") + std::string(b.name);
  return serve({{"kdm", kdm::concat(KDM_VERSION_MAJOR, '.', KDM_VERSION_MINOR, '.', KDM_VERSION_PATCH)},
                {"compiler", __VERSION__},
                {"flags", KDM_BENCHMARK_FLAGS},
                {"backends", names}},
               handle);
}
