// The kdm command on the reference backend.
#include "engine_of.hpp"
#include "kdm/backend/reference.hpp"

namespace kdm_command {

std::unique_ptr<engine> reference_engine(const any_executor& run) {
  return std::make_unique<engine_of<kdm::reference_backend<scalar>>>(run);
}

}  // namespace kdm_command
