/// Everything in train that needs the standard library alone; checkpoints (train/checkpoint.hpp) also need kdm::io.
#pragma once

#include "kdm/train/average.hpp"
#include "kdm/train/batches.hpp"
#include "kdm/train/deduce.hpp"
#include "kdm/train/interrupt.hpp"
#include "kdm/train/metrics_log.hpp"
#include "kdm/train/options.hpp"
#include "kdm/train/progress.hpp"
#include "kdm/train/trainer.hpp"
#include "kdm/train/update.hpp"
#include "kdm/train/validation.hpp"
