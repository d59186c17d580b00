/// One writer at a time in a folder. POSIX.
#pragma once

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <filesystem>
#include <string>

#include "kdm/core/error.hpp"
#include "kdm/io/input.hpp"
#include "kdm/io/temporary.hpp"

namespace kdm::io {

/// Holds a folder for this process while it lives, and clears what killed processes have left there.
///
/// The lock is on the open folder itself (flock): it leaves no file, and ends with the process, however that ends. Where
/// a file system locks no folders (NFS), it is on a file `.kdm-lock` in it, which stays; where it locks nothing, there is
/// none.
/// Throws.    io_error naming the folder: another process has it, or it cannot be opened.
/// Example.   const kdm::io::folder_lock mine("model");
class folder_lock {
 public:
  explicit folder_lock(const std::filesystem::path& folder) {
    const std::string name = folder.empty() ? "." : folder.string();
    if (!take(name, ::open(name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC))) {
      // A folder may be writable but not readable.
      if (!file_.open() && errno != EACCES)
        fail<io_error>(name, ": cannot open the folder: ", detail::errno_text(errno));
      take(name, ::open((folder / ".kdm-lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666));
    }
    remove_leftovers(name);
  }

 private:
  /// Whether there is a lock now. Another owner is an error; that there can be no lock is none.
  bool take(const std::string& name, int opened) {
    file_ = detail::descriptor(opened);
    if (!file_.open()) return false;
    while (::flock(file_.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno == EINTR) continue;
      if (errno == EWOULDBLOCK)
        fail<io_error>(name, ": another run is writing there, expected a folder of one run at a time");
      return false;
    }
    return true;
  }

  detail::descriptor file_;
};

}  // namespace kdm::io
