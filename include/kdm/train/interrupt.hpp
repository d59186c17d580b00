/// Ctrl-C ends a run after the step that is under way.
#pragma once

#include <csignal>

#include "kdm/train/trainer.hpp"

namespace kdm {

namespace detail {
// A signal handler can reach nothing but a variable of this kind.
inline volatile std::sig_atomic_t interrupted = 0;

extern "C" inline void note_interrupt(int signal) {
  interrupted = 1;
  std::signal(signal, SIG_DFL);  // a second one ends the program at once
}
}  // namespace detail

/// A callback that stops the run once SIGINT or SIGTERM has arrived. While it lives it owns both handlers.
class stop_on_interrupt {
 public:
  stop_on_interrupt() {
    detail::interrupted = 0;
    interrupt_ = std::signal(SIGINT, detail::note_interrupt);
    terminate_ = std::signal(SIGTERM, detail::note_interrupt);
  }
  stop_on_interrupt(const stop_on_interrupt&) = delete;
  stop_on_interrupt& operator=(const stop_on_interrupt&) = delete;
  ~stop_on_interrupt() {
    std::signal(SIGINT, interrupt_);
    std::signal(SIGTERM, terminate_);
  }

  /// Whether a signal has arrived.
  bool interrupted() const { return detail::interrupted != 0; }

  template <class Trainer>
  verdict operator()(Trainer& /*trainer*/, const step_report& /*report*/) const {
    return interrupted() ? verdict::stop : verdict::go_on;
  }

 private:
  void (*interrupt_)(int);
  void (*terminate_)(int);
};

}  // namespace kdm
