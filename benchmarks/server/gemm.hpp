/// The matrix product of one backend.
#pragma once

#include <algorithm>
#include <vector>

#include "kdm/core/arena.hpp"
#include "kdm/core/denormals.hpp"
#include "kdm/exec/openmp.hpp"
#include "kdm/math/noise.hpp"
#include "protocol.hpp"

namespace kdm_benchmark {

/// z = op(x) op(y) in memory of its own, x and y random.
template <kdm::backend B>
class product_lane {
 public:
  explicit product_lane(const request& r)
      : ta_(r.transpose_a ? kdm::op::transposed : kdm::op::as_is),
        tb_(r.transpose_b ? kdm::op::transposed : kdm::op::as_is),
        memory_(B{}) {
    const index_t ar = r.transpose_a ? r.k : r.m, ac = r.transpose_a ? r.m : r.k;
    const index_t br = r.transpose_b ? r.n : r.k, bc = r.transpose_b ? r.k : r.n;
    f_ = kdm::planned(memory_, [&](kdm::arena<B>& a) {
      return views{a.take(ar, ac), a.take(br, bc), a.take(r.m, r.n)};
    });
    kdm::fill_normals(kdm::random_table{1}, 0, f_.x);
    kdm::fill_normals(kdm::random_table{2}, 0, f_.y);
  }

  void run() { b_.gemm(ta_, tb_, 1.f, kdm::const_view_of<B>(f_.x), kdm::const_view_of<B>(f_.y), 0.f, f_.z); }

 private:
  struct views {
    kdm::view_of<B> x, y, z;
  };
  kdm::op ta_, tb_;
  B b_;
  kdm::arena<B> memory_;
  views f_;
};

inline double product_flops(const request& r) { return 2 * double(r.m) * double(r.n) * double(r.k); }

/// Every lane has a product of its own, as in training: operands are in that lane's cache as far as they fit.
template <kdm::backend B>
answer run_gemm(const request& r) {
  std::vector<product_lane<B>> lanes;
  for (int k = 0; k < r.threads; ++k) lanes.emplace_back(r);
  const double flops = product_flops(r);
  const auto calls = index_t(std::clamp(2e9 / flops, 1., 1e5));  // a team is woken once for so many products
  const kdm::openmp team(r.threads);
  answer a = measure(r, 0.1, [&] {
    team.for_chunks(r.threads, 1, [&](index_t chunk, index_t, int) {
      const kdm::flush_denormals guard;
      for (index_t c = 0; c < calls; ++c) lanes[std::size_t(chunk)].run();
    });
  });
  for (double& s : a.seconds) s /= double(calls);
  for (auto& [name, value] : a.numbers) value /= double(calls);
  a.flops = flops * r.threads;
  return a;
}

}  // namespace kdm_benchmark
