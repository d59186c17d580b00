// The kdm command on oneTBB's threads.
#include "../engine.hpp"
#include "kdm/exec/onetbb.hpp"

namespace kdm_command {

any_executor onetbb_executor(int threads) { return any_executor(kdm::onetbb(threads)); }

}  // namespace kdm_command
