// The kdm command on the xtensor backend.
#include "../engine_of.hpp"
#include "kdm/backend/xtensor.hpp"

namespace kdm_command {

std::unique_ptr<engine> xtensor_engine(const any_executor& run) {
  return std::make_unique<engine_of<kdm::xtensor_backend<scalar>>>(run);
}

}  // namespace kdm_command
