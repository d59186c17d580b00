/// Compiler switches, the index type and the version. The only header that defines macros.
#pragma once

// A file that is not there ends the compilation: the sentence would drown in the errors of what follows.
#if defined(_MSVC_LANG) ? _MSVC_LANG < 202002L : __cplusplus < 202002L
#error "kdm needs C++20: compile with -std=c++20, or link the CMake target kdm::kdm, which asks for it"
#include "kdm needs C++20"
#endif
#if defined(min) || defined(max)
#error "min and max are macros, and kdm uses std::min and std::max: define NOMINMAX before <windows.h>, or #undef both"
#include "kdm needs std::min and std::max"
#endif

#include <concepts>
#include <cstddef>

#define KDM_VERSION_MAJOR 0
#define KDM_VERSION_MINOR 1
#define KDM_VERSION_PATCH 0

/// Marks a function that also runs inside a CUDA kernel.
#if defined(__CUDACC__)
#define KDM_HD __host__ __device__
#else
#define KDM_HD
#endif

/// Before a function with a loop that is to become vector code: everything it calls is made part of it, however long,
/// since a loop with a call in it stays scalar.
#if defined(__GNUC__) && !defined(__CUDACC__)
#define KDM_FLATTEN [[gnu::flatten]]
#else
#define KDM_FLATTEN
#endif

/// Before a loop whose iterations may run in any order: lets g++ vectorise without run-time overlap tests. clang's
/// pragma of that meaning warns in the user's build about every loop that stays scalar, so clang tests for overlap.
#if defined(__GNUC__) && !defined(__clang__) && !defined(__CUDACC__)
#define KDM_INDEPENDENT _Pragma("GCC ivdep")
#else
#define KDM_INDEPENDENT
#endif

/// After a member function whose result refers to the object: clang warns where that object is a temporary and the
/// result outlives it. g++ has no such attribute.
#if defined(__clang__) && !defined(__CUDACC__)
#define KDM_REFERS_TO_THIS [[clang::lifetimebound]]
#else
#define KDM_REFERS_TO_THIS
#endif

namespace kdm {

/// Sizes and indices. Not called `index`: POSIX owns that name in <strings.h>.
using index_t = std::ptrdiff_t;

/// The numbers that everything is computed with: the functions of kdm::math exist for these two.
template <class T>
concept float_or_double = std::same_as<T, float> || std::same_as<T, double>;

/// Every allocation of the library starts on such a boundary (one cache line, one AVX-512 register).
inline constexpr std::size_t alignment = 64;

}  // namespace kdm
