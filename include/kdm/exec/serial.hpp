/// The executor that runs everything on the calling thread.
#pragma once

#include "kdm/exec/executor.hpp"

namespace kdm {

/// One lane, chunks in order.
struct serial {
  int lanes() const { return 1; }

  template <class F>
  void for_chunks(index_t n, index_t grain, F&& f) const {
    const index_t chunks = detail::chunk_count(n, grain);
    for (index_t c = 0; c < chunks; ++c) {
      const index_t first = c * grain;
      f(first, grain < n - first ? first + grain : n, 0);
    }
  }
};

static_assert(executor<serial>);

}  // namespace kdm
