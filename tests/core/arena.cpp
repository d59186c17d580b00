// Memory planned once.
#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "kdm/backend/reference.hpp"
#include "kdm/core/arena.hpp"
#include "support.hpp"

namespace {

using kdm::index_t;
using backend_t = kdm::reference_backend<float>;
using arena_t = kdm::arena<backend_t>;

std::uintptr_t address(const void* p) { return reinterpret_cast<std::uintptr_t>(p); }

struct size2 {
  index_t rows, cols;
};
const std::vector<size2> sizes{{1, 1}, {5, 3}, {7, 16}, {7, 17}, {1, 43}, {100, 43}, {0, 4}, {4, 0}, {3, 15}};

std::vector<kdm::view<float>> take_all(arena_t& a) {
  std::vector<kdm::view<float>> views;
  for (const auto& s : sizes) views.push_back(a.take(s.rows, s.cols));
  return views;
}

}  // namespace

TEST_CASE("the counting pass hands out null views of the final shape") {
  arena_t memory(backend_t{});
  const auto counted = take_all(memory);
  const index_t bytes = memory.bytes();
  memory.commit();
  const auto taken = take_all(memory);
  CHECK(memory.bytes() == bytes);
  for (std::size_t k = 0; k < sizes.size(); ++k) {
    CHECK_FALSE(bool(counted[k]));
    CHECK(bool(taken[k]));
    CHECK(counted[k].rows == sizes[k].rows);
    CHECK(counted[k].cols == sizes[k].cols);
    CHECK(counted[k].ld == taken[k].ld);
  }
}

TEST_CASE("every view starts on 64 bytes and so do the rows of wide ones") {
  arena_t memory(backend_t{});
  const auto views = kdm::planned(memory, take_all);
  for (const auto& v : views) {
    CHECK(address(v.p) % 64 == 0);
    CHECK(v.ld >= v.cols);
    if (v.cols >= 16 && v.rows > 1) CHECK(address(v.row_pointer(1)) % 64 == 0);
    if (v.cols < 16 || v.rows == 1) CHECK(v.contiguous());
    if (v.rows == 1) CHECK(v.ld == v.cols);
  }
}

TEST_CASE("views do not overlap and stay inside the block") {
  arena_t memory(backend_t{});
  const auto views = kdm::planned(memory, take_all);
  for (std::size_t k = 0; k < views.size(); ++k) {
    const auto& v = views[k];
    for (index_t i = 0; i < v.rows; ++i)
      for (index_t j = 0; j < v.cols; ++j) v(i, j) = float(k);
  }
  for (std::size_t k = 0; k < views.size(); ++k)
    for (index_t i = 0; i < views[k].rows; ++i)
      for (index_t j = 0; j < views[k].cols; ++j) REQUIRE(views[k](i, j) == float(k));
}

TEST_CASE("taking more than planned is an error that names both numbers") {
  arena_t memory(backend_t{});
  memory.take(2, 3);
  memory.commit();
  memory.take(2, 3);
  CHECK(kdm_test::message_of<kdm::option_error>([&] { memory.take(1, 1); }) ==
        "arena: the plan takes 32 numbers, counted were 16");
}

TEST_CASE("an arena is committed once") {
  arena_t memory(backend_t{});
  memory.commit();
  CHECK(kdm_test::message_of<kdm::option_error>([&] { memory.commit(); }) == "arena: committed twice");
}

TEST_CASE("an empty plan is fine") {
  arena_t memory(backend_t{});
  const auto v = kdm::planned(memory, [](arena_t& a) { return a.take(0, 0); });
  CHECK(v.empty());
  arena_t unused(backend_t{});
  CHECK(unused.bytes() == 0);
}

TEST_CASE("a moved arena keeps its memory in place") {
  arena_t memory(backend_t{});
  const auto v = kdm::planned(memory, [](arena_t& a) { return a.take(4, 4); });
  v(3, 3) = 7;
  arena_t second(std::move(memory));
  CHECK(v(3, 3) == 7);
  CHECK(second.bytes() == 64);
  std::vector<arena_t> many;
  many.push_back(std::move(second));
  for (int k = 0; k < 10; ++k) many.emplace_back(backend_t{});
  CHECK(v(3, 3) == 7);
}

TEST_CASE("silly plans end in bad_alloc") {
  arena_t memory(backend_t{});
  memory.take(1, index_t(1) << 62);
  CHECK_THROWS_AS(memory.commit(), std::bad_alloc);
}

TEST_CASE("a plan that no index can count is refused before anything is multiplied") {
  const index_t largest = std::numeric_limits<index_t>::max();
  arena_t memory(backend_t{});
  CHECK_THROWS_AS(memory.take(largest / 4, 5), kdm::shape_error);
  CHECK_THROWS_AS(memory.take(3, largest - 2), kdm::shape_error);
  CHECK_THROWS_AS(memory.take(1, largest - 2), kdm::shape_error);  // the round-up
  CHECK_THROWS_AS(memory.take(-1, 5), kdm::shape_error);
  memory.take(1, largest / 2);
  memory.take(1, largest / 4);
  CHECK_THROWS_AS(memory.take(1, largest / 2), kdm::shape_error);  // the sum
}

TEST_CASE("a moved-to arena gives its old memory back and keeps the new in place") {
  arena_t memory(backend_t{}), other(backend_t{});
  const auto v = kdm::planned(memory, [](arena_t& a) { return a.take(4, 4); });
  v(3, 3) = 7;
  kdm::planned(other, [](arena_t& a) { return a.take(100, 100); });
  other = std::move(memory);
  CHECK(v(3, 3) == 7);
  CHECK(other.bytes() == 64);
  CHECK(memory.bytes() == 0);
}
