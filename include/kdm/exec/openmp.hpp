/// The executor on OpenMP threads. Compile with OpenMP (CMake: link kdm::openmp).
#pragma once

#if !defined(_OPENMP)
#error "kdm/exec/openmp.hpp needs OpenMP: compile with -fopenmp, or link the CMake target kdm::openmp"
#endif

#include <omp.h>

#include <algorithm>
#include <exception>
#include <limits>
#include <mutex>

#include "kdm/exec/executor.hpp"

namespace kdm {

/// A team of OpenMP threads, one lane each; chunks go to whichever lane is free.
///
/// Cost.      one parallel region a call. libgomp's threads spin between regions: on a shared machine set
///            OMP_WAIT_POLICY=passive.
/// Throws.    option_error for a negative number of threads.
class openmp {
 public:
  /// `threads` = 0: what OpenMP would take (OMP_NUM_THREADS, otherwise all cores).
  explicit openmp(int threads = 0) : threads_(threads) {
    if (threads < 0) fail<option_error>("openmp: threads is ", threads, ", expected 0 (all) or more");
    if (threads == 0) threads_ = omp_get_max_threads();
  }

  int lanes() const { return threads_; }

  template <class F>
  void for_chunks(index_t n, index_t grain, F&& f) const {
    const index_t chunks = detail::chunk_count(n, grain);
    std::exception_ptr caught;
    index_t caught_at = std::numeric_limits<index_t>::max();
    std::mutex guard;
    const int team = int(std::min<index_t>(threads_, std::max<index_t>(chunks, 1)));
#pragma omp parallel for schedule(dynamic, 1) num_threads(team) if (team > 1)
    for (index_t c = 0; c < chunks; ++c) {
      try {
        const index_t first = c * grain;
        f(first, grain < n - first ? first + grain : n, omp_get_thread_num());
      } catch (...) {
        const std::lock_guard lock(guard);
        if (c < caught_at) {
          caught_at = c;
          caught = std::current_exception();
        }
      }
    }
    if (caught) std::rethrow_exception(caught);
  }

 private:
  int threads_;
};

static_assert(executor<openmp>);

}  // namespace kdm
