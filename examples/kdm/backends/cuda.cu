// The kdm command on the CUDA backend.
#include "../engine_of.hpp"
#include "kdm/backend/cuda.cuh"

namespace kdm_command {

std::unique_ptr<engine> cuda_engine(const any_executor& run) {
  return std::make_unique<engine_of<kdm::cuda_backend<scalar>>>(run);
}

}  // namespace kdm_command
