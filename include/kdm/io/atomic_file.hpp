/// Files that appear whole or not at all. POSIX.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

#include "kdm/core/error.hpp"
#include "kdm/io/input.hpp"
#include "kdm/io/temporary.hpp"

namespace kdm::io {

/// Writes beside the target under a temporary name; commit() flushes and renames.
///
/// Until commit() has returned, a reader of the target sees the old file (or none); afterwards the new one, also
/// after a power cut. Without a commit the destructor removes the temporary file; a handler that calls
/// remove_temporaries does so when a signal ends the process, and remove_leftovers when it was killed. A symbolic link
/// stays, and the file it points to is replaced or made; an existing file keeps its permissions.
///
/// Throws.    io_error with the path and the system's reason: folder missing, not writable, disk full, target is a
///            folder, pipe or device.
/// Example.   kdm::io::atomic_file f("run.bin"); f.write(bytes); f.commit();
class atomic_file {
 public:
  explicit atomic_file(const std::filesystem::path& target) : name_(target.string()), target_(target) {
    if (!target.has_filename()) fail<io_error>("cannot write '", name_, "': expected a file name");
    follow_links();
    struct stat existing;
    const bool exists = ::stat(target_.c_str(), &existing) == 0;
    if (!exists && errno != ENOENT) fail_to("create");
    if (exists && S_ISDIR(existing.st_mode)) fail<io_error>(name_, ": found a folder, expected a file to write");
    if (exists && !S_ISREG(existing.st_mode))
      fail<io_error>(name_, ": found a pipe or device, expected a regular file to write");
    if (exists && ::access(target_.c_str(), W_OK) != 0) fail_to("write");
    file_ = detail::open_temporary(target_.parent_path(), temporary_, entry_);
    if (!file_.open()) {
      temporary_.clear();
      fail_to("create");
    }
    if (exists) (void)!::fchmod(file_.get(), existing.st_mode & 0777);
  }

  atomic_file(const atomic_file&) = delete;
  atomic_file& operator=(const atomic_file&) = delete;

  ~atomic_file() {
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
  }

  void write(const void* bytes, std::size_t count) {
    if (count == 0) return;
    if (buffer_.size() + count < buffer_size) {
      buffer_.append(static_cast<const char*>(bytes), count);
      return;
    }
    flush();
    write_through(static_cast<const char*>(bytes), count);
  }
  void write(std::string_view bytes) { write(bytes.data(), bytes.size()); }

  /// Makes the file appear under its name. Once only, after the last write.
  void commit() {
    if (!file_.open()) fail<io_error>(name_, ": already committed");
    flush();
    if (::fsync(file_.get()) != 0) fail_to("flush");
    // Closed only afterwards: the lock on it says that somebody is at work.
    if (std::rename(temporary_.c_str(), target_.c_str()) != 0) fail_to("rename");
    temporary_.clear();
    entry_ = {};
    if (!file_.close()) fail_to("flush");
    flush_folder();
  }

 private:
  static constexpr std::size_t buffer_size = std::size_t(1) << 16;

  [[noreturn]] void fail_to(std::string_view action) const {
    fail<io_error>(name_, ": cannot ", action, ": ", detail::errno_text(errno));
  }

  /// The file to write is the one that links lead to, whether it is there or not.
  void follow_links() {
    for (int links = 0; links < 40; ++links) {
      std::error_code none;
      const auto next = std::filesystem::read_symlink(target_, none);
      if (none) {
        if (links > 0) name_ += concat(" (a link to ", target_.string(), ")");
        return;
      }
      target_ = next.is_absolute() ? next : target_.parent_path() / next;
    }
    errno = ELOOP;
    fail_to("write");
  }

  void flush() {
    write_through(buffer_.data(), buffer_.size());
    buffer_.clear();
  }

  void write_through(const char* from, std::size_t count) {
    while (count > 0) {
      const ssize_t done = ::write(file_.get(), from, count);
      if (done < 0 && errno == EINTR) continue;
      if (done < 0) fail_to("write");
      from += done;
      count -= std::size_t(done);
    }
  }

  /// The rename itself must reach the disk too. Some file systems cannot flush folders: EINVAL is no failure.
  void flush_folder() const {
    const auto parent = target_.parent_path();
    const detail::descriptor folder(
        ::open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    // A folder may be writable but not readable.
    if (!folder.open() && errno == EACCES) return;
    if (!folder.open() || (::fsync(folder.get()) != 0 && errno != EINVAL)) fail_to("flush the folder");
  }

  std::string name_;
  std::filesystem::path target_;
  std::string temporary_;
  detail::temporary_entry entry_;
  detail::descriptor file_;
  std::string buffer_;
};

/// Replaces a file by `bytes`, whole or not at all.
///
/// Throws.    io_error, as atomic_file.
inline void write_file(const std::filesystem::path& path, std::string_view bytes) {
  atomic_file file(path);
  file.write(bytes);
  file.commit();
}

}  // namespace kdm::io
