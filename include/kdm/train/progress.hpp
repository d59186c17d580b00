/// A progress line for people: rate, remaining time and losses.
#pragma once

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <functional>
#include <ostream>
#include <string>

#include "kdm/train/trainer.hpp"

namespace kdm {

namespace detail {

/// The value in `precision` digits, scientific (1.23e-04, digits after the point) or general (0.000123, digits in all),
/// whatever the locale: printf would take its decimal comma.
inline std::string digits(double value, std::chars_format form, int precision) {
  char text[64];
  return std::string(text, std::to_chars(text, text + sizeof text, value, form, precision).ptr);
}
inline std::string scientific(double value, int precision) {
  return detail::digits(value, std::chars_format::scientific, precision);
}

/// "1:23:45", "23:45"
inline std::string clock_text(double seconds) {
  // A run of more than 10,000 years says so.
  const long long total = static_cast<long long>(std::min(std::ceil(seconds), 3.2e11));
  const auto two = [](long long n) { return concat(n < 10 ? "0" : "", n); };
  if (total >= 3600) return concat(total / 3600, ":", two(total / 60 % 60), ":", two(total % 60));
  return concat(total / 60, ":", two(total % 60));
}

}  // namespace detail

/// A callback that writes a line now and then.
///
/// On a terminal (`live`) one line is rewritten a few times a second; elsewhere a line is added about twenty times a
/// run, so that logs stay short. `extra` may add text of its own, such as a validation error.
class progress_line {
 public:
  progress_line(std::ostream& out, bool live, std::function<std::string()> extra = {})
      : out_(out), live_(live), extra_(std::move(extra)) {}

  template <class Trainer>
  void operator()(Trainer& t, const step_report& r) {
    const auto now = clock::now();
    if (done_here_++ == 0) start_ = shown_ = now;
    const bool last = r.step == r.steps;
    const double since = seconds(shown_, now);
    const index_t stride = std::max<index_t>(1, r.steps / 20);
    if (!(last || (live_ ? since > 0.2 : r.step % stride == 0))) return;
    shown_ = now;
    names_ = t.objective().names();  // another trainer may have taken over, with another objective
    write(r, seconds(start_, now), double(t.options().batch), last);
  }

  /// Ends a live line, so that other text can follow. Called by itself after the last step.
  void finish() {
    if (live_ && width_ > 0) out_ << std::endl;
    width_ = 0;
  }

 private:
  using clock = std::chrono::steady_clock;
  static double seconds(clock::time_point a, clock::time_point b) {
    return std::chrono::duration<double>(b - a).count();
  }

  void write(const step_report& r, double elapsed, double batch, bool last) {
    // The first step also paid for warming up, so the rate counts from its end.
    const double rate = elapsed > 0 ? double(done_here_ - 1) / elapsed : 0;
    std::string line = concat("step ", r.step, "/", r.steps);
    if (rate > 0) {
      line += concat("  ", detail::digits(rate, std::chars_format::general, 3), " steps/s");
      if (!live_) line += concat("  ", detail::digits(rate * batch, std::chars_format::general, 3), " pairs/s");
      if (!last) line += concat("  ", detail::clock_text(double(r.steps - r.step) / rate), " left");
    }
    line += "  loss " + detail::scientific(r.loss, 3);
    // A live line has to fit into a terminal of 80 columns: one that wraps cannot be rewritten.
    if (!live_)
      for (std::size_t k = 0; k < names_.size(); ++k) line += concat("  ", names_[k], " ", detail::scientific(r.terms[k], 2));
    if (extra_) line += extra_();
    if (!live_) {
      out_ << line << std::endl;
      return;
    }
    out_ << '\r' << line << std::string(width_ > line.size() ? width_ - line.size() : 0, ' ') << std::flush;
    width_ = line.size();
    if (last) finish();
  }

  std::ostream& out_;
  bool live_;
  std::function<std::string()> extra_;
  std::vector<std::string> names_;
  clock::time_point start_, shown_;
  index_t done_here_ = 0;
  std::size_t width_ = 0;
};

}  // namespace kdm
