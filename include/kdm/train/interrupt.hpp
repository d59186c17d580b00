/// Ctrl-C ends a run after the step that is under way.
#pragma once

#include <atomic>
#include <csignal>
#include <cstddef>
#include <iterator>
#include <mutex>

#include "kdm/train/trainer.hpp"

namespace kdm {

namespace detail {

// A signal handler can reach nothing but variables of these kinds.
inline volatile std::sig_atomic_t interrupted = 0;  // the number of the signal
inline constexpr int interrupting[] = {SIGINT, SIGTERM, SIGHUP};
inline std::atomic<void (*)(int)> before_interrupt[std::size(interrupting)];

extern "C" inline void note_interrupt(int signal) {
  interrupted = signal;
  // A second one does what it would have done without this: by default it ends the program at once.
  for (std::size_t k = 0; k < std::size(interrupting); ++k)
    if (interrupting[k] == signal) std::signal(signal, before_interrupt[k]);
}

/// The handlers belong to the process, the objects that want them may live at the same time and end in any order: the
/// first one installs, the last one restores.
class interrupt_owners {
 public:
  void acquire() {
    const std::lock_guard lock(guard_);
    if (owners_++ > 0) return;
    interrupted = 0;
    for (std::size_t k = 0; k < std::size(interrupting); ++k) {
      // A signal that the program was started to ignore (a job in the background, nohup) stays ignored.
      const auto before = std::signal(interrupting[k], note_interrupt);
      if (before == SIG_IGN) std::signal(interrupting[k], SIG_IGN);
      before_interrupt[k] = before == SIG_ERR ? SIG_DFL : before;
    }
  }

  void release() {
    const std::lock_guard lock(guard_);
    if (--owners_ > 0) return;
    for (std::size_t k = 0; k < std::size(interrupting); ++k) {
      const auto now = std::signal(interrupting[k], before_interrupt[k]);
      // A handler that the program has installed in the meantime is not ours to take away.
      if (now != note_interrupt && now != SIG_ERR) std::signal(interrupting[k], now);
    }
  }

 private:
  std::mutex guard_;
  int owners_ = 0;
};

inline interrupt_owners owners_of_interrupts;

}  // namespace detail

/// A callback that stops the run once SIGINT, SIGTERM or SIGHUP (a closed terminal) has arrived.
///
/// While one lives, it owns the handlers of these signals. Several may live at the same time, and share what has
/// arrived; the last one to end restores what was there before the first.
class stop_on_interrupt {
 public:
  stop_on_interrupt() { detail::owners_of_interrupts.acquire(); }
  stop_on_interrupt(const stop_on_interrupt&) = delete;
  stop_on_interrupt& operator=(const stop_on_interrupt&) = delete;
  ~stop_on_interrupt() { detail::owners_of_interrupts.release(); }

  /// Whether a signal has arrived, and which (0: none).
  bool interrupted() const { return detail::interrupted != 0; }
  int signal() const { return detail::interrupted; }

  template <class Trainer>
  verdict operator()(Trainer& /*trainer*/, const step_report& /*report*/) const {
    return interrupted() ? verdict::stop : verdict::go_on;
  }
};

}  // namespace kdm
