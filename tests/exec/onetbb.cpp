// The oneTBB executor: the contract, the user's own arenas and tasks around and inside it, the same bits as serial.
#include "kdm/exec/onetbb.hpp"

#include <doctest/doctest.h>
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/info.h>

#include <atomic>
#include <cfenv>
#include <chrono>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "exec/contract.hpp"
#include "kdm/exec/serial.hpp"
#include "kdm/train/trainer.hpp"
#include "koopman/models.hpp"

namespace {

using namespace kdm_test;
using kdm::onetbb;

TEST_CASE("onetbb keeps the executor contract for any number of threads") {
  for (int threads : {1, 2, 3, 8}) {
    CAPTURE(threads);
    const onetbb executor(threads);
    CHECK(executor.lanes() == threads);
    check_executor(executor);
  }
}

TEST_CASE("onetbb takes the concurrency of the arena it is made in") {
  CHECK(onetbb{}.lanes() == tbb::this_task_arena::max_concurrency());
  tbb::task_arena three(3);
  three.execute([] { CHECK(onetbb{}.lanes() == 3); });
}

TEST_CASE("onetbb refuses a negative number of threads") {
  const std::string message = message_of<kdm::option_error>([] { onetbb executor(-1); });
  CHECK(message.find("threads is -1") != std::string::npos);
}

TEST_CASE("onetbb really runs chunks at the same time") {
  if (tbb::info::default_concurrency() < 2) return;
  CHECK(chunks_meet(onetbb(2)));
}

TEST_CASE("onetbb needs no thread but the caller's") {
  const tbb::global_control one(tbb::global_control::max_allowed_parallelism, 1);
  check_executor(onetbb(3));
}

TEST_CASE("onetbb works inside the arena of the user") {
  const onetbb executor(3);
  for (int threads : {1, 2, 5}) {
    CAPTURE(threads);
    tbb::task_arena arena(threads);
    arena.execute([&] { check_executor(executor); });
  }
}

TEST_CASE("onetbb serves several tasks of the user at once") {
  const onetbb executor(2);
  tbb::task_arena arena(4);
  std::atomic<int> wrong = 0, visits = 0;
  arena.execute([&] {
    tbb::parallel_for(0, 40, [&](int) {
      const onetbb copy = executor;
      lane_watch watch(copy.lanes());
      copy.for_chunks(20, 1, [&](index_t, index_t, int lane) {
        watch.enter(lane);
        watch.leave(lane);
      });
      visits += watch.visits;
      wrong += watch.overlaps + watch.out_of_range;
    });
  });
  CHECK(visits == 40 * 20);
  CHECK(wrong == 0);
}

TEST_CASE("onetbb serves several threads at once") {
  const onetbb executor(2);
  std::atomic<int> visits = 0;
  std::vector<std::thread> callers;
  for (int k = 0; k < 4; ++k)
    callers.emplace_back([&] {
      for (int repeat = 0; repeat < 10; ++repeat) executor.for_chunks(30, 1, [&](index_t, index_t, int) { ++visits; });
    });
  for (auto& c : callers) c.join();
  CHECK(visits == 4 * 10 * 30);
}

TEST_CASE("onetbb inside another onetbb") {
  // The innermost call finds every thread busy in chunks of the two around it, which wait for it.
  const onetbb a(2), b(2);
  const auto pause = [] { std::this_thread::sleep_for(std::chrono::microseconds(200)); };
  std::atomic<int> visits = 0;
  a.for_chunks(4, 1, [&](index_t, index_t, int) {
    pause();
    b.for_chunks(4, 1, [&](index_t, index_t, int) {
      pause();
      a.for_chunks(4, 1, [&](index_t, index_t, int) {
        pause();
        ++visits;
      });
    });
  });
  CHECK(visits == 64);
}

/// Waits inside a task group for a millisecond, as for a task that another thread has taken.
void wait_for_a_task() {
  tbb::task_group group;
  tbb::task_handle task = group.defer([] {});
  std::thread other([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    group.run_and_wait(std::move(task));
  });
  group.wait();
  other.join();
}

TEST_CASE("onetbb starts no chunk in a thread that waits inside another chunk") {
  thread_local int depth = 0;
  std::atomic<int> inside = 0;
  onetbb(4).for_chunks(20, 1, [&](index_t, index_t, int) {
    if (depth++ > 0) ++inside;
    wait_for_a_task();
    --depth;
  });
  CHECK(inside == 0);
}

TEST_CASE("onetbb starts no chunk of another caller in a thread that waits for its own call") {
  // That thread might hold a lock of the user's. Here the first call waits for the second to end.
  if (tbb::info::default_concurrency() < 2) return;
  const onetbb executor(4);
  tbb::task_arena arena(4, 2);
  const auto eventually = [](auto condition) {
    for (int wait = 0; wait < 2000 && !condition(); ++wait) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return condition();
  };
  std::atomic<int> begun = 0, second_calls_in_first = 0;
  std::atomic<bool> second_has_ended = false;
  std::atomic<bool> waited = true;
  std::thread first_caller([&] {
    const std::thread::id first = std::this_thread::get_id();
    arena.execute([&] {
      executor.for_chunks(2, 1, [&](index_t, index_t, int) {
        ++begun;
        if (!eventually([&] { return begun == 2; })) waited = false;
        if (std::this_thread::get_id() == first) return;
        if (!eventually([&] { return second_has_ended.load(); })) waited = false;
      });
    });
  });
  std::thread second_caller([&, first = first_caller.get_id()] {
    if (!eventually([&] { return begun == 2; })) waited = false;
    arena.execute([&] {
      executor.for_chunks(4, 1, [&](index_t, index_t, int) {
        if (std::this_thread::get_id() == first) ++second_calls_in_first;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
      });
    });
    second_has_ended = true;
  });
  first_caller.join();
  second_caller.join();
  CHECK(waited);
  CHECK(second_calls_in_first == 0);
}

TEST_CASE("onetbb runs every chunk although the user cancels the task group around the call") {
  const onetbb executor(3);
  std::atomic<int> visits = 0;
  tbb::task_group group;
  group.run_and_wait([&] {
    group.cancel();
    executor.for_chunks(50, 1, [&](index_t, index_t, int) { ++visits; });
  });
  CHECK(visits == 50);
}

TEST_CASE("onetbb runs its chunks with the floating-point settings of the caller") {
  const onetbb executor(4);
  const volatile float one = 1, three = 3;
  const auto quotients = [&] {
    std::vector<float> found(64);
    executor.for_chunks(64, 1, [&](index_t first, index_t, int) {
      std::this_thread::sleep_for(std::chrono::microseconds(50));  // lets every lane have some
      found[std::size_t(first)] = one / three;
    });
    return found;
  };
  const int before = std::fegetround();
  for (int mode : {FE_DOWNWARD, FE_UPWARD, before}) {
    std::fesetround(mode);
    const float expected = one / three;
    const auto found = quotients();
    const int after = std::fegetround();
    std::fesetround(before);
    CHECK(after == mode);
    for (float q : found) CHECK(q == expected);
  }
}

// Training on it.

using backend = kdm::reference_backend<float>;
namespace terms = kdm::terms;

/// A term of value 0 that throws while its switch is on.
struct fuse {
  std::shared_ptr<std::atomic<bool>> blown = std::make_shared<std::atomic<bool>>(false);
  double weight = 1;
  std::string name = "fuse";
  static constexpr bool reads_reconstruction = false, reads_prediction = false;

