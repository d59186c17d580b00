// The serial and the OpenMP executor against the contract.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "exec/contract.hpp"
#include "kdm/exec/serial.hpp"
#if defined(_OPENMP)
#include "kdm/exec/openmp.hpp"
#endif

namespace {

using namespace kdm_test;

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
  const std::string message = message_of<kdm::option_error>([] { kdm::openmp executor(-1); });
  CHECK(message.find("threads is -1") != std::string::npos);
}

TEST_CASE("openmp really runs chunks at the same time") { CHECK(chunks_meet(kdm::openmp(2))); }
#endif

}  // namespace
