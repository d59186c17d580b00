/// The executor concept: who runs the chunks of a range, and how many at a time.
#pragma once

#include <concepts>
#include <string_view>

#include "kdm/core/config.hpp"
#include "kdm/core/error.hpp"

namespace kdm {

namespace detail {
struct chunk_probe {
  void operator()(index_t /*first*/, index_t /*last*/, int /*lane*/) const {}
};
}  // namespace detail

/// lanes(): how many chunks run at a time at most, at least 1.
template <class E>
concept has_lanes = requires(const E& e) {
  { e.lanes() } -> std::same_as<int>;
};

/// for_chunks(n, grain, f): calls f(first, last, lane) for [0, grain), [grain, 2 grain), ... up to n, each once.
template <class E>
concept has_for_chunks = requires(const E& e, index_t n) { e.for_chunks(n, n, detail::chunk_probe{}); };

/// Runs independent chunks of a range.
///
/// The chunk boundaries depend on n and grain alone, never on the number of lanes: that is what makes results the
/// same bits for any number of threads. Two calls of f with the same `lane` (in [0, lanes())) never overlap in time,
/// so per-lane memory needs no lock. When calls of f throw, the exception of the lowest chunk that threw reaches the
/// caller, once, after all running chunks have ended.
template <class E>
concept executor = has_lanes<E> && has_for_chunks<E>;

namespace detail {
inline index_t chunk_count(index_t n, index_t grain) {
  if (grain < 1) fail<option_error>("for_chunks: grain is ", grain, ", expected at least 1");
  return n <= 0 ? 0 : (n - 1) / grain + 1;
}

/// e.lanes(), by which memory is planned: at least 1. `who` opens the message.
template <executor E>
int count_lanes(std::string_view who, const E& e) {
  const int lanes = e.lanes();
  if (lanes < 1) fail<option_error>(who, ": the executor has ", lanes, " lanes, expected at least 1");
  return lanes;
}

/// e.for_chunks where f uses memory of `lanes` lanes: a lane beyond them never reaches f.
template <executor E, class F>
void for_lanes(std::string_view who, const E& e, int lanes, index_t n, index_t grain, F f) {
  e.for_chunks(n, grain, [&](index_t first, index_t last, int lane) {
    if (lane < 0 || lane >= lanes)
      fail<option_error>(who, ": the executor runs a chunk in lane ", lane, ", expected 0 to ", lanes - 1,
                         ", below its lanes()");
    f(first, last, lane);
  });
}
}  // namespace detail

}  // namespace kdm
