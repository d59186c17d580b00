/// Captures and graphs of the emulated runtime.
#pragma once

#include "cuda_on_host/kernel.hpp"
#include "cuda_on_host/machine.hpp"

inline cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode) {
  return cuda_on_host::runtime_call(__func__, [&] {
    cuda_on_host::machine& m = cuda_on_host::the_machine();
    if (!stream || stream == cudaStreamLegacy) return cudaErrorStreamCaptureUnsupported;
    if (!m.streams.has(stream)) return cudaErrorInvalidResourceHandle;
    if (mode < cudaStreamCaptureModeGlobal || mode > cudaStreamCaptureModeRelaxed) return cudaErrorInvalidValue;
    if (cuda_on_host::capturing(*stream)) return cudaErrorIllegalState;
    stream->capture = cudaStreamCaptureStatusActive;
    stream->mode = mode;
    stream->captured_by = std::this_thread::get_id();
    stream->capture_id = ++m.captures_begun;
    stream->graph = m.graphs.add();
    stream->last = nullptr;
    return cudaSuccess;
  });
}

/// Ends a failed capture too, and gives a null graph then.
inline cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  return cuda_on_host::runtime_call(__func__, [&] {
    cuda_on_host::machine& m = cuda_on_host::the_machine();
    if (!graph) return cudaErrorInvalidValue;
    CUstream_st* s = cuda_on_host::find_stream(stream);
    if (!s) return cudaErrorInvalidResourceHandle;
    *graph = nullptr;
    if (!cuda_on_host::capturing(*s)) return cudaErrorIllegalState;
    if (s->mode != cudaStreamCaptureModeRelaxed && s->captured_by != std::this_thread::get_id())
      return cudaErrorStreamCaptureWrongThread;
    const bool valid = s->capture == cudaStreamCaptureStatusActive;
    const cudaGraph_t captured = std::exchange(s->graph, nullptr);
    s->capture = cudaStreamCaptureStatusNone;
    s->last = nullptr;
    if (!valid) {
      m.graphs.remove(captured);
      return cudaErrorStreamCaptureInvalidated;
    }
    *graph = captured;
    ++m.counted.captures;
    return cudaSuccess;
  });
}

namespace cuda_on_host {

/// The answers that both forms of cudaStreamGetCaptureInfo share; null places are skipped.
inline cudaError_t capture_info(cudaStream_t stream, cudaStreamCaptureStatus* status, unsigned long long* id,
                                cudaGraph_t* graph, const cudaGraphNode_t** nodes, std::size_t* count) {
  CUstream_st* s = find_stream(stream);
  if (!s) return cudaErrorInvalidResourceHandle;
  if (!status) return cudaErrorInvalidValue;
  if (!stream)
    for (const auto& entry : the_machine().streams)
      if (entry.second->blocking && capturing(*entry.second)) return cudaErrorStreamCaptureImplicit;
  *status = s->capture;
  if (s->capture != cudaStreamCaptureStatusActive) return cudaSuccess;
  if (id) *id = s->capture_id;
  if (graph) *graph = s->graph;
  if (nodes) *nodes = &s->last;
  if (count) *count = s->last ? 1 : 0;
  return cudaSuccess;
}

}  // namespace cuda_on_host

inline cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status) {
  return cuda_on_host::runtime_call(
      __func__, [&] { return cuda_on_host::capture_info(stream, status, nullptr, nullptr, nullptr, nullptr); });
}

