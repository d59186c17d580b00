/// Numbers too small for normal floating point are flushed to zero inside a scope.
#pragma once

#if defined(__x86_64__) || defined(__i386__)
#include <xmmintrin.h>
#endif

#include "kdm/core/config.hpp"

namespace kdm {

/// Sets flush-to-zero and denormals-are-zero on the calling thread, and restores what was there before.
///
/// Trained weights produce denormal activations and gradients, on which a processor is slower by an order of
/// magnitude. Does nothing on processors other than x86 and 64-bit ARM.
class flush_denormals {
 public:
#if defined(__x86_64__) || defined(__i386__)
  flush_denormals() : before_(_mm_getcsr()) { _mm_setcsr(before_ | 0x8040u); }
  ~flush_denormals() { _mm_setcsr(before_); }

 private:
  unsigned before_;

 public:
#elif defined(__aarch64__)
  flush_denormals() {
    asm volatile("mrs %0, fpcr" : "=r"(before_));
    asm volatile("msr fpcr, %0" ::"r"(before_ | (1ul << 24)));
  }
  ~flush_denormals() { asm volatile("msr fpcr, %0" ::"r"(before_)); }

 private:
  unsigned long before_;

 public:
#else
  flush_denormals() {}
  ~flush_denormals() {}
#endif
  flush_denormals(const flush_denormals&) = delete;
  flush_denormals& operator=(const flush_denormals&) = delete;
};

}  // namespace kdm
