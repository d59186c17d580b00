// A student frozen for sampling: no backend, its own kernels.
#if __has_include("kdm/koopman/freeze.hpp")
#include "cases_of.hpp"
#include "kdm/koopman/freeze.hpp"

namespace kdm_benchmark {

namespace {

/// A frozen model with a workspace a lane: what a program with threads does.
class frozen_lanes {
 public:
  frozen_lanes(const request& r, int threads)
      : model_(kdm::freeze(student(), student_weights(r).view())), team_(threads),
        workspaces_(std::size_t(threads), model_.make_workspace()) {}

  void sample(std::uint64_t seed, kdm::view<float> x_0) {
    team_.for_chunks(x_0.rows, 1024, [&](index_t first, index_t last, int lane) {
      model_.sample(seed, first, x_0.row_range(first, last - first), workspaces_[std::size_t(lane)]);
    });
  }
  void push(kdm::const_view<float> x_T, kdm::view<float> x_0) { model_.push(x_T, x_0); }

 private:
  kdm::frozen_model<float> model_;
  kdm::openmp team_;
  std::vector<kdm::frozen_model<float>::workspace> workspaces_;
};

answer sample(const request& r) {
  frozen_lanes run(r, r.threads);
  return measure_sampling(r, [&](std::uint64_t seed, kdm::view<float> x_0) { run.sample(seed, x_0); });
}
answer latency(const request& r) {
  frozen_lanes run(r, 1);
  return measure_pushes(r, [&](kdm::const_view<float> x_T, kdm::view<float> x_0) { run.push(x_T, x_0); });
}
answer memory(const request& r) {
  frozen_lanes run(r, r.threads);
  return measure_memory(r, [&](std::uint64_t seed, kdm::view<float> x_0) { run.sample(seed, x_0); });
}

}  // namespace

backend_cases frozen_cases() { return {"frozen", nullptr, nullptr, sample, latency, memory}; }

}  // namespace kdm_benchmark
#endif
