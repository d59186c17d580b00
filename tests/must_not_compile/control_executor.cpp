#include "kdm/exec/executor.hpp"

struct pool {
  int lanes() const { return 1; }

  template <class F>
  void for_chunks(kdm::index_t n, kdm::index_t grain, F&& f) const {
    for (kdm::index_t first = 0; first < n; first += grain) f(first, first + grain < n ? first + grain : n, 0);
  }
};

void run_on(const kdm::executor auto&) {}

int main() { run_on(pool{}); }
