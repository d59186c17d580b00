// The contract of an executor as checks: chunks, lanes, exceptions, arguments, nested calls.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "kdm/exec/executor.hpp"
#include "support.hpp"

namespace kdm_test {

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

/// What happened to the lanes of one call; every chunk stands between enter and leave.
class lane_watch {
 public:
  explicit lane_watch(int lanes) : busy_(std::size_t(lanes)) {}

  void enter(int lane) {
    ++visits;
    if (lane < 0 || lane >= int(busy_.size())) ++out_of_range;
    else if (busy_[std::size_t(lane)].fetch_add(1) != 0) ++overlaps;
  }
  void leave(int lane) {
    if (lane >= 0 && lane < int(busy_.size())) busy_[std::size_t(lane)].fetch_sub(1);
  }

  std::atomic<int> out_of_range = 0, overlaps = 0, visits = 0;

 private:
  std::vector<std::atomic<int>> busy_;
};

template <class E>
void check_lanes(const E& executor) {
  REQUIRE(executor.lanes() >= 1);
  for (int n : {2, 3, 200}) {
    lane_watch watch(executor.lanes());
    executor.for_chunks(n, 1, [&](index_t, index_t, int lane) {
      watch.enter(lane);
      std::this_thread::yield();
      watch.leave(lane);
    });
    CHECK(watch.visits == n);
    CHECK(watch.out_of_range == 0);
    CHECK(watch.overlaps == 0);
  }
}

template <class E>
void check_exceptions(const E& executor) {
  for (int repeat = 0; repeat < 20; ++repeat) {
    std::atomic<int> running = 0;
    const std::string message = message_of<std::runtime_error>([&] {
      executor.for_chunks(100, 10, [&](index_t first, index_t, int) {
        ++running;
        if (first == 30 || first == 90) std::this_thread::yield();
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
    const std::string message = message_of<kdm::option_error>(
        [&] { executor.for_chunks(5, grain, [&](index_t, index_t, int) { ++calls; }); });
    CHECK(message.find("grain is " + std::to_string(grain)) != std::string::npos);
    CHECK(calls == 0);
  }
}

/// A call from inside a chunk of another one: both keep their lanes apart, and an exception passes through both.
template <class E>
void check_nested(const E& executor) {
  lane_watch outside(executor.lanes());
  std::atomic<int> inner_visits = 0, inner_overlaps = 0;
  executor.for_chunks(12, 1, [&](index_t, index_t, int lane) {
    outside.enter(lane);
    lane_watch inside(executor.lanes());
    executor.for_chunks(15, 2, [&](index_t, index_t, int inner) {
      inside.enter(inner);
      std::this_thread::yield();
      inside.leave(inner);
    });
    inner_visits += inside.visits;
    inner_overlaps += inside.overlaps + inside.out_of_range;
    outside.leave(lane);
  });
  CHECK(outside.visits == 12);
  CHECK(outside.overlaps == 0);
  CHECK(inner_visits == 12 * 8);
  CHECK(inner_overlaps == 0);

  const std::string message = message_of<std::runtime_error>([&] {
    executor.for_chunks(6, 1, [&](index_t first, index_t, int) {
      executor.for_chunks(6, 1, [&](index_t inner, index_t, int) {
        if (first >= 2 && inner >= 3) throw std::runtime_error(std::to_string(10 * first + inner));
      });
    });
  });
  CHECK(message == "23");
}

template <class E>
void check_executor(const E& executor) {
  check_chunks(executor);
  check_lanes(executor);
  check_exceptions(executor);
  check_arguments(executor);
  check_nested(executor);
}

/// Two chunks wait for each other: only threads that run at the same time can meet.
template <class E>
bool chunks_meet(const E& executor) {
  std::atomic<int> arrived = 0, met = 0;
  executor.for_chunks(2, 1, [&](index_t, index_t, int) {
    ++arrived;
    for (int wait = 0; wait < 1000000 && arrived < 2; ++wait) std::this_thread::yield();
    if (arrived == 2) ++met;
  });
  return met == 2;
}

}  // namespace kdm_test
