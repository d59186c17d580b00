/// What all copies of a CUDA backend share: a stream, a cuBLAS handle, scratch memory, the sequence being recorded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "kdm/backend/cuda/recorder.cuh"
#include "kdm/core/matrix.hpp"

namespace kdm {

/// How a CUDA backend works.
struct cuda_options {
  bool tf32 = false;              ///< float products on tensor cores, with 10 bits of mantissa; not for a lent handle
  bool graphs = true;             ///< repeated sequences of verbs become CUDA graphs
  cudaStream_t stream = nullptr;    ///< the user's stream; null: one of its own
  cublasHandle_t cublas = nullptr;  ///< the user's handle, lent to this backend alone until it ends; null: its own
};

namespace detail {

inline void destroy_stream(cudaStream_t s) { (void)cudaStreamDestroy(s); }
inline void destroy_event(cudaEvent_t e) { (void)cudaEventDestroy(e); }
inline void destroy_cublas(cublasHandle_t h) { (void)cublasDestroy(h); }
inline void free_device(void* p) { (void)cudaFree(p); }
inline void free_pinned(void* p) { (void)cudaFreeHost(p); }

class cuda_context {
 public:
  explicit cuda_context(const cuda_options& options) : options_(options) {
    if (options_.graphs && options_.stream == cudaStreamLegacy)
      fail<option_error>("cuda_backend: the legacy default stream cannot be captured: pass another, or graphs = false");
    if (options_.tf32 && options_.cublas)
      fail<option_error>("cuda_backend: tf32 is for the backend's own cuBLAS handle: set the math mode of yours");
    int devices = 0;
    check_cuda(cudaGetDeviceCount(&devices), "no CUDA device: cudaGetDeviceCount");
    if (devices < 1) fail<device_error>("no CUDA device: cudaGetDeviceCount found 0, expected at least 1");
    if (!options_.stream) {
      check_cuda(cudaStreamCreateWithFlags(stream_.place(), cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
      options_.stream = stream_.get();
    }
    check_cuda(cudaMalloc(workspace_.place(), workspace_bytes), "cudaMalloc(", workspace_bytes, ")");
    check_cuda(cudaMalloc(sums_.place(), sums_bytes), "cudaMalloc(", sums_bytes, ")");
    for (staging& s : staging_) {
      check_cuda(cudaMallocHost(s.memory.place(), staging_bytes), "cudaMallocHost(", staging_bytes, ")");
      check_cuda(cudaEventCreateWithFlags(s.done.place(), cudaEventDisableTiming), "cudaEventCreateWithFlags");
    }
    if (options_.cublas) {
      check_cublas(cublasGetStream(options_.cublas, &users_stream_), "cublasGetStream");
      check_cublas(cublasGetPointerMode(options_.cublas, &users_pointers_), "cublasGetPointerMode");
      check_cublas(cublasSetPointerMode(options_.cublas, CUBLAS_POINTER_MODE_HOST), "cublasSetPointerMode");
    } else {
      check_cublas(cublasCreate(cublas_.place()), "cublasCreate");
      options_.cublas = cublas_.get();
      const cublasMath_t math = options_.tf32 ? CUBLAS_TF32_TENSOR_OP_MATH : CUBLAS_DEFAULT_MATH;
      check_cublas(cublasSetMathMode(options_.cublas, math), "cublasSetMathMode");
    }
    // In this order, because setting the stream resets the workspace. Without one cuBLAS would allocate in a capture.
    check_cublas(cublasSetStream(options_.cublas, options_.stream), "cublasSetStream");
    check_cublas(cublasSetWorkspace(options_.cublas, workspace_.get(), workspace_bytes), "cublasSetWorkspace");
  }
  cuda_context(const cuda_context&) = delete;
  cuda_context& operator=(const cuda_context&) = delete;
  ~cuda_context() {
    (void)cudaStreamSynchronize(options_.stream);
    if (cublas_) return;
    (void)cublasSetStream(options_.cublas, users_stream_);
    (void)cublasSetPointerMode(options_.cublas, users_pointers_);
  }

  const cuda_options& options() const { return options_; }
  cudaStream_t stream() const { return options_.stream; }
  /// Throws.    option_error when somebody has set a lent handle to another stream: its products would not wait for
  ///            anything issued here.
  cublasHandle_t cublas() const {
    if (!cublas_) {
      cudaStream_t found = nullptr;
      check_cublas(cublasGetStream(options_.cublas, &found), "cublasGetStream");
      if (found != options_.stream)
        fail<option_error>("cuda_backend: the lent cuBLAS handle is on another stream, expected the backend's: lend a "
                           "handle to one backend alone");
    }
    return options_.cublas;
  }

  /// Scratch memory for cuBLAS, and for the sums of rows: used by one verb at a time, in the order of the stream.
  void* workspace() const { return workspace_.get(); }
  template <class T>
  T* sums() const {
    return static_cast<T*>(sums_.get());
  }
  template <class T>
  static constexpr index_t sums_size() {
    return index_t(sums_bytes / sizeof(T));
  }
  static constexpr std::size_t workspace_bytes = std::size_t(32) << 20;

  /// kernel(arguments...) over a grid: at once, into a graph, or as the next verb of a replay.
  template <class... A>
  void launch(void (*kernel)(A...), const grid_shape& shape, A... arguments) {
    const void* const function = reinterpret_cast<const void*>(kernel);
    void* pointers[] = {static_cast<void*>(&arguments)...};
    const std::size_t sizes[] = {sizeof(A)...};
    if (mode_ == mode::replay) return recording_->replay(function, shape, pointers, sizes);
    check_cuda(cudaLaunchKernel(kernel, shape.grid, shape.block, pointers, 0, stream()), "cudaLaunchKernel");
    if (mode_ == mode::record) {
      cuda_recording::verb v{function, shape, last_captured(stream()), {}};
      for (std::size_t k = 0; k < sizeof...(A); ++k) {
        const auto* bytes = static_cast<const unsigned char*>(pointers[k]);
        v.arguments.insert(v.arguments.end(), bytes, bytes + sizes[k]);
      }
      recording_->add(std::move(v));
    }
  }

  /// A library call, identified by plain arguments without padding: call() issues it.
  template <class Arguments, class Call>
  void library(const Arguments& arguments, Call call) {
    static_assert(std::has_unique_object_representations_v<Arguments>);
    if (mode_ == mode::replay) return recording_->replay_library(&arguments, sizeof arguments);
    call();
    if (mode_ == mode::record) {
      const auto* bytes = reinterpret_cast<const unsigned char*>(&arguments);
      recording_->add({nullptr, {}, nullptr, {bytes, bytes + sizeof arguments}});
    }
  }

  template <class F>
  void repeat(cuda_recording& r, F f) {
    // A sequence inside a sequence is part of it.
    if (!options_.graphs || mode_ != mode::direct) return f();
    try {
      if (r.recorded()) {
        r.begin_replay();
        run(mode::replay, r, f);
        if (r.matched()) return r.launch(stream());
        r.begin_record();
      }
      // Kernels are loaded at their first launch, which may be an error inside a capture: so a sequence runs once as
      // it is before it is recorded.
      if (r.take_warm_up()) return f();
      record(r, f);
      r.launch(stream());
    } catch (...) {
      r.begin_record();  // some nodes may have new arguments: the sequence starts anew
      throw;
    }
  }

  /// Transfers and memory have no place in a repeated sequence.
  void require_direct(const char* verb) const {
    if (mode_ != mode::direct) fail<option_error>("cuda_backend: ", verb, " inside a repeated sequence of verbs");
  }

  /// One half of the pinned memory, free to be written.
  void* next_staging() {
    turn_ = 1 - turn_;
    wait(turn_);
    return staging_[turn_].memory.get();
  }
  /// Marks what was issued on the half last given out; wait(turn) waits for that.
  int mark_staging() {
    check_cuda(cudaEventRecord(staging_[turn_].done.get(), stream()), "cudaEventRecord");
    return turn_;
  }
  void wait(int turn) { check_cuda(cudaEventSynchronize(staging_[turn].done.get()), "cudaEventSynchronize"); }
  static constexpr std::size_t staging_bytes = std::size_t(4) << 20;

 private:
  enum class mode { direct, record, replay };

  struct staging {
    owned<void*, free_pinned> memory;
    owned<cudaEvent_t, destroy_event> done;
  };

  template <class F>
  void run(mode m, cuda_recording& r, F& f) {
    struct back_to_direct {
      cuda_context& c;
      ~back_to_direct() {
        c.mode_ = mode::direct;
        c.recording_ = nullptr;
      }
    } guard{*this};
    mode_ = m;
    recording_ = &r;
    f();
  }

  template <class F>
  void record(cuda_recording& r, F& f) {
    cudaGraph_t graph = nullptr;
    check_cuda(cudaStreamBeginCapture(stream(), cudaStreamCaptureModeThreadLocal), "cudaStreamBeginCapture");
    try {
      run(mode::record, r, f);
    } catch (...) {
      (void)cudaStreamEndCapture(stream(), &graph);
      if (graph) (void)cudaGraphDestroy(graph);
      throw;
    }
    check_cuda(cudaStreamEndCapture(stream(), &graph), "cudaStreamEndCapture");
    r.finish(graph);
  }

  static constexpr std::size_t sums_bytes = std::size_t(8) << 20;

  cuda_options options_;
  cudaStream_t users_stream_ = nullptr;  // of the lent handle
  cublasPointerMode_t users_pointers_ = CUBLAS_POINTER_MODE_HOST;
  owned<cudaStream_t, destroy_stream> stream_;
  owned<void*, free_device> workspace_, sums_;
  owned<cublasHandle_t, destroy_cublas> cublas_;
  staging staging_[2];
  int turn_ = 0;
  mode mode_ = mode::direct;
  cuda_recording* recording_ = nullptr;
};

}  // namespace detail
}  // namespace kdm
