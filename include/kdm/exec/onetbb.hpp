/// The executor on oneTBB. Link oneTBB (CMake: link kdm::onetbb).
#pragma once

#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/partitioner.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>

#include "kdm/exec/executor.hpp"

namespace kdm {

/// One oneTBB task a lane, in the arena of whoever calls; each lane takes the next chunk until none is left.
///
/// A lane is a task, not a thread: with fewer threads than lanes, lanes run one after the other. There is no arena of
/// the executor's own, because entering one means waiting for a place in it: two executors that call each other from
/// their chunks would wait for ever. While a chunk waits for tasks of its own (a nested call, a parallel_for), its
/// thread takes nothing else. All chunks run with the caller's floating-point settings (rounding, denormals), and they
/// run to the end even if a task group around the call is cancelled.
/// Cost.      one parallel_for a call; nothing where there is one chunk or lane. oneTBB keeps its small tasks in pools:
///            after the first calls the heap is used rarely (never, where oneTBB finds its own allocator).
/// Throws.    option_error for a negative number of threads.
class onetbb {
 public:
  /// `threads` = 0: as many as the arena has in which this is called; outside of any, all cores.
  explicit onetbb(int threads = 0) : threads_(threads) {
    if (threads < 0) fail<option_error>("onetbb: threads is ", threads, ", expected 0 (all) or more");
    if (threads == 0) threads_ = tbb::this_task_arena::max_concurrency();
  }

  int lanes() const { return threads_; }

  template <class F>
  void for_chunks(index_t n, index_t grain, F&& f) const {
    const index_t chunks = detail::chunk_count(n, grain);
    std::atomic<index_t> next = 0;
    std::exception_ptr caught;
    index_t caught_at = chunks;
    std::mutex guard;
    const auto run_lane = [&](int lane) {
      for (index_t c; (c = next.fetch_add(1)) < chunks;) {
        try {
          const index_t first = c * grain;
          f(first, grain < n - first ? first + grain : n, lane);
        } catch (...) {
          const std::lock_guard lock(guard);
          if (c < caught_at) {
            caught_at = c;
            caught = std::current_exception();
          }
          next = chunks;  // every lower chunk has been taken already
        }
      }
    };
    const int team = int(std::min<index_t>(threads_, chunks));
    if (team <= 1) tbb::this_task_arena::isolate([&] { run_lane(0); });
    else run_team(team, run_lane);
    if (caught) std::rethrow_exception(caught);
  }

 private:
  template <class Lane>
  static void run_team(int team, const Lane& run_lane) {
    using context_type = tbb::task_group_context;
    // Isolated: when a task group around the call is cancelled, no chunk may be left out without a word.
    context_type context(context_type::isolated, context_type::fp_settings);
    // The outer isolation keeps the calling thread, as it waits, from the tasks of others; the inner one keeps a chunk
    // that waits from the other lanes of this call.
    tbb::this_task_arena::isolate([&] {
      tbb::parallel_for(
          0, team, [&](int lane) { tbb::this_task_arena::isolate([&] { run_lane(lane); }); },
          tbb::simple_partitioner(), context);
    });
  }

  int threads_;
};

static_assert(executor<onetbb>);

}  // namespace kdm
