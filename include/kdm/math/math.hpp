/// Scalar functions, activations, distances and random numbers.
#pragma once

#include "kdm/math/activations.hpp"
#include "kdm/math/distances.hpp"
#include "kdm/math/functions.hpp"
#include "kdm/math/random.hpp"
