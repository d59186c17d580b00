// A loop over every scalar function, one a line: check.cmake asks the compiler which of them it makes vector code of.
#include "kdm/math/activations.hpp"
#include "kdm/math/distances.hpp"
#include "kdm/math/math.hpp"

using namespace kdm;

// clang-format off
#define LOOP(name, f) void name(const float* x, float* y, int n) { KDM_INDEPENDENT for (int i = 0; i < n; ++i) y[i] = (f); }

LOOP(exp_, math::exp(x[i]))
LOOP(expm1_, math::expm1(x[i]))
LOOP(log_, math::log(x[i]))
LOOP(tanh_, math::tanh(x[i]))
LOOP(sigmoid_, math::sigmoid(x[i]))
LOOP(erf_, math::erf(x[i]))
LOOP(relu_, activations::relu{}(x[i]).value + activations::relu{}(x[i]).slope)
LOOP(leaky_relu_, activations::leaky_relu{}(x[i]).value)
LOOP(silu_, activations::silu{}(x[i]).value + activations::silu{}(x[i]).slope)
LOOP(gelu_, activations::gelu{}(x[i]).value + activations::gelu{}(x[i]).slope)
LOOP(absolute_, distances::absolute{}(x[i]).value + distances::absolute{}(x[i]).slope)
// clang-format on
