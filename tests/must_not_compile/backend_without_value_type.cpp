// expect: type named .value_type|required type .typename B::value_type
// lines: 29
#include "kdm/core/backend.hpp"

struct mine {
  using space = kdm::host_space;
  float* allocate(kdm::index_t n);
  void deallocate(float* p, kdm::index_t n);
  void upload(kdm::const_view<float> x, kdm::view<float> y);
  void download(kdm::const_view<float> x, kdm::view<float> y);
  void synchronize();
  template <class Kernel>
  void for_each(kdm::index_t n, Kernel kernel);
  template <class F, class... X>
  void sum_rows(F f, float keep, kdm::view<float> y, X... x);
  void gemm(kdm::op ta, kdm::op tb, float a, kdm::const_view<float> x, kdm::const_view<float> y, float keep,
            kdm::view<float> z);
};

void compute_on(const kdm::backend auto&) {}

int main() { compute_on(mine{}); }
