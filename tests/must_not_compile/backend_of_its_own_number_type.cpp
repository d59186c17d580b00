// expect: float_or_double
// lines: 36
#include "kdm/core/backend.hpp"

struct mine {
  using value_type = long double;
  using space = kdm::host_space;
  long double* allocate(kdm::index_t n);
  void deallocate(long double* p, kdm::index_t n);
  void upload(kdm::const_view<long double> x, kdm::view<long double> y);
  void download(kdm::const_view<long double> x, kdm::view<long double> y);
  void synchronize();
  template <class Kernel>
  void for_each(kdm::index_t n, Kernel kernel);
  template <class F, class... X>
  void sum_rows(F f, long double keep, kdm::view<long double> y, X... x);
  void gemm(kdm::op ta, kdm::op tb, long double a, kdm::const_view<long double> x, kdm::const_view<long double> y,
            long double keep, kdm::view<long double> z);
};

void compute_on(const kdm::backend auto&) {}

int main() { compute_on(mine{}); }
