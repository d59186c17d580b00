/// The two kernels of the CUDA backend, and the shapes of their grids.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>

#include "kdm/backend/cuda/status.cuh"
#include "kdm/core/view.hpp"

namespace kdm {

/// Memory of a CUDA device.
struct cuda_space {};

namespace detail {

/// Every verb is kernel(i) or kernel(i, j) over a range, so these are the only functions that a device runs.
template <class Kernel>
__global__ void for_each_on_device(index_t n, Kernel kernel) {
  const index_t stride = index_t(gridDim.x) * blockDim.x;
  for (index_t i = index_t(blockIdx.x) * blockDim.x + threadIdx.x; i < n; i += stride) kernel(i);
}

template <class Kernel>
__global__ void for_each_cell_on_device(index_t rows, index_t cols, Kernel kernel) {
  const index_t row_stride = index_t(gridDim.y) * blockDim.y, col_stride = index_t(gridDim.x) * blockDim.x;
  for (index_t i = index_t(blockIdx.y) * blockDim.y + threadIdx.y; i < rows; i += row_stride)
    for (index_t j = index_t(blockIdx.x) * blockDim.x + threadIdx.x; j < cols; j += col_stride) kernel(i, j);
}

inline constexpr index_t block_threads = 256;

struct grid_shape {
  dim3 grid, block;
};

inline grid_shape grid_over(index_t n) {
  const index_t blocks = std::min<index_t>((n + block_threads - 1) / block_threads, 1 << 30);
  return {dim3(unsigned(blocks)), dim3(unsigned(block_threads))};
}

/// Neighbouring threads take neighbouring columns. Where there are few columns, a block spans several rows.
inline grid_shape grid_over(index_t rows, index_t cols) {
  index_t across = block_threads;
  while (across > 1 && across / 2 >= cols) across /= 2;
  const index_t down = block_threads / across;
  const index_t x = std::min<index_t>((cols + across - 1) / across, 1 << 30);
  const index_t y = std::min<index_t>((rows + down - 1) / down, 65535);
  return {dim3(unsigned(x), unsigned(y)), dim3(unsigned(across), unsigned(down))};
}

/// Rows of a chunk are summed one after the other by one thread; the chunks' sums are rows of the next pass.
template <class F, class T, std::size_t N>
struct sum_chunks_kernel {
  F f;
  T keep;
  index_t rows, chunk;
  view<T, cuda_space> y;  ///< [chunks, cols]
  view<const T, cuda_space> x[N];

  KDM_HD void operator()(index_t c, index_t j) const { store(c, j, std::make_index_sequence<N>{}); }

  template <std::size_t... K>
  KDM_HD void store(index_t c, index_t j, std::index_sequence<K...>) const {
    const index_t last = (c + 1) * chunk < rows ? (c + 1) * chunk : rows;
    T sum = 0;
    for (index_t i = c * chunk; i < last; ++i) sum += f(x[K].p[i * x[K].ld + j]...);
    T& to = y.p[c * y.ld + j];
    to = keep == T(0) ? sum : keep * to + sum;
  }
};

}  // namespace detail
}  // namespace kdm
