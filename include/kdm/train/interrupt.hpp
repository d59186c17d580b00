/// Ctrl-C ends a run after the step that is under way.
#pragma once

#include <csignal>

#include "kdm/train/trainer.hpp"

namespace kdm {

namespace detail {
// A signal handler can reach nothing but a variable of this kind.
inline volatile std::sig_atomic_t interrupted = 0;  // the number of the signal

extern "C" inline void note_interrupt(int signal) {
  interrupted = signal;
  std::signal(signal, SIG_DFL);  // a second one ends the program at once
}
}  // namespace detail

/// A callback that stops the run once SIGINT or SIGTERM has arrived. While it lives it owns both handlers.
class stop_on_interrupt {
 public:
  stop_on_interrupt() {
    detail::interrupted = 0;
    interrupt_ = install(SIGINT);
    terminate_ = install(SIGTERM);
  }
  stop_on_interrupt(const stop_on_interrupt&) = delete;
  stop_on_interrupt& operator=(const stop_on_interrupt&) = delete;
  ~stop_on_interrupt() {
    if (interrupt_ != SIG_ERR) std::signal(SIGINT, interrupt_);
    if (terminate_ != SIG_ERR) std::signal(SIGTERM, terminate_);
  }

  /// Whether a signal has arrived, and which (0: none).
  bool interrupted() const { return detail::interrupted != 0; }
  int signal() const { return detail::interrupted; }

  template <class Trainer>
  verdict operator()(Trainer& /*trainer*/, const step_report& /*report*/) const {
    return interrupted() ? verdict::stop : verdict::go_on;
  }

 private:
  using handler = void (*)(int);

  /// A signal that the program was started to ignore (a job in the background) stays ignored.
  static handler install(int signal) {
    const handler before = std::signal(signal, detail::note_interrupt);
    if (before == SIG_IGN) std::signal(signal, SIG_IGN);
    return before;
  }

  handler interrupt_;
  handler terminate_;
};

}  // namespace kdm
