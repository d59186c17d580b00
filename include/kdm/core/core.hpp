/// Everything in core: views, the backend concept, derived operations, memory, errors.
#pragma once

#include "kdm/core/arena.hpp"
#include "kdm/core/as_view.hpp"
#include "kdm/core/backend.hpp"
#include "kdm/core/brief.hpp"
#include "kdm/core/config.hpp"
#include "kdm/core/denormals.hpp"
#include "kdm/core/error.hpp"
#include "kdm/core/finite.hpp"
#include "kdm/core/host.hpp"
#include "kdm/core/matrix.hpp"
#include "kdm/core/ops.hpp"
#include "kdm/core/print.hpp"
#include "kdm/core/repeat.hpp"
#include "kdm/core/sizes.hpp"
#include "kdm/core/view.hpp"
#include "kdm/core/weights.hpp"
