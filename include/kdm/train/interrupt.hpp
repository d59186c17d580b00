/// Ctrl-C ends a run after the step that is under way.
#pragma once

#include <atomic>
#include <csignal>
#include <cstddef>
#include <iterator>

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
}  // namespace detail

/// A callback that stops the run once SIGINT, SIGTERM or SIGHUP (a closed terminal) has arrived. While it lives it owns
/// their handlers.
class stop_on_interrupt {
 public:
  stop_on_interrupt() {
    detail::interrupted = 0;
    for (std::size_t k = 0; k < std::size(detail::interrupting); ++k) {
      const int signal = detail::interrupting[k];
      // A signal that the program was started to ignore (a job in the background) stays ignored.
      const auto before = std::signal(signal, detail::note_interrupt);
      if (before == SIG_IGN) std::signal(signal, SIG_IGN);
      detail::before_interrupt[k] = before == SIG_ERR ? SIG_DFL : before;
    }
  }
  stop_on_interrupt(const stop_on_interrupt&) = delete;
  stop_on_interrupt& operator=(const stop_on_interrupt&) = delete;
  ~stop_on_interrupt() {
    for (std::size_t k = 0; k < std::size(detail::interrupting); ++k)
      std::signal(detail::interrupting[k], detail::before_interrupt[k]);
  }

  /// Whether a signal has arrived, and which (0: none).
  bool interrupted() const { return detail::interrupted != 0; }
  int signal() const { return detail::interrupted; }

  template <class Trainer>
  verdict operator()(Trainer& /*trainer*/, const step_report& /*report*/) const {
    return interrupted() ? verdict::stop : verdict::go_on;
  }
};

}  // namespace kdm
