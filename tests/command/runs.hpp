// Runs the kdm command as a user does: exit status, what it prints, what it leaves.
#pragma once

#include <sys/wait.h>

#include <cstdlib>
#include <string>

#include "support.hpp"

namespace kdm_test {

struct outcome {
  int status;  ///< exit status, or minus the signal that ended it
  std::string out, err;
};

/// `kdm arguments`, in `folder`. The arguments are the test's own, so the shell may see them.
inline outcome kdm_run(const temporary_folder& folder, const std::string& arguments) {
  const std::string out = folder / "stdout.txt", err = folder / "stderr.txt";
  const std::string line = "cd '" + folder.path().string() + "' && '" KDM_COMMAND "' " + arguments + " >'" + out +
                           "' 2>'" + err + "' </dev/null";
  const int code = std::system(line.c_str());
  return {WIFEXITED(code) ? WEXITSTATUS(code) : -WTERMSIG(code), read_bytes(out), read_bytes(err)};
}

inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace kdm_test
