/// Elementary functions that vectorise in plain loops: exp, expm1, log, sqrt, tanh, sigmoid, erf, sin_cos_turn.
///
/// All are scalar, take float or double and choose by selects instead of branches, so that a loop over them
/// becomes vector code (with g++: -O3 -march=native -fno-math-errno -fno-trapping-math). Their polynomials are
/// minimax fits by the Remez exchange algorithm in 45-digit arithmetic, weighted for the relative error of the
/// function, with the coefficients then rounded to T. Results may differ in the last bits between compilers, which
/// contract multiply-adds differently; the accuracies given hold with and without contraction. They are measured
/// against long double functions: in float over every 97th bit pattern, in double at millions of random numbers of
/// many scales. NaN in gives NaN out.
#pragma once

#include "kdm/math/error_function.hpp"
#include "kdm/math/exponential.hpp"
#include "kdm/math/trigonometric.hpp"