  template <kdm::backend B>
  void operator()(B&, const kdm::episode<B>&, const kdm::adjoint<B>&, const kdm::term_value<B>&) const {
    if (*blown) throw std::runtime_error("the fuse has blown");
  }
};

template <class E>
auto trainer_on(const E& executor, const fuse& f = {}) {
  const auto xT = random_matrix<float>(300, 3, 1), x0 = random_matrix<float>(300, 2, 2);
  kdm::train_options o;
  o.steps = 100;
  o.batch = 200;
  o.clip_norm = 0.1;
  o.slices = {16, 0};
  const kdm::objective loss(0.4, terms::latent<>{}, terms::reconstruction<>{}, terms::prediction<>{}, f);
  // Hidden layers wide enough that the update takes several chunks, too.
  return kdm::trainer(kdm::distillation(small_model(true, 3, 2, 5, 100), loss), kdm::adam{}, o, xT.view(), x0.view(),
                      backend{}, executor);
}

bool same_bytes(const matrix<float>& a, const matrix<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), std::size_t(a.size()) * sizeof(float)) == 0;
}

TEST_CASE("onetbb trains to the same bytes as serial") {
  auto expected = trainer_on(kdm::serial{});
  for (int k = 0; k < 5; ++k) expected.advance();
  for (int threads : {1, 2, 3}) {
    CAPTURE(threads);
    auto t = trainer_on(onetbb(threads));
    for (int k = 0; k < 5; ++k) t.advance();
    CHECK(same_bytes(t.weights(), expected.weights()));
    CHECK(same_bytes(t.state().slots, expected.state().slots));
    CHECK(t.report().loss == expected.report().loss);
  }
}

TEST_CASE("onetbb leaves a trainer usable after an exception in a lane") {
  const fuse f;
  auto expected = trainer_on(kdm::serial{});
  auto t = trainer_on(onetbb(3), f);
  for (int k = 0; k < 4; ++k) {
    expected.advance();
    *f.blown = true;
    CHECK(message_of<std::runtime_error>([&] { t.advance(); }) == "the fuse has blown");
    *f.blown = false;
    t.advance();
  }
  CHECK(t.step() == 4);
  CHECK(same_bytes(t.weights(), expected.weights()));
}

}  // namespace
