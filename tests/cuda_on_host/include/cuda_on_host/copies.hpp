/// Allocations and copies of the emulated runtime.
#pragma once

#include <cstddef>
#include <cstring>
#include <utility>
#include <vector>

#include "cuda_on_host/machine.hpp"

namespace cuda_on_host {

/// Leaves *p alone where it fails.
template <class Memory, class T>
cudaError_t allocate(Memory& memory, T** p, std::size_t bytes) {
  if (!p) return cudaErrorInvalidValue;
  if (forbidden_by_capture()) return cudaErrorStreamCaptureUnsupported;
  void* block = bytes ? memory.allocate(bytes) : nullptr;
  if (bytes && !block) return cudaErrorMemoryAllocation;
  *p = static_cast<T*>(block);
  ++the_machine().counted.mallocs;
  return cudaSuccess;
}

/// Both kinds of memory wait for the device before they go away.
template <class Memory>
cudaError_t release(Memory& memory, void* p) {
  if (forbidden_by_capture()) return cudaErrorStreamCaptureUnsupported;
  if (!p) return cudaSuccess;
  run_everything();
  if (!memory.free(p)) return cudaErrorInvalidValue;
  ++the_machine().counted.frees;
  return cudaSuccess;
}

}  // namespace cuda_on_host

template <class T>
cudaError_t cudaMalloc(T** p, std::size_t bytes) {
  return cuda_on_host::runtime_call(
      "cudaMalloc", [&] { return cuda_on_host::allocate(cuda_on_host::the_machine().device, p, bytes); });
}

inline cudaError_t cudaFree(void* p) {
  return cuda_on_host::runtime_call(
      __func__, [&] { return cuda_on_host::release(cuda_on_host::the_machine().device, p); });
}

template <class T>
cudaError_t cudaMallocHost(T** p, std::size_t bytes, unsigned int = cudaHostAllocDefault) {
  return cuda_on_host::runtime_call(
      "cudaMallocHost", [&] { return cuda_on_host::allocate(cuda_on_host::the_machine().pinned, p, bytes); });
}

template <class T>
cudaError_t cudaHostAlloc(T** p, std::size_t bytes, unsigned int flags) {
  return cuda_on_host::runtime_call("cudaHostAlloc", [&] {
    if (flags > 7) return cudaErrorInvalidValue;
    return cuda_on_host::allocate(cuda_on_host::the_machine().pinned, p, bytes);
  });
}

inline cudaError_t cudaFreeHost(void* p) {
  return cuda_on_host::runtime_call(
      __func__, [&] { return cuda_on_host::release(cuda_on_host::the_machine().pinned, p); });
}

namespace cuda_on_host {

/// A rectangle of bytes: `height` rows of `width` bytes, `pitch` bytes apart.
struct rectangle {
  std::size_t pitch, width, height;
  std::size_t extent() const { return width && height ? (height - 1) * pitch + width : 0; }
};

inline void copy_rectangle(void* to, std::size_t to_pitch, const void* from, const rectangle& r) {
  for (std::size_t i = 0; i < r.height; ++i)
    std::memcpy(static_cast<char*>(to) + i * to_pitch, static_cast<const char*>(from) + i * r.pitch, r.width);
}

/// Whether the range is on the side that the direction says, and inside one block if that is the device.
inline bool range_fits(const void* p, std::size_t bytes, bool on_device) {
  const device_memory& device = the_machine().device;
  return on_device ? device.used().hold(p, bytes) : p && !device.contains(p);
}

/// Pageable memory is read before the call returns and written before the call returns; pinned memory whenever the
/// stream comes to it. A capture keeps the addresses.
inline cudaError_t copy(void* to, std::size_t to_pitch, const void* from, rectangle r, cudaMemcpyKind kind,
                        cudaStream_t stream) {
  machine& m = the_machine();
  CUstream_st* s = find_stream(stream);
  if (!s) return cudaErrorInvalidResourceHandle;
  if (kind < cudaMemcpyHostToHost || kind > cudaMemcpyDefault) return cudaErrorInvalidMemcpyDirection;
  if (r.width > r.pitch || r.width > to_pitch) return cudaErrorInvalidPitchValue;
  if (r.extent() == 0) return cudaSuccess;
  const bool guess = kind == cudaMemcpyDefault;
  const bool from_device =
      guess ? m.device.contains(from) : kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
  const bool to_device =
      guess ? m.device.contains(to) : kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
  const rectangle written{to_pitch, r.width, r.height};
  if (!range_fits(from, r.extent(), from_device) || !range_fits(to, written.extent(), to_device))
    return cudaErrorInvalidValue;
  const bool captured = capturing(*s);
  CUgraphNode_st node;
  if (!captured && !from_device && !m.pinned.used().hold(from, r.extent())) {
    const auto* bytes = static_cast<const char*>(from);
    const std::vector<char> staged(bytes, bytes + r.extent());
    node.run = [=] { copy_rectangle(to, to_pitch, staged.data(), r); };
  } else {
    node.run = [=] { copy_rectangle(to, to_pitch, from, r); };
  }
  const cudaError_t error = enqueue(stream, std::move(node));
  if (error != cudaSuccess) return error;
  ++m.counted.copies;
  if (!captured && !to_device && !m.pinned.used().hold(to, written.extent())) run_pending(*s);
  return cudaSuccess;
}

}  // namespace cuda_on_host

inline cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                                   cudaStream_t stream = nullptr) {
  return cuda_on_host::runtime_call(
      __func__, [&] { return cuda_on_host::copy(to, bytes, from, {bytes, bytes, 1}, kind, stream); });
}

inline cudaError_t cudaMemcpy2DAsync(void* to, std::size_t to_pitch, const void* from, std::size_t from_pitch,
                                     std::size_t width, std::size_t height, cudaMemcpyKind kind,
                                     cudaStream_t stream = nullptr) {
  return cuda_on_host::runtime_call(__func__, [&] {
    constexpr std::size_t longest_pitch = 0x7FFFFFFF;
    if (to_pitch > longest_pitch || from_pitch > longest_pitch) return cudaErrorInvalidPitchValue;
    return cuda_on_host::copy(to, to_pitch, from, {from_pitch, width, height}, kind, stream);
  });
}

inline cudaError_t cudaMemsetAsync(void* p, int value, std::size_t bytes, cudaStream_t stream = nullptr) {
  return cuda_on_host::runtime_call(__func__, [&] {
    if (!cuda_on_host::find_stream(stream)) return cudaErrorInvalidResourceHandle;
    if (bytes == 0) return cudaSuccess;
    if (!cuda_on_host::range_fits(p, bytes, true)) return cudaErrorInvalidValue;
    CUgraphNode_st node;
    node.run = [=] { std::memset(p, value, bytes); };
    const cudaError_t error = cuda_on_host::enqueue(stream, std::move(node));
    if (error == cudaSuccess) ++cuda_on_host::the_machine().counted.memsets;
    return error;
  });
}
