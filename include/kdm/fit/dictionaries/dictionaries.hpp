/// Dictionaries: polynomials, waves, kernels, combinations, functions of the user's.
#pragma once

#include "kdm/fit/dictionaries/combine.hpp"
#include "kdm/fit/dictionaries/jet.hpp"
#include "kdm/fit/dictionaries/kernels.hpp"
#include "kdm/fit/dictionaries/observables.hpp"
#include "kdm/fit/dictionaries/pointwise.hpp"
#include "kdm/fit/dictionaries/polynomials.hpp"
#include "kdm/fit/dictionaries/waves.hpp"
