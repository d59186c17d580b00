/// The CUDA backend. Include it in a .cu file and link the CMake target kdm::cuda.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <utility>

#include "kdm/backend/cuda/context.cuh"
#include "kdm/backend/cuda/epilogue.cuh"
#include "kdm/core/backend.hpp"
#include "kdm/core/repeat.hpp"

namespace kdm {

/// Memory of one CUDA device, verbs on one stream. Needs CUDA 12.4 or newer.
///
/// Elementwise verbs are one kernel each, products are cuBLAS's, sums have an order that depends on sizes alone: the
/// same bits on every run. The training step becomes two CUDA graphs at its second run (`ops::repeat`). Use it from one
/// thread at a time, with the device current on which it was made.
/// Cost.      40 MB of device memory and 8 MB of pinned host memory for all copies of a backend together.
/// Throws.    device_error naming the call, in the constructor also where there is no device.
/// Example.   docs/cuda.md
template <float_or_double T>
class cuda_backend {
 public:
  using value_type = T;
  using space = cuda_space;
  using recording = cuda_recording;
  using to = view<T, cuda_space>;
  using from = view<const T, cuda_space>;

  cuda_backend() : cuda_backend(cuda_options{}) {}
  explicit cuda_backend(const cuda_options& options)
      : context_(std::make_shared<detail::cuda_context>(options)),
        epilogues_(std::make_shared<detail::cuda_epilogues<T>>(*context_)) {}

  cudaStream_t stream() const { return context_->stream(); }

  T* allocate(index_t n) {
    context_->require_direct("allocate");
    if (n > index_t(std::size_t(-1) / 2 / sizeof(T))) fail_to_allocate();
    void* p = nullptr;
    detail::check_cuda(cudaMalloc(&p, std::size_t(n) * sizeof(T)), "cudaMalloc(", std::size_t(n) * sizeof(T), ")");
    return static_cast<T*>(p);
  }
  void deallocate(T* p, index_t /*n*/) { (void)cudaFree(p); }

  void upload(const_view<T> x, to y) {
    context_->require_direct("upload");
    require_size("upload: number of rows", x.rows, y.rows);
    require_size("upload: number of columns", x.cols, y.cols);
    tiles(x.rows, x.cols, x.contiguous() && y.contiguous(), [&](index_t i, index_t j, index_t rows, index_t cols) {
      T* const packed = static_cast<T*>(context_->next_staging());
      for (index_t r = 0; r < rows; ++r) std::copy_n(x.p + (i + r) * x.ld + j, cols, packed + r * cols);
      copy_tile(y.p + i * y.ld + j, y.ld, packed, cols, rows, cols, cudaMemcpyHostToDevice);
      context_->mark_staging();
    });
  }

  /// Has ended when it returns.
  void download(from x, view<T> y) {
    context_->require_direct("download");
    require_size("download: number of rows", x.rows, y.rows);
    require_size("download: number of columns", x.cols, y.cols);
    tiles(x.rows, x.cols, x.contiguous() && y.contiguous(), [&](index_t i, index_t j, index_t rows, index_t cols) {
      T* const packed = static_cast<T*>(context_->next_staging());
      copy_tile(packed, cols, x.p + i * x.ld + j, x.ld, rows, cols, cudaMemcpyDeviceToHost);
      context_->wait(context_->mark_staging());
      for (index_t r = 0; r < rows; ++r) std::copy_n(packed + r * cols, cols, y.p + (i + r) * y.ld + j);
    });
  }

  void synchronize() {
    context_->require_direct("synchronize");
    detail::check_cuda(cudaStreamSynchronize(stream()), "cudaStreamSynchronize");
  }

  template <class Kernel>
  void for_each(index_t n, Kernel kernel) {
    if (n > 0) context_->launch(detail::for_each_on_device<Kernel>, detail::grid_over(n), n, kernel);
  }

  template <class Kernel>
  void for_each_cell(index_t rows, index_t cols, Kernel kernel) {
    if (rows > 0 && cols > 0)
      context_->launch(detail::for_each_cell_on_device<Kernel>, detail::grid_over(rows, cols), rows, cols, kernel);
  }

  /// A tree: chunks of 64 rows, then chunks of 64 chunks, and so on.
  template <class F, class... X>
  void sum_rows(F f, T keep, to y, X... x) {
    const index_t cols = y.cols;
    index_t rows = std::min({x.rows...});
    if (cols == 0) return;
    const index_t room = detail::cuda_context::sums_size<T>() / 2;
    T* half = context_->template sums<T>();
    T* other = half + room;
    const index_t chunk = chunk_of(rows, cols, room);
    if (chunk >= rows) return sum_chunks(f, keep, rows, std::max<index_t>(rows, 1), y, from(x)...);
    to sums{half, (rows + chunk - 1) / chunk, cols};
    sum_chunks(f, T(0), rows, chunk, sums, from(x)...);
    for (rows = sums.rows; rows > fan_in; rows = sums.rows) {
      const to next{other, (rows + fan_in - 1) / fan_in, cols};
      sum_chunks(ops::take_first{}, T(0), rows, fan_in, next, from(sums));
      std::swap(half, other);
      sums = next;
    }
    sum_chunks(ops::take_first{}, keep, rows, rows, y, from(sums));
  }

