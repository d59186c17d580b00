/// The emulated device: streams, captures, graphs, counters and injected faults.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "cuda_on_host/memory.hpp"
#include "cuda_on_host/types.hpp"

/// One piece of device work. A kernel also keeps how to bind new arguments to it.
struct CUgraphNode_st {
  std::function<void()> run;
  const void* function = nullptr;
  std::function<std::function<void()>(dim3 grid, dim3 block, void** arguments)> bind;
};

/// A chain: each node depends on the one before it.
struct CUgraph_st {
  std::vector<std::unique_ptr<CUgraphNode_st>> nodes;
};

/// A copy of the nodes, beside the graph's own nodes that name them.
struct CUgraphExec_st {
  std::vector<cudaGraphNode_t> names;
  std::vector<CUgraphNode_st> nodes;
};

struct CUstream_st {
  bool blocking = true;
  std::deque<std::function<void()>> pending;
  cudaStreamCaptureStatus capture = cudaStreamCaptureStatusNone;
  cudaStreamCaptureMode mode = cudaStreamCaptureModeGlobal;
  std::thread::id captured_by;
  unsigned long long capture_id = 0;
  cudaGraph_t graph = nullptr;
  cudaGraphNode_t last = nullptr;
};

struct CUevent_st {
  std::shared_ptr<bool> done;
  CUstream_st* stream = nullptr;
  bool captured = false;
};

namespace cuda_on_host {

/// What a program asked of the device since the last reset.
struct counters {
  long launches = 0;      ///< calls of cudaLaunchKernel, captured ones included
  long kernels_run = 0;   ///< kernels that ran, from launches and from graphs
  long captures = 0;      ///< captures that ended with a graph
  long graph_launches = 0;
  long node_updates = 0;
  long copies = 0;
  long memsets = 0;
  long mallocs = 0;       ///< device and pinned memory
  long frees = 0;
  long synchronizations = 0;
  long gemms = 0;         ///< calls of cuBLAS and cuBLASLt products
  long gemms_captured_without_workspace = 0;  ///< cuBLAS would add memory nodes to the graph
};

/// Objects behind handles: a handle that is not in use is noticed.
template <class T>
class registry {
 public:
  T* add(std::unique_ptr<T> object = std::make_unique<T>()) {
    T* handle = object.get();
    objects_[handle] = std::move(object);
    return handle;
  }
  bool has(const T* handle) const { return objects_.count(handle) != 0; }
  bool remove(const T* handle) { return objects_.erase(handle) != 0; }
  std::size_t size() const { return objects_.size(); }
  auto begin() const { return objects_.begin(); }
  auto end() const { return objects_.end(); }

 private:
  std::map<const T*, std::unique_ptr<T>> objects_;
};

/// Everything there is once a process. Never destroyed, so that static objects may still free their memory.
struct machine {
  std::recursive_mutex mutex;
  device_memory device;
  pinned_memory pinned;
  CUstream_st legacy;
  registry<CUstream_st> streams;
  registry<CUevent_st> events;
  registry<CUgraph_st> graphs;
  registry<CUgraphExec_st> execs;
  long library_handles = 0;
  unsigned long long captures_begun = 0;
  counters counted;
  struct fault {
    int calls_left, code;
  };
  std::map<std::string, fault> faults;
  std::optional<int> devices;
  bool deferred = false;
  bool backwards = false;
};

inline machine& the_machine() {
  static machine& m = *new machine;
  return m;
}

/// While one exists, the host may touch device memory.
class device_access {
 public:
  device_access() : lock_(the_machine().mutex) { the_machine().device.open(); }
  device_access(const device_access&) = delete;
  device_access& operator=(const device_access&) = delete;
  ~device_access() { the_machine().device.close(); }

