// An executor for tests: chunks backwards, lanes in turn, everything on one thread.
#pragma once

#include "kdm/exec/executor.hpp"

namespace kdm_test {

struct backward_lanes {
  int count = 3;
  int lanes() const { return count; }

  template <class F>
  void for_chunks(kdm::index_t n, kdm::index_t grain, F&& f) const {
    for (kdm::index_t c = kdm::detail::chunk_count(n, grain) - 1; c >= 0; --c)
      f(c * grain, c * grain + grain < n ? c * grain + grain : n, int(c % count));
  }
};

static_assert(kdm::executor<backward_lanes>);

}  // namespace kdm_test
