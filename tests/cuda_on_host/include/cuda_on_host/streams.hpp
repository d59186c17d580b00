/// Streams and events of the emulated runtime.
#pragma once

#include <memory>
#include <utility>

#include "cuda_on_host/machine.hpp"

inline cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned int flags) {
  return cuda_on_host::runtime_call(__func__, [&] {
    if (!stream || flags > cudaStreamNonBlocking) return cudaErrorInvalidValue;
    *stream = cuda_on_host::the_machine().streams.add();
    (*stream)->blocking = flags == cudaStreamDefault;
    return cudaSuccess;
  });
}

/// Work that waits still runs; a capture is thrown away.
inline cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  return cuda_on_host::runtime_call(__func__, [&] {
    cuda_on_host::machine& m = cuda_on_host::the_machine();
    if (!m.streams.has(stream)) return cudaErrorInvalidResourceHandle;
    cuda_on_host::run_pending(*stream);
    if (stream->graph) m.graphs.remove(stream->graph);
    m.streams.remove(stream);
    return cudaSuccess;
  });
}

inline cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  return cuda_on_host::runtime_call(__func__, [&] {
    CUstream_st* s = cuda_on_host::find_stream(stream);
    if (!s) return cudaErrorInvalidResourceHandle;
    if (cuda_on_host::invalidate_captures([&](const CUstream_st& other) { return &other == s; }) ||
        cuda_on_host::forbidden_by_capture())
      return cudaErrorStreamCaptureUnsupported;
    ++cuda_on_host::the_machine().counted.synchronizations;
    cuda_on_host::run_pending(*s);
    return cudaSuccess;
  });
}

inline cudaError_t cudaDeviceSynchronize() {
  return cuda_on_host::runtime_call(__func__, [] {
    if (cuda_on_host::invalidate_captures([](const CUstream_st&) { return true; }))
      return cudaErrorStreamCaptureUnsupported;
    ++cuda_on_host::the_machine().counted.synchronizations;
    cuda_on_host::run_everything();
    return cudaSuccess;
  });
}

inline cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned int flags) {
  return cuda_on_host::runtime_call(__func__, [&] {
    if (!event || flags > (cudaEventBlockingSync | cudaEventDisableTiming)) return cudaErrorInvalidValue;
    *event = cuda_on_host::the_machine().events.add();
    return cudaSuccess;
  });
}

inline cudaError_t cudaEventDestroy(cudaEvent_t event) {
  return cuda_on_host::runtime_call(__func__, [&] {
    return cuda_on_host::the_machine().events.remove(event) ? cudaSuccess : cudaErrorInvalidResourceHandle;
  });
}

inline cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream = nullptr) {
  return cuda_on_host::runtime_call(__func__, [&] {
    CUstream_st* s = cuda_on_host::find_stream(stream);
    if (!s || !cuda_on_host::the_machine().events.has(event)) return cudaErrorInvalidResourceHandle;
    if (s->capture == cudaStreamCaptureStatusInvalidated) return cudaErrorStreamCaptureInvalidated;
    // In a capture an event only names a place in the chain: there is no node for it.
    event->captured = s->capture == cudaStreamCaptureStatusActive;
    if (event->captured) return cudaSuccess;
    event->stream = s;
    event->done = std::make_shared<bool>(false);
    const auto done = event->done;
    CUgraphNode_st node;
    node.run = [done] { *done = true; };
    return cuda_on_host::enqueue(stream, std::move(node));
  });
}

namespace cuda_on_host {

/// What forbids a question about an event, if anything.
inline cudaError_t event_error(cudaEvent_t event) {
  if (!the_machine().events.has(event)) return cudaErrorInvalidResourceHandle;
  if (event->captured) {
    forbidden_by_capture();
    return cudaErrorCapturedEvent;
  }
  return forbidden_by_capture() ? cudaErrorStreamCaptureUnsupported : cudaSuccess;
}

}  // namespace cuda_on_host

inline cudaError_t cudaEventQuery(cudaEvent_t event) {
  return cuda_on_host::runtime_call(__func__, [&] {
    const cudaError_t error = cuda_on_host::event_error(event);
    if (error != cudaSuccess) return error;
    return !event->done || *event->done ? cudaSuccess : cudaErrorNotReady;
  });
}

inline cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  return cuda_on_host::runtime_call(__func__, [&] {
    const cudaError_t error = cuda_on_host::event_error(event);
    if (error != cudaSuccess) return error;
    ++cuda_on_host::the_machine().counted.synchronizations;
    // A stream that is gone ran its work when it was destroyed.
    if (event->done && !*event->done) cuda_on_host::run_pending(*event->stream, [&] { return *event->done; });
    return cudaSuccess;
  });
}
