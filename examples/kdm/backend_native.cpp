// The kdm command on the native backend.
#include "engine_of.hpp"
#include "kdm/backend/native.hpp"

namespace kdm_command {

std::unique_ptr<engine> native_engine(const any_executor& run) {
  return std::make_unique<engine_of<kdm::native_backend<scalar>>>(run);
}

}  // namespace kdm_command
