/// Sizes that a caller gives, multiplied and added: checked before anything is allocated or indexed by the result.
#pragma once

#include <limits>
#include <new>
#include <string_view>
#include <vector>

#include "kdm/core/error.hpp"

namespace kdm {

namespace detail {

inline constexpr index_t largest_size = std::numeric_limits<index_t>::max();

[[noreturn, gnu::cold, gnu::noinline]] inline void refuse_sizes(std::string_view what, index_t a, std::string_view sign,
                                                                index_t b) {
  fail<shape_error>(what, " is ", a, sign, b, ", expected sizes of at least 0 and no more than ", largest_size,
                    " of them");
}

}  // namespace detail

/// a * b; `what` says in the message what would have been counted.
///
/// Throws.    shape_error for a negative size, or a product that an index cannot hold.
/// Example.   matrix<T>(checked_product("generate: rows of all snapshots", snapshots, n), d)
constexpr index_t checked_product(std::string_view what, index_t a, index_t b) {
  if (a < 0 || b < 0 || (b > 0 && a > detail::largest_size / b)) detail::refuse_sizes(what, a, " x ", b);
  return a * b;
}

/// a + b, with the same message and limits.
constexpr index_t checked_sum(std::string_view what, index_t a, index_t b) {
  if (a < 0 || b < 0 || a > detail::largest_size - b) detail::refuse_sizes(what, a, " + ", b);
  return a + b;
}

/// n elements, all `value`. Throws std::bad_alloc where std::vector's own error would be std::length_error.
template <class T>
std::vector<T> vector_of(std::string_view what, index_t n, const T& value = {}) {
  if (n < 0) fail<shape_error>(what, " is ", n, ", expected at least 0");
  if (std::size_t(n) > std::vector<T>().max_size()) fail_to_allocate();
  return std::vector<T>(std::size_t(n), value);
}

}  // namespace kdm
