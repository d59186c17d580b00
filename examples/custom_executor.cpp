// An executor of your own: standard threads, here without OpenMP or oneTBB. Bring your thread pool in the same way.
#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <mutex>
#include <thread>
#include <vector>

#include "kdm/kdm.hpp"

struct standard_threads {
  int count = 2;
  int lanes() const { return count; }

  template <class F>
  void for_chunks(kdm::index_t n, kdm::index_t grain, F&& f) const {
    std::atomic<kdm::index_t> next = 0;
    std::mutex guard;
    std::exception_ptr caught;
    kdm::index_t caught_at = n;
    const auto work = [&](int lane) {
      // Chunk boundaries follow from n and grain alone; which lane takes a chunk does not matter.
      for (kdm::index_t first; (first = next.fetch_add(grain)) < n;) try {
          f(first, std::min(first + grain, n), lane);
        } catch (...) {
          const std::lock_guard lock(guard);
          if (first < caught_at) caught_at = first, caught = std::current_exception();
        }
    };
    std::vector<std::thread> threads;
    for (int lane = 1; lane < count; ++lane) threads.emplace_back(work, lane);
    work(0);
    for (auto& t : threads) t.join();
    if (caught) std::rethrow_exception(caught);
  }
};
static_assert(kdm::executor<standard_threads>);

int main() {
  using namespace kdm;
  const auto board = checkerboard<float>();
  const auto teach = [&](auto run) { return generate(flow_path{}, board, heun{}, {.samples = 3000, .steps = 10}, run); };
  const auto alone = teach(serial{}), together = teach(standard_threads{3});
  const bool same = std::equal(alone.values.data(), alone.values.data() + alone.values.size(), together.values.data());
  std::cout << "3 threads and 1 made " << (same ? "the same bits" : "different trajectories") << '\n';
  return same ? EXIT_SUCCESS : EXIT_FAILURE;
}
