// Every executor against the contract: chunks, lanes, exceptions.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "kdm/exec/serial.hpp"
#include "support.hpp"
#if defined(_OPENMP)
#include "kdm/exec/openmp.hpp"
#endif

namespace {

using kdm::index_t;

template <class E>
std::vector<std::pair<index_t, index_t>> chunks(const E& executor, index_t n, index_t grain) {
  std::vector<std::pair<index_t, index_t>> found;
  std::mutex guard;
  executor.for_chunks(n, grain, [&](index_t first, index_t last, int) {
    const std::lock_guard lock(guard);
    found.emplace_back(first, last);
  });
  std::sort(found.begin(), found.end());
  return found;
}

/// Cuts [0, n) as the concept demands, whatever the number of lanes.
template <class E>
void check_chunks(const E& executor) {
  for (index_t n : {0, 1, 2, 7, 64, 100, 1001})
    for (index_t grain : {1, 2, 7, 64, 5000}) {
      const auto found = chunks(executor, n, grain);
      std::vector<std::pair<index_t, index_t>> expected;
      for (index_t first = 0; first < n; first += grain) expected.emplace_back(first, std::min(first + grain, n));
      CHECK(found == expected);
    }
}

template <class E>
void check_lanes(const E& executor) {
  REQUIRE(executor.lanes() >= 1);
  std::vector<std::atomic<int>> busy(std::size_t(executor.lanes()));
  for (auto& b : busy) b = 0;
  std::atomic<int> out_of_range = 0, overlaps = 0, visits = 0;
  executor.for_chunks(200, 1, [&](index_t, index_t, int lane) {
    ++visits;
    if (lane < 0 || lane >= executor.lanes()) {
      ++out_of_range;
      return;
    }
    if (busy[std::size_t(lane)].fetch_add(1) != 0) ++overlaps;
    std::this_thread::yield();
    busy[std::size_t(lane)].fetch_sub(1);
  });
  CHECK(visits == 200);
  CHECK(out_of_range == 0);
  CHECK(overlaps == 0);
}

template <class E>
void check_exceptions(const E& executor) {
  for (int repeat = 0; repeat < 20; ++repeat) {
    std::atomic<int> running = 0;
    const std::string message = kdm_test::message_of<std::runtime_error>([&] {
      executor.for_chunks(100, 10, [&](index_t first, index_t, int) {
        ++running;
        if (first == 90) std::this_thread::yield();
        --running;
        if (first >= 30) throw std::runtime_error(std::to_string(first));
      });
    });
    CHECK(message == "30");
    CHECK(running == 0);
    CHECK(chunks(executor, 10, 3).size() == 4);
  }
}

template <class E>
void check_arguments(const E& executor) {
  for (index_t grain : {0, -3}) {
    int calls = 0;
    const std::string message = kdm_test::message_of<kdm::option_error>(
        [&] { executor.for_chunks(5, grain, [&](index_t, index_t, int) { ++calls; }); });
    CHECK(message.find("grain is " + std::to_string(grain)) != std::string::npos);
    CHECK(calls == 0);
  }
}

template <class E>
void check_executor(const E& executor) {
  check_chunks(executor);
  check_lanes(executor);
  check_exceptions(executor);
  check_arguments(executor);
}

TEST_CASE("serial keeps the executor contract") {
  static_assert(kdm::executor<kdm::serial>);
  check_executor(kdm::serial{});
  CHECK(kdm::serial{}.lanes() == 1);
}

TEST_CASE("serial runs its chunks in order") {
  std::vector<index_t> firsts;
  kdm::serial{}.for_chunks(10, 4, [&](index_t first, index_t, int lane) {
    firsts.push_back(first);
    CHECK(lane == 0);
  });
  CHECK(firsts == std::vector<index_t>{0, 4, 8});
}

#if defined(_OPENMP)
TEST_CASE("openmp keeps the executor contract for any number of threads") {
  for (int threads : {1, 2, 3, 8}) {
    CAPTURE(threads);
    const kdm::openmp executor(threads);
    CHECK(executor.lanes() == threads);
    check_executor(executor);
  }
  CHECK(kdm::openmp{}.lanes() >= 1);
}

TEST_CASE("openmp refuses a negative number of threads") {
  const std::string message = kdm_test::message_of<kdm::option_error>([] { kdm::openmp executor(-1); });
  CHECK(message.find("threads is -1") != std::string::npos);
}

TEST_CASE("openmp really runs chunks at the same time") {
  const kdm::openmp executor(2);
  std::atomic<int> arrived = 0;
  std::atomic<int> met = 0;
  executor.for_chunks(2, 1, [&](index_t, index_t, int) {
    ++arrived;
    for (int wait = 0; wait < 1000000 && arrived < 2; ++wait) std::this_thread::yield();
    if (arrived == 2) ++met;
  });
  CHECK(met == 2);
}
#endif

}  // namespace
