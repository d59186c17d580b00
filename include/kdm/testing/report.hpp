/// What a conformance run found: checks counted by topic, and every failure as a sentence.
#pragma once

#include <algorithm>
#include <exception>
#include <functional>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kdm/core/error.hpp"

namespace kdm::testing {

/// How to run the suite.
struct conformance_options {
  double tolerance = 1;                   ///< factor on all tolerances, for products in reduced precision
  std::function<long()> allocations = {}; ///< number of heap allocations so far; empty: allocations are not checked
  index_t printed = 20;                   ///< failures written out per topic
};

/// The checks of a run, by topic, in the order in which they were made.
///
/// Example.   const auto report = check_backend(my_backend<float>{});
///            std::cout << report;
///            return report.passed() ? 0 : 1;
class conformance_report {
 public:
  struct topic {
    std::string name;
    index_t checks = 0;
    std::vector<std::string> failures;
  };

  explicit conformance_report(std::string title = "conformance", conformance_options options = {})
      : title_(std::move(title)), options_(std::move(options)) {}

  const conformance_options& options() const { return options_; }

  /// The checks that follow belong to this topic.
  void begin(std::string_view topic_name) { topics_.push_back({std::string(topic_name), 0, {}}); }

  /// Counts one check; where it is not `ok`, the joined parts are its sentence.
  template <class... Parts>
  bool check(bool ok, const Parts&... sentence) {
    if (topics_.empty()) begin("checks");
    ++topics_.back().checks;
    if (!ok) topics_.back().failures.push_back(concat(sentence...));
    return ok;
  }

  /// Runs one part of the suite; an exception ends the part and is a failure.
  template <class Part>
  void run(Part part) {
    try {
      part(*this);
    } catch (const std::exception& e) {
      check(false, "ended by an exception: ", e.what());
    }
  }

  const std::vector<topic>& topics() const { return topics_; }

  index_t checks() const {
    index_t n = 0;
    for (const auto& t : topics_) n += t.checks;
    return n;
  }
  index_t failures() const {
    index_t n = 0;
    for (const auto& t : topics_) n += index_t(t.failures.size());
    return n;
  }
  /// True when there were checks and all of them held.
  bool passed() const { return checks() > 0 && failures() == 0; }

  /// A line for each topic, the first failures below it, and the sum.
  friend std::ostream& operator<<(std::ostream& out, const conformance_report& r) {
    std::size_t width = 0;
    for (const auto& t : r.topics_) width = std::max(width, t.name.size());
    out << r.title_ << '\n';
    for (const auto& t : r.topics_) {
      out << "  " << t.name << std::string(width - t.name.size(), ' ') << "  " << t.checks << " checks, "
          << outcome(index_t(t.failures.size())) << '\n';
      const auto shown = std::min(t.failures.size(), std::size_t(std::max(r.options_.printed, index_t(0))));
      for (std::size_t k = 0; k < shown; ++k) out << "    " << t.failures[k] << '\n';
      if (shown < t.failures.size()) out << "    and " << t.failures.size() - shown << " more\n";
    }
    return out << r.checks() << " checks, " << outcome(r.failures()) << '\n';
  }

 private:
  static std::string outcome(index_t failed) { return failed == 0 ? "all passed" : concat(failed, " failed"); }

  std::string title_;
  conformance_options options_;
  std::vector<topic> topics_;
};

}  // namespace kdm::testing
