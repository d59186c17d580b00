/// Training curves as JSON lines: one object a step that was logged. POSIX.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "kdm/core/error.hpp"
#include "kdm/core/finite.hpp"
#include "kdm/train/trainer.hpp"

namespace kdm {

/// A callback that appends {"step": 100, "loss": ..., "<term>": ..., "learning_rate": ..., "seconds": ...} every so
/// many steps and after the last.
///
/// Every line is one JSON object, whatever interrupts the run. A line goes to the system at once and in one piece, at
/// the end of the file as it is then: a killed run loses none that it logged. Nothing waits for the disk: a power cut
/// may take the last seconds. What it, or a full disk, left of a line is cut off before more is appended.
/// `seconds` counts from the construction of the log.
/// Throws.    io_error naming the file, with the system's reason.
class metrics_log {
 public:
  /// Starts the file anew, or appends to it (`append`, for a run that goes on).
  metrics_log(const std::filesystem::path& path, index_t every, bool append = false)
      : path_(path.string()), every_(every) {
    if (every < 1) fail<option_error>("metrics_log: every ", every, " steps, expected at least 1");
    const int start = append ? 0 : O_TRUNC;
    file_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | start, 0666);
    if (file_ < 0) fail_to("open");
    if (append) end_last_line();
  }
  metrics_log(const metrics_log&) = delete;
  metrics_log& operator=(const metrics_log&) = delete;
  ~metrics_log() {
    if (file_ >= 0) ::close(file_);
  }

  /// Adds a value of one's own to the lines; a NaN is left out of its line.
  void add(std::string name, std::function<double()> value) { extra_.emplace_back(std::move(name), std::move(value)); }

  template <class Trainer>
  void operator()(Trainer& t, const step_report& r) {
    if (r.step % every_ != 0 && r.step != r.steps) return;
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    std::string line = concat("{\"step\": ", r.step);
    const auto put = [&](const std::string& name, double value) {
      if (is_finite(value)) line += concat(", \"", escaped(name), "\": ", value);
    };
    put("loss", r.loss);
    const auto names = t.objective().names();
    for (std::size_t k = 0; k < names.size(); ++k) put(names[k], r.terms[k]);
    put("learning_rate", r.learning_rate);
    for (const auto& e : extra_) put(e.first, e.second());
    put("seconds", seconds);
    write(line + "}\n");
  }

 private:
  [[noreturn]] void fail_to(const char* action) const {
    fail<io_error>(path_, ": cannot ", action, ": ", std::generic_category().message(errno));
  }

  /// A name as it stands inside a JSON string.
  static std::string escaped(std::string_view name) {
    std::string s;
    for (const char c : name) {
      const auto code = static_cast<unsigned char>(c);
      if (c == '"' || c == '\\') s += '\\';
      if (code >= 0x20) s += c;
      else s += concat("\\u00", char('0' + code / 16), "0123456789abcdef"[code % 16]);
    }
    return s;
  }

  void write(std::string_view line) {
    std::size_t done = 0;
    while (done < line.size()) {
      const ssize_t n = ::write(file_, line.data() + done, line.size() - done);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) {
        const int reason = errno;
        struct stat now;
        if (done > 0 && ::fstat(file_, &now) == 0) (void)!::ftruncate(file_, now.st_size - off_t(done));
        errno = reason;
        fail_to("write");
      }
      done += std::size_t(n);
    }
  }

  /// Cuts off what follows the last line end, and the zeros that a power cut leaves; a whole object gets its line end.
  void end_last_line() {
    struct stat status;
    if (::fstat(file_, &status) != 0) fail_to("open");
    off_t end = status.st_size;
    std::string tail;  // of the file, from `first` to `end`
    off_t first = end;
    constexpr off_t portion = 4096;
    while (first > 0) {
      const off_t from = std::max<off_t>(0, first - portion);
      std::string part(std::size_t(first - from), '\0');
      for (std::size_t got = 0; got < part.size();) {
        const ssize_t n = ::pread(file_, part.data() + got, part.size() - got, from + off_t(got));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) fail_to("read");
        got += std::size_t(n);
      }
      tail = part + tail;
      first = from;
      tail.resize(tail.find_last_not_of('\0') + 1);  // npos + 1 is 0
      end = first + off_t(tail.size());
      if (tail.find('\n') != tail.npos) break;
    }
    const std::size_t line = tail.rfind('\n');
    const std::string_view rest = std::string_view(tail).substr(line == tail.npos ? 0 : line + 1);
    const bool whole = rest.starts_with('{') && rest.ends_with('}');
    if (!whole) end -= off_t(rest.size());
    if (end != status.st_size && ::ftruncate(file_, end) != 0) fail_to("repair");
    if (whole) write("\n");
  }

  std::string path_;
  index_t every_;
  int file_ = -1;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::vector<std::pair<std::string, std::function<double()>>> extra_;
};

}  // namespace kdm
