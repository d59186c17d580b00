/// Everything in nn: layers and combinators, initial weights, update rules, schedules, checks.
#pragma once

#include "kdm/nn/architecture.hpp"
#include "kdm/nn/chain.hpp"
#include "kdm/nn/dense.hpp"
#include "kdm/nn/gradient_check.hpp"
#include "kdm/nn/initialize.hpp"
#include "kdm/nn/layer.hpp"
#include "kdm/nn/residual.hpp"
#include "kdm/nn/runner.hpp"
#include "kdm/nn/schedule.hpp"
#include "kdm/nn/summary.hpp"
#include "kdm/nn/update_rule.hpp"
