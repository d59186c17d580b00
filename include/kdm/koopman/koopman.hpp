/// Everything in koopman: operators, the distillation model, objectives, the one-step sampler.
///
/// Frozen students, freeze.hpp and frozen.hpp, are included by themselves: few programs need them beside training.
#pragma once

#include "kdm/koopman/block_diagonal_operator.hpp"
#include "kdm/koopman/controlled_operator.hpp"
#include "kdm/koopman/distillation.hpp"
#include "kdm/koopman/eigen_operator.hpp"
#include "kdm/koopman/generator.hpp"
#include "kdm/koopman/generator_operator.hpp"
#include "kdm/koopman/low_rank_operator.hpp"
#include "kdm/koopman/model.hpp"
#include "kdm/koopman/objective.hpp"
#include "kdm/koopman/operator.hpp"
#include "kdm/koopman/orthogonal_operator.hpp"
#include "kdm/koopman/terms.hpp"
