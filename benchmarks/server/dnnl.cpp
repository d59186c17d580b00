// oneDNN's matrix product behind the same verb: what the best library of this kind reaches here. Compiled where CMake
// has found it.
#include <dnnl.h>

#include "cases_of.hpp"
#include "kdm/core/host.hpp"

namespace kdm_benchmark {

namespace {

struct dnnl_backend : kdm::host_backend<float> {
  void gemm(kdm::op ta, kdm::op tb, float a, kdm::const_view<float> x, kdm::const_view<float> y, float keep,
            kdm::view<float> z) {
    if (z.empty()) return;
    const auto letter = [](kdm::op o) { return o == kdm::op::transposed ? 'T' : 'N'; };
    const auto stride = [](const auto& v) { return std::max<index_t>(v.ld, 1); };
    const index_t inner = ta == kdm::op::as_is ? x.cols : x.rows;
    const dnnl_status_t status = dnnl_sgemm(letter(ta), letter(tb), z.rows, z.cols, inner, a, x.p, stride(x), y.p,
                                            stride(y), keep, z.p, stride(z));
    if (status != dnnl_success) kdm::fail<kdm::option_error>("dnnl_sgemm: status ", int(status));
  }
};

}  // namespace

backend_cases dnnl_cases() { return cases_of<dnnl_backend>("dnnl"); }

}  // namespace kdm_benchmark
