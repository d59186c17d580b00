/// All metrics: distances between sets of samples, errors of pairs, mass outside the support.
#pragma once

#include "kdm/metrics/bootstrap.hpp"
#include "kdm/metrics/discrepancy.hpp"
#include "kdm/metrics/energy.hpp"
#include "kdm/metrics/halves.hpp"
#include "kdm/metrics/moments.hpp"
#include "kdm/metrics/normality.hpp"
#include "kdm/metrics/pair_error.hpp"
#include "kdm/metrics/principal_components.hpp"
#include "kdm/metrics/samples.hpp"
#include "kdm/metrics/support.hpp"
#include "kdm/metrics/wasserstein.hpp"
