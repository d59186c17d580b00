/// What surrounds a subcommand: signals, standard output, the stacks of its threads. POSIX.
#pragma once

#include <cstddef>
#include <streambuf>

#include "any_executor.hpp"

namespace kdm_command {

/// From here on a signal that ends the process removes its temporary files and says what came (a closed pipe without
/// words). Signals that the process was started to ignore stay ignored. A limit on the size of files becomes the error
/// of the write that meets it.
void handle_signals();

/// std::cout without losing an error: keeps the first, for the end of the command. While it lives it is std::cout's
/// buffer.
class standard_output : public std::streambuf {
 public:
  standard_output();
  standard_output(const standard_output&) = delete;
  standard_output& operator=(const standard_output&) = delete;
  ~standard_output() override;

  /// Flushes; 0, or the errno of the first write that failed.
  int finish();

 protected:
  int overflow(int c) override;
  int sync() override;

 private:
  std::streambuf* before_;
  int problem_ = 0;
  char text_[4096];
};

/// Throws unless every thread of `run`, and this one, has a stack for the work: products need some 300 kB, factorisations
/// more. Without it the process would end with a segmentation fault.
void require_stacks(const any_executor& run);

}  // namespace kdm_command
