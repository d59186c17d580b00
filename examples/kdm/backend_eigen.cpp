// The kdm command on the eigen backend.
#include "engine_of.hpp"
#include "kdm/backend/eigen.hpp"

namespace kdm_command {

std::unique_ptr<engine> eigen_engine(const any_executor& run) {
  return std::make_unique<engine_of<kdm::eigen_backend<scalar>>>(run);
}

}  // namespace kdm_command
