/// Kernels as loops over their blocks and threads.
#pragma once

#include <cstddef>
#include <functional>
#include <tuple>
#include <type_traits>
#include <utility>

#include "cuda_on_host/machine.hpp"

namespace cuda_on_host {

/// Calls f() once for each thread, with the built-in variables set.
template <class F>
void run_grid(dim3 grid, dim3 block, bool backwards, F f) {
  const auto nth = [backwards](unsigned i, unsigned n) { return backwards ? n - 1 - i : i; };
  const auto each = [nth](dim3 size, uint3& index, auto&& body) {
    for (unsigned z = 0; z < size.z; ++z)
      for (unsigned y = 0; y < size.y; ++y)
        for (unsigned x = 0; x < size.x; ++x) {
          index = {nth(x, size.x), nth(y, size.y), nth(z, size.z)};
          body();
        }
  };
  gridDim = grid;
  blockDim = block;
  each(grid, blockIdx, [&] { each(block, threadIdx, f); });
}

/// The limits of every device since compute capability 3.0.
inline bool launch_is_valid(dim3 grid, dim3 block) {
  const auto within = [](dim3 d, unsigned x, unsigned y, unsigned z) {
    return d.x >= 1 && d.y >= 1 && d.z >= 1 && d.x <= x && d.y <= y && d.z <= z;
  };
  return within(grid, 0x7FFFFFFFu, 65535, 65535) && within(block, 1024, 1024, 64) &&
         block.x * block.y * block.z <= 1024;
}

/// The work of one launch. Arguments are copied here, as a launch does.
template <class... A, std::size_t... I>
std::function<void()> bind_kernel(void (*entry)(A...), dim3 grid, dim3 block, void** arguments,
                                  std::index_sequence<I...>) {
  static_assert((std::is_object_v<A> && ...), "a kernel takes its parameters by value");
  static_assert(((std::is_trivially_copy_constructible_v<A> && std::is_trivially_destructible_v<A>)&&...),
                "a kernel's arguments travel as bytes");
  static_assert((sizeof(A) + ... + 0) <= 32764, "a kernel takes at most 32764 bytes of arguments");
  (void)arguments;
  std::tuple<A...> values(*static_cast<const A*>(arguments[I])...);
  return [entry, grid, block, values] {
    ++the_machine().counted.kernels_run;
    run_grid(grid, block, the_machine().backwards, [&] { std::apply(entry, values); });
  };
}

}  // namespace cuda_on_host
