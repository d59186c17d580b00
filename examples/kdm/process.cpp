// What surrounds a subcommand: signals, standard output, the stacks of its threads.
#include "process.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <iostream>
#include <limits>

#include "kdm/core/error.hpp"
#include "kdm/io/temporary.hpp"

namespace kdm_command {

namespace {

struct ending {
  int signal;
  const char* words;  // null: without words
};

constexpr ending endings[] = {{SIGINT, "kdm: interrupted (SIGINT), no file is left half-written\n"},
                              {SIGTERM, "kdm: ended by SIGTERM, no file is left half-written\n"},
                              {SIGHUP, "kdm: ended by SIGHUP, no file is left half-written\n"},
                              {SIGQUIT, "kdm: ended by SIGQUIT, no file is left half-written\n"},
                              {SIGUSR1, "kdm: ended by SIGUSR1, no file is left half-written\n"},
                              {SIGUSR2, "kdm: ended by SIGUSR2, no file is left half-written\n"},
                              {SIGALRM, "kdm: ended by SIGALRM, no file is left half-written\n"},
                              {SIGXCPU, "kdm: ended by a limit on processor time (SIGXCPU), no file is left half-written\n"},
                              {SIGPIPE, nullptr}};

/// Nothing here but what a handler may call.
extern "C" void end_by_signal(int signal) {
  kdm::io::remove_temporaries();
  for (const ending& e : endings)
    if (e.signal == signal && e.words) (void)!::write(STDERR_FILENO, e.words, std::strlen(e.words));
  // Raised again it ends the process as it would have, once this handler has returned.
  std::signal(signal, SIG_DFL);
  ::raise(signal);
}

}  // namespace

void handle_signals() {
  for (const ending& e : endings) {
    struct sigaction now;
    if (::sigaction(e.signal, nullptr, &now) != 0 || now.sa_handler == SIG_IGN) continue;
    std::memset(&now, 0, sizeof now);
    now.sa_handler = end_by_signal;
    now.sa_flags = SA_RESTART;
    ::sigfillset(&now.sa_mask);
    ::sigaction(e.signal, &now, nullptr);
  }
  std::signal(SIGXFSZ, SIG_IGN);
}

standard_output::standard_output() : before_(std::cout.rdbuf()) {
  // With a standard stream closed, a file would be opened in its place and get what is meant for people.
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::fcntl(fd, F_GETFD) < 0) (void)!::open("/dev/null", O_RDWR);
  setp(text_, text_ + sizeof text_);
  std::cout.rdbuf(this);
  if (::isatty(STDOUT_FILENO)) std::cout << std::unitbuf;
}

standard_output::~standard_output() { std::cout.rdbuf(before_); }

int standard_output::finish() {
  std::cout.flush();
  // A network file system may report a full disk only when a descriptor is closed.
  const int again = ::dup(STDOUT_FILENO);
  if (again >= 0 && ::close(again) != 0 && problem_ == 0) problem_ = errno;
  return problem_;
}

int standard_output::overflow(int c) {
  if (sync() != 0) return traits_type::eof();
  if (c != traits_type::eof()) {
    *pptr() = traits_type::to_char_type(c);
    pbump(1);
  }
  return traits_type::not_eof(c);
}

int standard_output::sync() {
  const char* from = pbase();
  while (problem_ == 0 && from != pptr()) {
    const ssize_t done = ::write(STDOUT_FILENO, from, std::size_t(pptr() - from));
    if (done >= 0) from += done;
    else if (errno != EINTR) problem_ = errno;
  }
  setp(text_, text_ + sizeof text_);
  return problem_ == 0 ? 0 : -1;
}

void require_stacks(const any_executor& run) {
#if defined(__linux__)
  // Eigen puts up to two blocks of EIGEN_STACK_ALLOCATION_LIMIT, 1 MB, on the stack of a product.
  constexpr std::size_t needed = std::size_t(3) << 20;
  std::atomic<std::size_t> least = std::numeric_limits<std::size_t>::max();
  const auto look = [&] {
    pthread_attr_t attributes;
    if (::pthread_getattr_np(::pthread_self(), &attributes) != 0) return;
    std::size_t size = 0;
    if (::pthread_attr_getstacksize(&attributes, &size) == 0)
      for (std::size_t seen = least; size < seen && !least.compare_exchange_weak(seen, size);) continue;
    ::pthread_attr_destroy(&attributes);
  };
  look();
  // Threads other than this one have stacks of one size, but a busy machine may leave all the work to this one.
  std::atomic<bool> others{run.lanes() < 2};
  const auto self = ::pthread_self();
  for (int attempt = 0; attempt < 100 && !others; ++attempt)
    run.for_chunks(run.lanes(), 1, [&](index_t, index_t, int) {
      look();
      if (!::pthread_equal(self, ::pthread_self())) others = true;
      else ::usleep(200);
    });
  if (least < needed)
    kdm::fail<kdm::option_error>("a thread has a stack of ", least.load() / 1024, " kB, expected ", needed / 1024,
                                 " kB or more: raise ulimit -s, and OMP_STACKSIZE where it is set");
#else
  (void)run;
#endif
}

}  // namespace kdm_command
