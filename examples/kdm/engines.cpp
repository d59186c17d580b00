// Backends and executors by name.
#include "engine.hpp"
#include "kdm/core/error.hpp"
#include "kdm/exec/openmp.hpp"
#include "kdm/exec/serial.hpp"
#include "process.hpp"

namespace kdm_command {

namespace {

[[noreturn, maybe_unused]] void without(const char* component, const char* advice) {
  kdm::fail<kdm::option_error>("this kdm was built without ", component, ": ", advice, ", then configure again");
}

any_executor executor_of(const compute_options& o) {
  if (o.executor == "serial") {
    if (o.threads > 1) kdm::fail<kdm::option_error>("--executor serial has one thread, --threads is ", o.threads);
    return any_executor(kdm::serial{});
  }
  if (o.executor == "openmp") return any_executor(kdm::openmp(o.threads));
#if defined(KDM_HAVE_ONETBB)
  if (o.executor == "onetbb") return onetbb_executor(o.threads);
#else
  if (o.executor == "onetbb") without("oneTBB", "install it (Debian: libtbb-dev)");
#endif
  kdm::fail<kdm::option_error>("--executor is ", o.executor, ", expected serial, openmp or onetbb");
}

}  // namespace

any_executor make_executor(const compute_options& o) {
  any_executor run = executor_of(o);
  require_stacks(run);
  return run;
}

std::unique_ptr<engine> make_engine(const compute_options& o, const any_executor& run) {
  if (o.backend == "reference") return reference_engine(run);
  if (o.backend == "native") return native_engine(run);
  if (o.backend == "eigen") return eigen_engine(run);
#if defined(KDM_HAVE_XTENSOR)
  if (o.backend == "xtensor") return xtensor_engine(run);
#else
  if (o.backend == "xtensor")
    without("xtensor", "install xtensor-blas and a BLAS (Debian: libxtensor-blas-dev libopenblas-dev)");
#endif
#if defined(KDM_HAVE_CUDA)
  if (o.backend == "cuda") return cuda_engine(run);
#else
  if (o.backend == "cuda") without("CUDA", "install the CUDA toolkit 12.4 or newer, set KDM_CUDA=ON");
#endif
  kdm::fail<kdm::option_error>("--backend is ", o.backend, ", expected native, reference, eigen, xtensor or cuda");
}

}  // namespace kdm_command