 private:
  std::lock_guard<std::recursive_mutex> lock_;
};

inline int device_count() {
  if (the_machine().devices) return *the_machine().devices;
  const char* set = std::getenv("KDM_EMULATED_DEVICES");
  return set ? std::atoi(set) : 1;
}

/// The code of the fault that is due for this call, otherwise 0.
inline int injected_fault(const std::string& function) {
  auto& faults = the_machine().faults;
  const auto found = faults.find(function);
  if (found == faults.end() || --found->second.calls_left > 0) return 0;
  const int code = found->second.code;
  faults.erase(found);
  return code;
}

inline constinit thread_local cudaError_t last_error = cudaSuccess;

/// One call of the runtime: one at a time, with faults, and with its error kept for cudaGetLastError.
template <class F>
cudaError_t runtime_call(const char* function, F body) {
  const std::lock_guard lock(the_machine().mutex);
  auto error = static_cast<cudaError_t>(injected_fault(function));
  if (error == cudaSuccess) error = device_count() > 0 ? body() : cudaErrorNoDevice;
  if (error != cudaSuccess) last_error = error;
  return error;
}

/// The stream of a handle, null for one that is not in use.
inline CUstream_st* find_stream(cudaStream_t handle) {
  machine& m = the_machine();
  if (handle == nullptr || handle == cudaStreamLegacy) return &m.legacy;
  return m.streams.has(handle) ? handle : nullptr;
}

inline bool capturing(const CUstream_st& s) { return s.capture != cudaStreamCaptureStatusNone; }

/// Marks the captures for which `which(stream)` holds as failed; says whether there were any.
template <class Which>
bool invalidate_captures(Which which) {
  bool any = false;
  for (const auto& entry : the_machine().streams) {
    CUstream_st& s = *entry.second;
    if (!capturing(s) || !which(s)) continue;
    s.capture = cudaStreamCaptureStatusInvalidated;
    any = true;
  }
  return any;
}

/// Whether a capture forbids this thread the calls that CUDA names potentially unsafe; that capture has failed then.
inline bool forbidden_by_capture() {
  return invalidate_captures([](const CUstream_st& s) {
    return s.mode == cudaStreamCaptureModeGlobal ||
           (s.mode == cudaStreamCaptureModeThreadLocal && s.captured_by == std::this_thread::get_id());
  });
}

/// Where a stream's work waits. Blocking streams and the null stream wait for each other: they share one queue.
inline std::deque<std::function<void()>>& queue_of(CUstream_st& s) {
  return s.blocking ? the_machine().legacy.pending : s.pending;
}

/// Runs what waits in a stream, in order, until `done` holds or nothing is left.
template <class Done>
void run_pending(CUstream_st& s, Done done) {
  auto& queue = queue_of(s);
  if (queue.empty()) return;
  const device_access open;
  while (!queue.empty() && !done()) {
    const auto work = std::move(queue.front());
    queue.pop_front();
    work();
  }
}

inline void run_pending(CUstream_st& s) {
  run_pending(s, [] { return false; });
}

inline void run_everything() {
  run_pending(the_machine().legacy);
  for (const auto& entry : the_machine().streams) run_pending(*entry.second);
}

/// Hands work to a stream: it is captured, queued, or run at once.
inline cudaError_t enqueue(cudaStream_t handle, CUgraphNode_st work) {
  machine& m = the_machine();
  CUstream_st* s = find_stream(handle);
  if (!s) return cudaErrorInvalidResourceHandle;
  if (s == &m.legacy && invalidate_captures([](const CUstream_st& other) { return other.blocking; }))
    return cudaErrorStreamCaptureImplicit;
  if (s->capture == cudaStreamCaptureStatusInvalidated) return cudaErrorStreamCaptureInvalidated;
  if (s->capture == cudaStreamCaptureStatusActive) {
    s->graph->nodes.push_back(std::make_unique<CUgraphNode_st>(std::move(work)));
    s->last = s->graph->nodes.back().get();
  } else {
    queue_of(*s).push_back(std::move(work.run));
    if (!m.deferred) run_pending(*s);
  }
  return cudaSuccess;
}

}  // namespace cuda_on_host
