/// Everything in koopman: operators, the distillation model, objectives, the one-step sampler.
#pragma once

#include "kdm/koopman/block_diagonal_operator.hpp"
#include "kdm/koopman/controlled_operator.hpp"
#include "kdm/koopman/distillation.hpp"
#include "kdm/koopman/eigen_operator.hpp"
#include "kdm/koopman/freeze.hpp"
#include "kdm/koopman/frozen.hpp"
#include "kdm/koopman/generator.hpp"
#include "kdm/koopman/generator_operator.hpp"
#include "kdm/koopman/low_rank_operator.hpp"
#include "kdm/koopman/model.hpp"
#include "kdm/koopman/objective.hpp"
#include "kdm/koopman/operator.hpp"
#include "kdm/koopman/orthogonal_operator.hpp"
#include "kdm/koopman/terms.hpp"
