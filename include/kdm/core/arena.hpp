/// Memory planned once: a counting pass, one allocation, then views.
#pragma once

#include <utility>

#include "kdm/core/backend.hpp"
#include "kdm/core/error.hpp"
#include "kdm/core/sizes.hpp"

namespace kdm {

/// One block of a backend's memory, handed out as views.
///
/// Plans run twice: while counting, take() returns null views and adds up sizes; after commit() the same calls in
/// the same order return the memory. `planned` does both. Nothing is given back before the arena itself ends.
/// Throws.    std::bad_alloc from the backend; shape_error for sizes that cannot be counted; option_error when the second pass takes more
///            than was counted.
template <backend B>
class arena {
 public:
  explicit arena(B b) : backend_(std::move(b)) {}
  arena(arena&& other) noexcept
      : backend_(other.backend_),
        memory_(std::exchange(other.memory_, nullptr)),
        capacity_(std::exchange(other.capacity_, 0)),
        used_(std::exchange(other.used_, 0)) {}
  arena& operator=(arena&& other) noexcept {
    arena taken(std::move(other));
    std::swap(backend_, taken.backend_);
    std::swap(memory_, taken.memory_);
    std::swap(capacity_, taken.capacity_);
    std::swap(used_, taken.used_);
    return *this;
  }
  ~arena() {
    if (memory_) backend_.deallocate(memory_, capacity_);
  }

  /// rows x cols numbers, uninitialised, starting on a 64-byte boundary. Matrices of at least one register's width
  /// get rows that start on such boundaries too; a single row is always gap-free.
  view_of<B> take(index_t rows, index_t cols) {
    constexpr index_t line = index_t(alignment / sizeof(value_t<B>));
    const index_t ld = rows > 1 && cols >= line ? round_up(cols, line) : cols;
    const index_t first = used_;
    used_ = checked_sum("arena: the numbers of a plan", used_,
                        round_up(checked_product("arena: the numbers of a view", rows, ld), line));
    if (!memory_) return {nullptr, rows, cols, ld};
    if (used_ > capacity_) fail<option_error>("arena: the plan takes ", used_, " numbers, counted were ", capacity_);
    return {memory_ + first, rows, cols, ld};
  }

  /// Ends the counting pass: allocates what was counted and starts again from the beginning.
  void commit() {
    if (memory_) fail<option_error>("arena: committed twice");
    capacity_ = used_ > 0 ? used_ : 1;
    memory_ = backend_.allocate(capacity_);
    used_ = 0;
  }

  /// Bytes counted so far (before commit) or owned (after).
  index_t bytes() const {
    return checked_product("arena: bytes", memory_ ? capacity_ : used_, index_t(sizeof(value_t<B>)));
  }

 private:
  static constexpr index_t round_up(index_t n, index_t unit) {
    return checked_sum("arena: the numbers of a view", n, unit - 1) / unit * unit;
  }

  B backend_;
  value_t<B>* memory_ = nullptr;
  index_t capacity_ = 0;
  index_t used_ = 0;
};

/// Runs plan(arena) twice around the one allocation and returns what the second pass made.
///
/// Example.   auto frame = planned(memory, [&](auto& a) { return layer.plan(a, n, pass::training); });
template <backend B, class Plan>
auto planned(arena<B>& a, Plan plan) {
  (void)plan(a);
  a.commit();
  return plan(a);
}

}  // namespace kdm
