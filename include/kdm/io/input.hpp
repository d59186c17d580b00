/// Where loaders get their bytes from: a file on disk or bytes in memory. POSIX.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "kdm/core/error.hpp"

namespace kdm::io {

static_assert(std::endian::native == std::endian::little,
              "the file formats here are little endian, as is this code");

/// What a loader refuses before it allocates anything.
struct file_limits {
  std::uint64_t max_bytes = std::uint64_t(8) << 30;
};

namespace detail {

/// The text of an errno value, on any thread.
inline std::string errno_text(int code) { return std::generic_category().message(code); }

/// Owns a POSIX file descriptor.
class descriptor {
 public:
  descriptor() = default;
  explicit descriptor(int fd) : fd_(fd) {}
  descriptor(descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  descriptor& operator=(descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~descriptor() { close(); }

  int get() const { return fd_; }
  bool open() const { return fd_ >= 0; }
  /// False, with errno set, when the system reports a failed write only now.
  bool close() { return fd_ < 0 || ::close(std::exchange(fd_, -1)) == 0; }

 private:
  int fd_ = -1;
};

}  // namespace detail

/// Bytes in memory, read from front to back. `name` stands in error messages for the file.
class input_bytes {
 public:
  input_bytes(std::string_view bytes, std::string name) : bytes_(bytes), name_(std::move(name)) {}

  const std::string& name() const { return name_; }
  std::uint64_t size() const { return bytes_.size(); }
  std::uint64_t remaining() const { return bytes_.size() - position_; }

  void read(void* destination, std::size_t count) {
    if (count > remaining()) fail<io_error>(name_, ": ends after ", size(), " bytes, expected ", count, " more");
    if (count > 0) std::memcpy(destination, bytes_.data() + position_, count);
    position_ += count;
  }

 private:
  std::string_view bytes_;
  std::string name_;
  std::size_t position_ = 0;
};

/// An open regular file, read from front to back.
///
/// Throws.    io_error for a missing file, a folder, a pipe or device, a file above the limit, a failed read.
class input_file {
 public:
  explicit input_file(const std::filesystem::path& path, file_limits limits = {}) : name_(path.string()) {
    // Without O_NONBLOCK, opening a pipe would wait for its writer.
    file_ = detail::descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!file_.open()) fail<io_error>(name_, ": cannot open: ", detail::errno_text(errno));
    struct stat status;
    if (::fstat(file_.get(), &status) != 0) fail<io_error>(name_, ": cannot stat: ", detail::errno_text(errno));
    if (S_ISDIR(status.st_mode)) fail<io_error>(name_, ": found a folder, expected a file");
    if (!S_ISREG(status.st_mode)) fail<io_error>(name_, ": found a pipe or device, expected a regular file");
    size_ = std::uint64_t(status.st_size);
    if (size_ > limits.max_bytes)
      fail<io_error>(name_, ": found ", size_, " bytes, expected at most ", limits.max_bytes);
  }

  const std::string& name() const { return name_; }
  std::uint64_t size() const { return size_; }
  std::uint64_t remaining() const { return size_ - position_; }

  void read(void* destination, std::size_t count) {
    auto* to = static_cast<char*>(destination);
    while (count > 0) {
      const ssize_t got = ::read(file_.get(), to, count);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) fail<io_error>(name_, ": cannot read: ", detail::errno_text(errno));
      if (got == 0) fail<io_error>(name_, ": ends after ", position_, " bytes, expected ", count, " more");
      to += got;
      count -= std::size_t(got);
      position_ += std::uint64_t(got);
    }
  }

 private:
  std::string name_;
  detail::descriptor file_;
  std::uint64_t size_ = 0;
  std::uint64_t position_ = 0;
};

/// All bytes of a file.
///
/// Throws.    io_error, as input_file.
inline std::string read_file(const std::filesystem::path& path,
                             std::uint64_t max_bytes = file_limits{}.max_bytes) {
  input_file file(path, {max_bytes});
  std::string bytes(file.size(), '\0');
  file.read(bytes.data(), bytes.size());
  return bytes;
}

}  // namespace kdm::io
