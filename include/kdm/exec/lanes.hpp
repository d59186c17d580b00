/// Which executor runs the lanes of a backend.
#pragma once

#include <concepts>
#include <string_view>

#include "kdm/core/backend.hpp"
#include "kdm/exec/serial.hpp"

namespace kdm {

/// The executor `e` itself where the backend's memory is the host's. A device is parallel in itself: its verbs are
/// issued by the calling thread, in one lane.
template <backend B, executor E>
decltype(auto) lanes_of(const E& e) {
  if constexpr (std::same_as<typename B::space, host_space>) return (e);
  else return serial{};
}

namespace detail {

/// count_lanes and for_lanes of the executor that runs the lanes of B.
template <backend B, executor E>
int count_lanes_of(std::string_view who, const E& e) {
  return detail::count_lanes(who, kdm::lanes_of<B>(e));
}
template <backend B, executor E, class F>
void for_lanes_of(std::string_view who, const E& e, int lanes, index_t n, index_t grain, F f) {
  detail::for_lanes(who, kdm::lanes_of<B>(e), lanes, n, grain, f);
}

}  // namespace detail

}  // namespace kdm
