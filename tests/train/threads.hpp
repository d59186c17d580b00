// An executor on threads of its own, and all host backends there are.
#pragma once

#include <atomic>
#include <thread>
#include <vector>

#include "kdm/exec/executor.hpp"

namespace kdm_test {

/// One thread a lane, made anew at every call; chunks go to whichever thread is free. Chunks must not throw.
struct threads {
  int count = 2;

  int lanes() const { return count; }

  template <class F>
  void for_chunks(kdm::index_t n, kdm::index_t grain, F&& f) const {
    std::atomic<kdm::index_t> next = 0;
    const auto work = [&](int lane) {
      for (kdm::index_t first; (first = next.fetch_add(grain)) < n;) {
        f(first, first + grain < n ? first + grain : n, lane);
        std::this_thread::yield();  // lets the other lanes take some too
      }
    };
    std::vector<std::thread> team;
    for (int lane = 0; lane < count; ++lane) team.emplace_back(work, lane);
    for (auto& t : team) t.join();
  }
};

static_assert(kdm::executor<threads>);

}  // namespace kdm_test
