// expect: b\.upload\(
// lines: 29
#include "kdm/core/backend.hpp"

// The source of an upload is a view of the host's memory, not of the device's.
struct mine {
  using value_type = float;
  struct space {};
  using to = kdm::view<float, space>;
  using from = kdm::const_view<float, space>;
  float* allocate(kdm::index_t n);
  void deallocate(float* p, kdm::index_t n);
  void upload(from x, to y);
  void download(from x, kdm::view<float> y);
  void synchronize();
  template <class Kernel>
  void for_each(kdm::index_t n, Kernel kernel);
  template <class F, class... X>
  void sum_rows(F f, float keep, to y, X... x);
  void gemm(kdm::op ta, kdm::op tb, float a, from x, from y, float keep, to z);
};

void compute_on(const kdm::backend auto&) {}

int main() { compute_on(mine{}); }
