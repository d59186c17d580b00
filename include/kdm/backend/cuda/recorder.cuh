/// Sequences of verbs as CUDA graphs, whose kernels get new arguments at every replay.
#pragma once

#include <cstddef>
#include <cstring>
#include <utility>
#include <vector>

#include "kdm/backend/cuda/kernels.cuh"

namespace kdm {

namespace detail {

inline void destroy_graph(cudaGraph_t g) { (void)cudaGraphDestroy(g); }
inline void destroy_graph_exec(cudaGraphExec_t g) { (void)cudaGraphExecDestroy(g); }

/// The node that the last captured launch became.
inline cudaGraphNode_t last_captured(cudaStream_t stream) {
  cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
  const cudaGraphNode_t* nodes = nullptr;
  std::size_t count = 0;
#if CUDART_VERSION >= 13000
  const cudaGraphEdgeData* edges = nullptr;
  check_cuda(cudaStreamGetCaptureInfo(stream, &status, nullptr, nullptr, &nodes, &edges, &count),
             "cudaStreamGetCaptureInfo");
#else
  check_cuda(cudaStreamGetCaptureInfo_v2(stream, &status, nullptr, nullptr, &nodes, &count),
             "cudaStreamGetCaptureInfo_v2");
#endif
  if (status != cudaStreamCaptureStatusActive || count != 1)
    fail<device_error>("cudaStreamGetCaptureInfo: ", count, " nodes after a launch, expected 1");
  return nodes[0];
}

}  // namespace detail

/// One sequence of verbs: nothing at first, a CUDA graph from the second run on.
///
/// A replay runs the sequence's host code again, but every verb only compares its arguments with the recorded ones
/// and hands changed ones to its node of the graph: step numbers, learning rates and keys of random numbers may
/// differ from run to run without any layer knowing about graphs. Arguments of library calls cannot be exchanged;
/// where these differ, or the sequence itself, it starts anew: once as it is, then recorded.
class cuda_recording {
 public:
  /// A verb as it was issued; a library call has no function and no node.
  struct verb {
    const void* function = nullptr;
    detail::grid_shape shape;
    cudaGraphNode_t node = nullptr;
    std::vector<unsigned char> arguments;
  };

  /// True once for every record to come.
  bool take_warm_up() { return std::exchange(warm_, true) == false; }
  bool recorded() const { return bool(exec_); }
  /// Whether all verbs of the replay were those of the record.
  bool matched() const { return matched_ && next_ == verbs_.size(); }

  void begin_replay() {
    next_ = 0;
    matched_ = true;
  }
  /// Forgets everything.
  void begin_record() {
    verbs_.clear();
    exec_ = {};
    graph_ = {};
    warm_ = false;
  }
  /// Takes over the captured graph.
  void finish(cudaGraph_t graph) {
    graph_ = owned_graph(graph);
    detail::check_cuda(cudaGraphInstantiate(exec_.place(), graph, 0), "cudaGraphInstantiate");
  }
  void launch(cudaStream_t stream) { detail::check_cuda(cudaGraphLaunch(exec_.get(), stream), "cudaGraphLaunch"); }

  void add(verb v) { verbs_.push_back(std::move(v)); }

  /// The next verb of a replay is to run `function` on these arguments.
  template <std::size_t N>
  void replay(const void* function, const detail::grid_shape& shape, void* (&pointers)[N],
              const std::size_t (&sizes)[N]) {
    verb* v = next(function);
    if (!v) return;
    const auto same = [](dim3 a, dim3 b) { return a.x == b.x && a.y == b.y && a.z == b.z; };
    bool changed = !same(v->shape.grid, shape.grid) || !same(v->shape.block, shape.block);
    std::size_t at = 0;
    for (std::size_t k = 0; k < N; ++k) {
      if (std::memcmp(v->arguments.data() + at, pointers[k], sizes[k]) != 0) {
        std::memcpy(v->arguments.data() + at, pointers[k], sizes[k]);
        changed = true;
      }
      at += sizes[k];
    }
    if (!changed) return;
    v->shape = shape;
    cudaKernelNodeParams params{};
    params.func = const_cast<void*>(function);
    params.gridDim = shape.grid;
    params.blockDim = shape.block;
    params.kernelParams = pointers;
    detail::check_cuda(cudaGraphExecKernelNodeSetParams(exec_.get(), v->node, &params),
                       "cudaGraphExecKernelNodeSetParams");
  }

  /// The next verb of a replay is a library call with these arguments.
  void replay_library(const void* arguments, std::size_t size) {
    const verb* v = next(nullptr);
    if (v && (v->arguments.size() != size || std::memcmp(v->arguments.data(), arguments, size) != 0)) matched_ = false;
  }

 private:
  using owned_graph = detail::owned<cudaGraph_t, detail::destroy_graph>;
  using owned_exec = detail::owned<cudaGraphExec_t, detail::destroy_graph_exec>;

  verb* next(const void* function) {
    if (!matched_ || next_ == verbs_.size() || verbs_[next_].function != function) {
      matched_ = false;
      return nullptr;
    }
    return &verbs_[next_++];
  }

  std::vector<verb> verbs_;
  owned_graph graph_;  // its nodes name those of exec_
  owned_exec exec_;
  std::size_t next_ = 0;
  bool warm_ = false, matched_ = false;
};

}  // namespace kdm
