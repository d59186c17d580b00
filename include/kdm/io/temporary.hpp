/// Temporary files that neither a signal nor a killed process leaves behind. POSIX.
#pragma once

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "kdm/core/error.hpp"
#include "kdm/io/input.hpp"

namespace kdm::io {

namespace detail {

/// The name of one temporary file, where a signal handler can read it.
struct temporary_slot {
  enum state { free, filling, live, ending };
  std::atomic<int> state = free;
  char path[4096];
};
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler reads these");

inline std::array<temporary_slot, 16> temporary_slots;

/// Keeps the name of a temporary file in a slot. With all slots taken, or a longer name, the file goes without: then a
/// signal leaves it, and remove_leftovers takes it later.
class temporary_entry {
 public:
  temporary_entry() = default;
  explicit temporary_entry(const std::string& path) {
    if (path.size() >= sizeof(temporary_slot::path)) return;
    for (temporary_slot& slot : temporary_slots) {
      int expected = temporary_slot::free;
      if (!slot.state.compare_exchange_strong(expected, temporary_slot::filling)) continue;
      std::memcpy(slot.path, path.c_str(), path.size() + 1);
      slot.state = temporary_slot::live;
      slot_ = &slot;
      return;
    }
  }
  temporary_entry(temporary_entry&& other) noexcept : slot_(std::exchange(other.slot_, nullptr)) {}
  temporary_entry& operator=(temporary_entry&& other) noexcept {
    std::swap(slot_, other.slot_);
    return *this;
  }
  ~temporary_entry() {
    int expected = temporary_slot::live;  // in a handler's hands it stays there
    if (slot_) slot_->state.compare_exchange_strong(expected, temporary_slot::free);
  }

 private:
  temporary_slot* slot_ = nullptr;
};

inline constexpr std::string_view temporary_prefix = "kdm-tmp-";

/// Opens a new file in `folder`, writes its path to `path` and `entry`, and locks it for as long as it is open: that tells
/// it from one whose process was killed. The name is short whatever the file is for, since that name may be as long as
/// names can be. Not open, with errno set, when the folder takes none.
inline descriptor open_temporary(const std::filesystem::path& folder, std::string& path, temporary_entry& entry) {
  // The moment tells processes of one number on several hosts apart; O_EXCL makes the name unique for certain.
  const auto moment = std::uint64_t(std::chrono::steady_clock::now().time_since_epoch().count()) % 1'000'000'000;
  for (std::uint64_t attempt = 0; attempt < 1000; ++attempt) {
    path = (folder / concat(temporary_prefix, ::getpid(), "-", moment + attempt)).string();
    entry = temporary_entry(path);  // before there is a file that a signal could leave
    descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
    if (!file.open() && errno == EEXIST) continue;
    if (!file.open()) {
      const int reason = errno;
      entry = {};
      errno = reason;
      return file;
    }
    // Between these two lines remove_leftovers may take the file for an abandoned one.
    struct stat status;
    if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) continue;
    if (::fstat(file.get(), &status) == 0 && status.st_nlink == 0) continue;
    return file;
  }
  entry = {};
  errno = EEXIST;
  return descriptor();
}

}  // namespace detail

/// Removes the temporary files of this process: for a handler of a signal that ends it. Safe to call there.
inline void remove_temporaries() noexcept {
  for (detail::temporary_slot& slot : detail::temporary_slots) {
    int expected = detail::temporary_slot::live;
    if (slot.state.compare_exchange_strong(expected, detail::temporary_slot::ending)) ::unlink(slot.path);
  }
}

/// Removes the temporary files that killed processes have left in a folder; those in use stay. What cannot be looked at
/// or removed is left alone.
inline void remove_leftovers(const std::filesystem::path& folder) {
  std::error_code problem;
  for (std::filesystem::directory_iterator entry(folder, problem), end; !problem && entry != end;
       entry.increment(problem)) {
    if (!entry->path().filename().string().starts_with(detail::temporary_prefix)) continue;
    const detail::descriptor file(::open(entry->path().c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    struct stat status;
    if (file.open() && ::fstat(file.get(), &status) == 0 && S_ISREG(status.st_mode) &&
        ::flock(file.get(), LOCK_EX | LOCK_NB) == 0)
      ::unlink(entry->path().c_str());
  }
}

}  // namespace kdm::io
