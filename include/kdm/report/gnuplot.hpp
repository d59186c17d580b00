/// Runs gnuplot: a script and its data in, a PNG file out. POSIX.
#pragma once

#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "kdm/core/error.hpp"
#include "kdm/core/finite.hpp"
#include "kdm/io/atomic_file.hpp"
#include "kdm/io/input.hpp"

extern char** environ;

namespace kdm {

/// Numbers for a plot: rows of a named gnuplot data block, `$name` in the script.
class data_block {
 public:
  explicit data_block(std::string name) : name_(std::move(name)) {}

  /// Appends one row; a value that is not finite becomes a gap.
  template <class... Numbers>
  void row(Numbers... numbers) {
    (append(double(numbers)), ...);
    text_.back() = '\n';
  }
  /// An empty row: gnuplot interrupts lines there.
  void gap() { text_ += '\n'; }

  const std::string& name() const { return name_; }
  const std::string& text() const { return text_; }

 private:
  void append(double number) {
    text_ += is_finite(number) ? concat(number) : std::string("NaN");
    text_ += ' ';
  }

  std::string name_;
  std::string text_;
};

struct canvas {
  int width = 900;
  int height = 800;
};

namespace detail {

/// A file without a name, gone with its last descriptor however the program ends.
///
/// Throws.    io_error when the system gives none, or it cannot be written or read.
class nameless_file {
 public:
  nameless_file() {
#if defined(__linux__)
    file_ = io::detail::descriptor(::memfd_create("kdm-gnuplot", MFD_CLOEXEC));  // in memory: TMPDIR may be anything
#else
    const char* const chosen = std::getenv("TMPDIR");
    std::string name = concat(chosen && *chosen ? chosen : "/tmp", "/kdm-gnuplot-XXXXXX");
    file_ = io::detail::descriptor(::mkstemp(name.data()));
    if (file_.open()) ::unlink(name.c_str());
#endif
    if (!file_.open()) fail_to("create");
  }
  int get() const { return file_.get(); }

  void write(std::string_view text) {
    while (!text.empty()) {
      const ssize_t done = ::write(file_.get(), text.data(), text.size());
      if (done < 0 && errno == EINTR) continue;
      if (done < 0) fail_to("write");
      text.remove_prefix(std::size_t(done));
    }
    rewind();
  }
  /// Others read from the descriptor, and write to it, where this left it.
  void rewind() {
    if (::lseek(file_.get(), 0, SEEK_SET) != 0) fail_to("rewind");
  }
  std::string read() {
    rewind();
    std::string all;
    char part[4096];
    for (;;) {
      const ssize_t got = ::read(file_.get(), part, sizeof part);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) fail_to("read");
      if (got == 0) return all;
      all.append(part, std::size_t(got));
    }
  }

 private:
  [[noreturn]] static void fail_to(std::string_view action) {
    fail<io_error>("gnuplot: cannot ", action, " a temporary file: ", io::detail::errno_text(errno));
  }

  io::detail::descriptor file_;
};

inline std::string trimmed(std::string text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos) return "(no message)";
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

}  // namespace detail

/// The gnuplot program.
///
/// It is started directly, without a shell. Its script never holds a path of the user: the PNG comes out of its
/// standard output, and titles go in as `quoted` strings, so that no text can become a command.
class gnuplot {
 public:
  /// `program` is a name to look up in PATH, or a path.
  explicit gnuplot(std::string program = "gnuplot") : program_(std::move(program)) {}

  /// `text` as a gnuplot string constant that stands for itself.
  ///
  /// Whatever gnuplot could see as more than a letter (quotes, backslash, backquote, @, $) is an octal escape, which is
  /// read after all substitution. (A quote doubled inside single quotes is not enough: at the start it ends the
  /// string.) Control characters become spaces.
  static std::string quoted(std::string_view text) {
    constexpr std::string_view plain = " ,.:;+-*/=()%_^<>!?#&|~";
    std::string result = "\"";
    for (const char c : text) {
      const auto code = static_cast<unsigned char>(c);
      const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || code >= 0x80;
      if (code < 0x20 || code == 0x7f)
        result += ' ';
      else if (letter || plain.find(c) != std::string_view::npos)
        result += c;
      else
        result += concat('\\', char('0' + (code >> 6)), char('0' + (code >> 3 & 7)), char('0' + (code & 7)));
    }
    return result + '"';
  }

  /// Draws with pngcairo and replaces `output` by the picture, whole or not at all.
  ///
  /// `script` is gnuplot code (it may do anything gnuplot can, so build it of constants and `quoted` strings); the
  /// terminal, the encoding and the data blocks are set before it. Enhanced text is off: `_` and `^` stand for
  /// themselves.
  /// Throws.    io_error when gnuplot is missing, when it fails (with its own message) or the file cannot be written.
  void draw(std::string_view script, const std::vector<data_block>& blocks, const std::filesystem::path& output,
            canvas size = {}) const {
    std::string text = concat("set encoding utf8\nset terminal pngcairo noenhanced size ", size.width, ",", size.height,
                              " background rgb 'white' font 'DejaVu Sans,12'\n");
    for (const data_block& block : blocks) text += concat("$", block.name(), " << END\n", block.text(), "END\n");
    text += script;
    text += "\nunset output\n";
    detail::nameless_file input, picture, messages;
    input.write(text);
    const int status = run(input, picture, messages);
    const std::string png = picture.read();
    // Whole, from its signature to its end: what gnuplot writes may have met a limit.
    if (status == 0 && png.starts_with("\x89PNG\r\n\x1a\n") && png.ends_with("IEND\xae\x42\x60\x82"))
      return io::write_file(output, png);
    const char* const what = status != 0 ? "gnuplot: failed for " : "gnuplot: drew nothing, or not all, for ";
    fail<io_error>(what, output.string(), ": ", detail::trimmed(messages.read()));
  }

 private:
  /// The exit status: 0 when gnuplot says that all is well.
  int run(const detail::nameless_file& input, const detail::nameless_file& picture,
          const detail::nameless_file& messages) const {
    posix_spawn_file_actions_t streams;
    ::posix_spawn_file_actions_init(&streams);
    ::posix_spawn_file_actions_adddup2(&streams, input.get(), 0);
    ::posix_spawn_file_actions_adddup2(&streams, picture.get(), 1);
    ::posix_spawn_file_actions_adddup2(&streams, messages.get(), 2);

    std::string program = program_, defaults = "-d";  // -d: the same picture whatever ~/.gnuplot says
    char* arguments[] = {program.data(), defaults.data(), nullptr};
    pid_t child = 0;
    const int started = ::posix_spawnp(&child, program.c_str(), &streams, nullptr, arguments, environ);
    ::posix_spawn_file_actions_destroy(&streams);
    if (started != 0)
      fail<io_error>("gnuplot: cannot start '", program_, "': ", std::generic_category().message(started),
                     "; pictures need gnuplot with pngcairo (Debian and Ubuntu: the package gnuplot-nox)");
    int status = 0;
    while (::waitpid(child, &status, 0) < 0)
      if (errno != EINTR) fail<io_error>("gnuplot: lost sight of it: ", std::generic_category().message(errno));
    return status;
  }

  std::string program_;
};

}  // namespace kdm
