/// Which executor runs the lanes of a backend.
#pragma once

#include <concepts>
#include <type_traits>
#include <utility>

#include "kdm/core/backend.hpp"
#include "kdm/exec/serial.hpp"

namespace kdm {

/// The user's executor where the backend's memory is the host's. A device is parallel in itself: its verbs are issued
/// by the calling thread, in one lane.
template <backend B, executor E>
using lane_executor = std::conditional_t<std::same_as<typename B::space, host_space>, E, serial>;

template <backend B, executor E>
lane_executor<B, E> lanes_of(E e) {
  if constexpr (std::same_as<typename B::space, host_space>) return e;
  else return {};
}

}  // namespace kdm