  void gemm(op ta, op tb, T a, from x, from y, T keep, to z) {
    const index_t inner = ta == op::as_is ? x.cols : x.rows;
    if (z.empty()) return;
    if (inner == 0) {
      if (keep == T(0)) ops::fill(*this, T(0), z);
      else ops::map(*this, ops::scaled<T>{keep}, z, from(z));
      return;
    }
    // A row-major matrix is the transposed one to cuBLAS: z' = op(y)' op(x)'.
    struct arguments {
      std::intptr_t x, y, z;
      index_t rows, cols, inner, ldx, ldy, ldz;
      std::uint64_t a, keep;
      std::intptr_t ta, tb;
    };
    const arguments key{address(x.p), address(y.p), address(z.p), z.rows,    z.cols,     inner,           x.ld, y.ld,
                        z.ld,         bits(a),      bits(keep),   index_t(ta), index_t(tb)};
    context_->library(key, [&] {
      const auto call = [&](auto function, const char* name) {
        detail::check_cublas(function(context_->cublas(), operation(tb), operation(ta), z.cols, z.rows, inner, &a, y.p,
                                      y.ld, x.p, x.ld, &keep, z.p, z.ld),
                             name);
      };
      if constexpr (std::same_as<T, float>) call(cublasSgemm_64, "cublasSgemm_64");
      else call(cublasDgemm_64, "cublasDgemm_64");
    });
  }

  /// The product and then one kernel for bias and activation; where cuBLASLt has bias and activation as an epilogue
  /// (identity, relu), the product alone.
  template <class Act>
  void dense(from x, from weight, from c, Act act, to y, to slope) {
    if (y.empty()) return;
    if constexpr (is_identity<Act> || std::same_as<Act, activations::relu>)
      if (c && !slope && epilogues_->dense(*context_, x, weight, c, !is_identity<Act>, y)) return;
    gemm(op::as_is, op::transposed, T(1), x, weight, T(0), y);
    if (slope) for_each_cell(y.rows, y.cols, ops::detail::activate_kernel<true, Act, T, space>{act, y, slope, c.p});
    else if (c || !is_identity<Act>)
      for_each_cell(y.rows, y.cols, ops::detail::activate_kernel<false, Act, T, space>{act, y, slope, c.p});
  }

  /// The verbs of f: issued the first time, a CUDA graph from then on.
  template <class F>
  void repeat(recording& r, F f) {
    context_->repeat(r, f);
  }

 private:
  static constexpr index_t fan_in = 64;

  /// Rows summed by one thread in the first pass: 64, or more where the sums of so many chunks had no room.
  static index_t chunk_of(index_t rows, index_t cols, index_t room) {
    const index_t most = std::max<index_t>(room / cols, 1);
    return std::max(fan_in, (rows + most - 1) / most);
  }

  template <class F, class... X>
  void sum_chunks(F f, T keep, index_t rows, index_t chunk, to y, X... x) {
    const index_t chunks = std::max<index_t>((rows + chunk - 1) / chunk, 1);
    for_each_cell(chunks, y.cols, detail::sum_chunks_kernel<F, T, sizeof...(X)>{f, keep, rows, chunk, y, {x...}});
  }

  /// f(row, col, rows, cols) for tiles that fit the pinned memory; a gap-free matrix is one long row.
  template <class F>
  static void tiles(index_t rows, index_t cols, bool contiguous, F f) {
    if (rows == 0 || cols == 0) return;
    if (contiguous) cols *= std::exchange(rows, 1);
    const index_t room = index_t(detail::cuda_context::staging_bytes / sizeof(T));
    const index_t wide = std::min(cols, room), high = room / wide;
    for (index_t i = 0; i < rows; i += high)
      for (index_t j = 0; j < cols; j += wide) f(i, j, std::min(high, rows - i), std::min(wide, cols - j));
  }

  void copy_tile(T* y, index_t ldy, const T* x, index_t ldx, index_t rows, index_t cols, cudaMemcpyKind kind) {
    const auto bytes = [](index_t n) { return std::size_t(n) * sizeof(T); };
    // A single row has no pitch, and its leading dimension may be larger than CUDA allows one to be.
    if (rows == 1) ldx = ldy = cols;
    detail::check_cuda(cudaMemcpy2DAsync(y, bytes(ldy), x, bytes(ldx), bytes(cols), std::size_t(rows), kind, stream()),
                       "cudaMemcpy2DAsync");
  }

  static cublasOperation_t operation(op o) { return o == op::as_is ? CUBLAS_OP_N : CUBLAS_OP_T; }
  static std::intptr_t address(const void* p) { return reinterpret_cast<std::intptr_t>(p); }
  static std::uint64_t bits(T value) {
    std::uint64_t b = 0;
    std::memcpy(&b, &value, sizeof value);
    return b;
  }

  std::shared_ptr<detail::cuda_context> context_;
  std::shared_ptr<detail::cuda_epilogues<T>> epilogues_;
};

static_assert(backend<cuda_backend<float>> && backend<cuda_backend<double>>);
static_assert(has_repeat<cuda_backend<float>>);

}  // namespace kdm
