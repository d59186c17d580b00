// Counts every way to the heap: Eigen and BLAS call malloc, not operator new. It defines malloc: one file of an
// executable includes it. Sanitizers have a heap of their own, and other C libraries no second name for theirs: there
// KDM_TEST_HEAP_IS_TAKEN is defined and nothing else.
#pragma once

#include <cstdlib>  // defines __GLIBC__

#include "sanitized.hpp"

#if defined(KDM_TEST_SANITIZED)
#define KDM_TEST_HEAP_IS_TAKEN
#endif
#if !defined(__GLIBC__)
#define KDM_TEST_HEAP_IS_TAKEN
#endif

#if !defined(KDM_TEST_HEAP_IS_TAKEN)
#include <malloc.h>
#if __has_include(<mm_malloc.h>)
#include <mm_malloc.h>  // clang's declares posix_memalign once more, and less strictly: it has to come first
#endif

#include <atomic>
#include <cerrno>

namespace kdm_test {
inline constinit std::atomic<long> heap_allocations = 0;

/// How often f goes to the heap.
template <class F>
long allocations_in(F&& f) {
  const long before = heap_allocations;
  f();
  return heap_allocations - before;
}
}  // namespace kdm_test

extern "C" {
void* __libc_malloc(std::size_t) noexcept;
void* __libc_calloc(std::size_t, std::size_t) noexcept;
void* __libc_realloc(void*, std::size_t) noexcept;
void* __libc_memalign(std::size_t, std::size_t) noexcept;

void* malloc(std::size_t n) noexcept { return ++kdm_test::heap_allocations, __libc_malloc(n); }
void* calloc(std::size_t n, std::size_t size) noexcept { return ++kdm_test::heap_allocations, __libc_calloc(n, size); }
void* realloc(void* p, std::size_t n) noexcept { return ++kdm_test::heap_allocations, __libc_realloc(p, n); }
void* memalign(std::size_t to, std::size_t n) noexcept {
  return ++kdm_test::heap_allocations, __libc_memalign(to, n);
}
void* aligned_alloc(std::size_t to, std::size_t n) noexcept {
  return ++kdm_test::heap_allocations, __libc_memalign(to, n);
}
int posix_memalign(void** p, std::size_t to, std::size_t n) noexcept {
  ++kdm_test::heap_allocations;
  *p = __libc_memalign(to, n);
  return *p ? 0 : ENOMEM;
}
}

#endif
