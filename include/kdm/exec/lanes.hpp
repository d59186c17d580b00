/// Which executor runs the lanes of a backend.
#pragma once

#include <concepts>

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

}  // namespace kdm
