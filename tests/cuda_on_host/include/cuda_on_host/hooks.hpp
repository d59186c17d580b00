/// What a test may switch and ask of the emulated device.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "cuda_on_host/machine.hpp"

namespace cuda_on_host {

/// With `on`, work waits until a stream, an event or the device is synchronised. Otherwise it runs in the call.
inline void defer_work(bool on) {
  const std::lock_guard lock(the_machine().mutex);
  if (!on) run_everything();
  the_machine().deferred = on;
}

/// Pieces of work that wait in all streams.
inline std::size_t pending_work() {
  const std::lock_guard lock(the_machine().mutex);
  std::size_t n = the_machine().legacy.pending.size();
  for (const auto& entry : the_machine().streams) n += entry.second->pending.size();
  return n;
}

/// Off: the host can always touch device memory, and a launch is faster by two system calls.
inline void protect_device_memory(bool on) {
  const std::lock_guard lock(the_machine().mutex);
  the_machine().device.protect_when_closed(on);
}

/// Runs the threads of a kernel from the last to the first: what depends on their order shows.
inline void run_threads_backwards(bool on) { the_machine().backwards = on; }

/// Overrides the environment's KDM_EMULATED_DEVICES (1 where that is not set).
inline void set_device_count(int n) { the_machine().devices = n; }
inline void use_device_count_of_environment() { the_machine().devices.reset(); }

/// Makes the `nth` next call of a function (the name as it is written in a program) return `code`, once.
inline void fail_call(const std::string& function, int code, int nth = 1) {
  const std::lock_guard lock(the_machine().mutex);
  the_machine().faults[function] = {nth, code};
}
inline void forget_faults() {
  const std::lock_guard lock(the_machine().mutex);
  the_machine().faults.clear();
}

inline counters counted() {
  const std::lock_guard lock(the_machine().mutex);
  return the_machine().counted;
}
inline void reset_counters() {
  const std::lock_guard lock(the_machine().mutex);
  the_machine().counted = {};
}

/// Bytes that were allocated and not freed.
inline std::size_t device_bytes_in_use() { return the_machine().device.used().total(); }
inline std::size_t pinned_bytes_in_use() { return the_machine().pinned.used().total(); }

/// Streams, events, graphs and library handles and descriptors that were created and not destroyed.
inline std::size_t handles_in_use() {
  const machine& m = the_machine();
  return m.streams.size() + m.events.size() + m.graphs.size() + m.execs.size() + std::size_t(m.library_handles);
}

inline bool is_device_memory(const void* p) { return the_machine().device.contains(p); }
inline bool is_pinned_memory(const void* p) { return the_machine().pinned.used().hold(p, 1); }

/// What device memory holds, past all streams.
template <class T>
std::vector<T> peek(const T* p, std::size_t n) {
  const device_access open;
  return std::vector<T>(p, p + n);
}

/// Everything as at the start of the program, besides memory and handles in use.
inline void reset() {
  defer_work(false);
  protect_device_memory(true);
  run_threads_backwards(false);
  use_device_count_of_environment();
  forget_faults();
  reset_counters();
  last_error = cudaSuccess;
}

}  // namespace cuda_on_host
