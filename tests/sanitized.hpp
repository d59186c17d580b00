// KDM_TEST_SANITIZED: a sanitizer is at work. Its heap is its own, and ends the program where another throws std::bad_alloc.
// KDM_TEST_THREADS_SANITIZED: it is the thread sanitizer, whose memory is a file: no limit on file sizes leaves it alive.
#pragma once

#if defined(__SANITIZE_ADDRESS__)
#define KDM_TEST_SANITIZED
#elif defined(__SANITIZE_THREAD__)
#define KDM_TEST_SANITIZED
#define KDM_TEST_THREADS_SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define KDM_TEST_SANITIZED
#endif
#if __has_feature(thread_sanitizer)
#define KDM_TEST_THREADS_SANITIZED
#endif
#endif
