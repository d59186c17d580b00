// expect: has_for_chunks
// lines: 30
#include "kdm/exec/executor.hpp"

struct pool {
  int lanes() const { return 2; }
};

void run_on(const kdm::executor auto&) {}

int main() { run_on(pool{}); }