#if CUDART_VERSION >= 13000
inline cudaError_t cudaStreamGetCaptureInfo(cudaStream_t stream, cudaStreamCaptureStatus* status,
                                            unsigned long long* id = nullptr, cudaGraph_t* graph = nullptr,
                                            const cudaGraphNode_t** nodes = nullptr,
                                            const cudaGraphEdgeData** edges = nullptr,
                                            std::size_t* count = nullptr) {
  return cuda_on_host::runtime_call(__func__, [&] {
    static constexpr cudaGraphEdgeData full{};
    if (edges) *edges = &full;
    return cuda_on_host::capture_info(stream, status, id, graph, nodes, count);
  });
}
#else
inline cudaError_t cudaStreamGetCaptureInfo_v2(cudaStream_t stream, cudaStreamCaptureStatus* status,
                                               unsigned long long* id = nullptr, cudaGraph_t* graph = nullptr,
                                               const cudaGraphNode_t** nodes = nullptr,
                                               std::size_t* count = nullptr) {
  return cuda_on_host::runtime_call(
      __func__, [&] { return cuda_on_host::capture_info(stream, status, id, graph, nodes, count); });
}
#endif

inline cudaError_t cudaGraphInstantiate(cudaGraphExec_t* exec, cudaGraph_t graph, unsigned long long flags = 0) {
  return cuda_on_host::runtime_call(__func__, [&] {
    cuda_on_host::machine& m = cuda_on_host::the_machine();
    if (!exec || !m.graphs.has(graph) || flags != 0) return cudaErrorInvalidValue;
    *exec = m.execs.add();
    for (const auto& node : graph->nodes) {
      (*exec)->names.push_back(node.get());
      (*exec)->nodes.push_back(*node);
    }
    return cudaSuccess;
  });
}

/// Later changes of the nodes do not reach a launch that waits.
inline cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream) {
  return cuda_on_host::runtime_call(__func__, [&] {
    cuda_on_host::machine& m = cuda_on_host::the_machine();
    if (!m.execs.has(exec)) return cudaErrorInvalidValue;
    const std::vector<CUgraphNode_st> nodes = exec->nodes;
    CUgraphNode_st all;
    all.run = [nodes] {
      for (const CUgraphNode_st& node : nodes) node.run();
    };
    const cudaError_t error = cuda_on_host::enqueue(stream, std::move(all));
    if (error == cudaSuccess) ++m.counted.graph_launches;
    return error;
  });
}

/// The node must still belong to a graph in use. A node keeps its kernel here: the emulation cannot change that.
inline cudaError_t cudaGraphExecKernelNodeSetParams(cudaGraphExec_t exec, cudaGraphNode_t node,
                                                    const cudaKernelNodeParams* parameters) {
  return cuda_on_host::runtime_call(__func__, [&] {
    cuda_on_host::machine& m = cuda_on_host::the_machine();
    if (!m.execs.has(exec) || !parameters) return cudaErrorInvalidValue;
    bool alive = false;
    for (const auto& entry : m.graphs)
      for (const auto& candidate : entry.second->nodes) alive = alive || candidate.get() == node;
    for (std::size_t i = 0; alive && i < exec->names.size(); ++i) {
      CUgraphNode_st& target = exec->nodes[i];
      if (exec->names[i] != node || !target.function) continue;
      if (parameters->func != target.function) return cudaErrorNotSupported;
      if (!parameters->kernelParams || parameters->extra || parameters->sharedMemBytes > 48 * 1024)
        return cudaErrorInvalidValue;
      if (!cuda_on_host::launch_is_valid(parameters->gridDim, parameters->blockDim))
        return cudaErrorInvalidConfiguration;
      target.run = target.bind(parameters->gridDim, parameters->blockDim, parameters->kernelParams);
      ++m.counted.node_updates;
      return cudaSuccess;
    }
    return cudaErrorInvalidValue;
  });
}

inline cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  return cuda_on_host::runtime_call(__func__, [&] {
    cuda_on_host::machine& m = cuda_on_host::the_machine();
    for (const auto& entry : m.streams)
      if (entry.second->graph == graph) return cudaErrorInvalidValue;
    return m.graphs.remove(graph) ? cudaSuccess : cudaErrorInvalidValue;
  });
}

inline cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec) {
  return cuda_on_host::runtime_call(__func__, [&] {
    return cuda_on_host::the_machine().execs.remove(exec) ? cudaSuccess : cudaErrorInvalidValue;
  });
}
