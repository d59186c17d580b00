/// The CUDA runtime, emulated on the host for tests: the functions that the CUDA backend calls, with their real
/// argument checks, error codes and ordering.
///
/// Kernels run as loops in the calling thread, one call at a time. Streams are in order and, with
/// cuda_on_host::defer_work, as late as CUDA allows. A capture becomes a chain of nodes.
/// Source.    NVIDIA, CUDA Runtime API reference, versions 12.4 and 13.0.
#pragma once

#include <cstddef>
#include <cstdio>
#include <utility>

#include "cuda_on_host/copies.hpp"
#include "cuda_on_host/errors.hpp"
#include "cuda_on_host/graph.hpp"
#include "cuda_on_host/hooks.hpp"
#include "cuda_on_host/kernel.hpp"
#include "cuda_on_host/machine.hpp"
#include "cuda_on_host/streams.hpp"
#include "cuda_on_host/types.hpp"

namespace cuda_on_host {
inline constinit thread_local int current_device = 0;
}

/// Leaves *count alone where there is no device.
inline cudaError_t cudaGetDeviceCount(int* count) {
  return cuda_on_host::runtime_call(__func__, [&] {
    if (!count) return cudaErrorInvalidValue;
    *count = cuda_on_host::device_count();
    return cudaSuccess;
  });
}

inline cudaError_t cudaGetDevice(int* device) {
  return cuda_on_host::runtime_call(__func__, [&] {
    if (!device) return cudaErrorInvalidValue;
    *device = cuda_on_host::current_device;
    return cudaSuccess;
  });
}

/// All emulated devices share one memory.
inline cudaError_t cudaSetDevice(int device) {
  return cuda_on_host::runtime_call(__func__, [&] {
    if (device < 0 || device >= cuda_on_host::device_count()) return cudaErrorInvalidDevice;
    cuda_on_host::current_device = device;
    return cudaSuccess;
  });
}

inline cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  return cuda_on_host::runtime_call(__func__, [&] {
    if (!properties) return cudaErrorInvalidValue;
    if (device < 0 || device >= cuda_on_host::device_count()) return cudaErrorInvalidDevice;
    *properties = {};
    std::snprintf(properties->name, sizeof properties->name, "emulated on the host");
    properties->totalGlobalMem = cuda_on_host::device_memory::capacity;
    properties->sharedMemPerBlock = 48 * 1024;
    properties->warpSize = 32;
    properties->maxThreadsPerBlock = 1024;
    properties->maxThreadsPerMultiProcessor = 2048;
    const dim3 block(1024, 1024, 64), grid(0x7FFFFFFF, 65535, 65535);
    const auto write = [](int(&to)[3], dim3 d) { to[0] = int(d.x), to[1] = int(d.y), to[2] = int(d.z); };
    write(properties->maxThreadsDim, block);
    write(properties->maxGridSize, grid);
    properties->major = 9;
    properties->multiProcessorCount = 4;
    properties->l2CacheSize = 4 << 20;
    return cudaSuccess;
  });
}

/// The kernel's typed pointer takes the place of the real function's template parameter.
template <class... A>
cudaError_t cudaLaunchKernel(void (*entry)(A...), dim3 grid, dim3 block, void** arguments, std::size_t shared = 0,
                             cudaStream_t stream = nullptr) {
  return cuda_on_host::runtime_call("cudaLaunchKernel", [&] {
    if (!entry || (sizeof...(A) > 0 && !arguments) || shared > 48 * 1024) return cudaErrorInvalidValue;
    if (!cuda_on_host::launch_is_valid(grid, block)) return cudaErrorInvalidConfiguration;
    CUgraphNode_st node;
    node.function = reinterpret_cast<const void*>(entry);
    node.bind = [entry](dim3 g, dim3 b, void** a) {
      return cuda_on_host::bind_kernel(entry, g, b, a, std::index_sequence_for<A...>{});
    };
    node.run = node.bind(grid, block, arguments);
    const cudaError_t error = cuda_on_host::enqueue(stream, std::move(node));
    if (error == cudaSuccess) ++cuda_on_host::the_machine().counted.launches;
    return error;
  });
}
