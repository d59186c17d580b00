/// Device memory that the host cannot touch, and the list of pinned host memory.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <new>

#if __has_include(<sanitizer/asan_interface.h>)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, bytes) (void(p), void(bytes))
#define ASAN_UNPOISON_MEMORY_REGION(p, bytes) (void(p), void(bytes))
#endif

namespace cuda_on_host {

/// Blocks of memory by address.
class blocks {
 public:
  void add(std::uintptr_t at, std::size_t bytes) {
    sizes_[at] = bytes;
    total_ += bytes;
  }
  bool remove(std::uintptr_t at) {
    const auto found = sizes_.find(at);
    if (found == sizes_.end()) return false;
    total_ -= found->second;
    sizes_.erase(found);
    return true;
  }
  /// Whether [p, p + bytes) lies inside one block.
  bool hold(const void* p, std::size_t bytes) const {
    const auto at = reinterpret_cast<std::uintptr_t>(p);
    auto after = sizes_.upper_bound(at);
    if (after == sizes_.begin()) return false;
    --after;
    const std::size_t offset = at - after->first;
    return offset <= after->second && bytes <= after->second - offset;
  }
  /// The size of the block that starts at `at`, 0 without one.
  std::size_t size_at(std::uintptr_t at) const {
    const auto found = sizes_.find(at);
    return found == sizes_.end() ? 0 : found->second;
  }
  std::size_t total() const { return total_; }
  auto begin() const { return sizes_.begin(); }
  auto end() const { return sizes_.end(); }

 private:
  std::map<std::uintptr_t, std::size_t> sizes_;
  std::size_t total_ = 0;
};

/// One reserved range of addresses, readable and writable only while it is open.
///
/// New blocks are filled with 0xFF, a NaN in float and double. Under the address sanitizer the space around a block
/// and freed blocks are poisoned, so a kernel that leaves its array is reported.
class device_memory {
 public:
  static constexpr std::size_t capacity = std::size_t(2) << 30;
  static constexpr std::size_t alignment = 256;

  device_memory() {
    void* p = mmap(nullptr, capacity + page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) throw std::bad_alloc();
    base_ = (reinterpret_cast<std::uintptr_t>(p) + page - 1) / page * page;
    madvise(reinterpret_cast<void*>(base_), capacity, MADV_HUGEPAGE);
  }
  device_memory(const device_memory&) = delete;
  device_memory& operator=(const device_memory&) = delete;

  /// First gap that fits, null if there is none.
  void* allocate(std::size_t bytes) {
    if (bytes > capacity - 2 * alignment) return nullptr;
    std::uintptr_t at = base_;
    for (const auto& block : used_) {
      if (block.first - at >= room(bytes)) break;
      at = block.first + room(block.second);
    }
    if (at - base_ > capacity - room(bytes)) return nullptr;
    void* p = reinterpret_cast<void*>(at);
    open();
    if (at + room(bytes) > top_) {
      top_ = at + room(bytes);
      protect(PROT_READ | PROT_WRITE);
    }
    ASAN_POISON_MEMORY_REGION(p, room(bytes));
    ASAN_UNPOISON_MEMORY_REGION(p, bytes);
    std::memset(p, 0xFF, bytes);
    used_.add(at, bytes);
    close();
    return p;
  }

  /// False for anything but the start of a block in use.
  bool free(void* p) {
    const auto at = reinterpret_cast<std::uintptr_t>(p);
    const std::size_t bytes = used_.size_at(at);
    if (!used_.remove(at)) return false;
    ASAN_POISON_MEMORY_REGION(p, bytes);
    return true;
  }

  /// Opens the memory to the host; calls nest.
  void open() {
    if (opened_++ == 0 && protected_) protect(PROT_READ | PROT_WRITE);
  }
  void close() {
    if (--opened_ == 0 && protected_) protect(PROT_NONE);
  }
  void protect_when_closed(bool on) {
    protected_ = on;
    protect(on && opened_ == 0 ? PROT_NONE : PROT_READ | PROT_WRITE);
  }

  bool contains(const void* p) const {
    const auto at = reinterpret_cast<std::uintptr_t>(p);
    return at >= base_ && at < base_ + capacity;
  }
  const blocks& used() const { return used_; }

 private:
  /// What a block takes: whole units of the alignment, and one unit that stays empty.
  static std::size_t room(std::size_t bytes) { return (bytes + 2 * alignment - 1) / alignment * alignment; }

  void protect(int access) {
    if (top_ == 0) return;
    const std::size_t bytes = (top_ - base_ + page - 1) / page * page;
    if (mprotect(reinterpret_cast<void*>(base_), bytes, access) != 0) std::abort();
  }

  // Large pages where the system has them: opening and closing costs a visit to each page in use.
  static constexpr std::uintptr_t page = std::uintptr_t(2) << 20;

  std::uintptr_t base_ = 0, top_ = 0;
  blocks used_;
  int opened_ = 0;
  bool protected_ = true;
};

/// Host memory from cudaMallocHost: transfers to and from it really are asynchronous.
class pinned_memory {
 public:
  void* allocate(std::size_t bytes) {
    void* p = ::operator new(bytes, std::align_val_t(4096), std::nothrow);
    if (p) used_.add(reinterpret_cast<std::uintptr_t>(p), bytes);
    return p;
  }
  bool free(void* p) {
    if (!used_.remove(reinterpret_cast<std::uintptr_t>(p))) return false;
    ::operator delete(p, std::align_val_t(4096));
    return true;
  }
  const blocks& used() const { return used_; }

 private:
  blocks used_;
};

}  // namespace cuda_on_host
