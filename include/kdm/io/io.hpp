/// Files: .npy, safetensors, JSON, trajectories.
///
/// io/model.hpp is included by itself: it needs the layers.
#pragma once

#include "kdm/io/atomic_file.hpp"
#include "kdm/io/config.hpp"
#include "kdm/io/folder_lock.hpp"
#include "kdm/io/frozen.hpp"
#include "kdm/io/frozen_header.hpp"
#include "kdm/io/input.hpp"
#include "kdm/io/json.hpp"
#include "kdm/io/npy.hpp"
#include "kdm/io/pairs.hpp"
#include "kdm/io/safetensors.hpp"
#include "kdm/io/safetensors_save.hpp"
#include "kdm/io/temporary.hpp"
#include "kdm/io/tensor.hpp"
#include "kdm/io/trajectories.hpp"
