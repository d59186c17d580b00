/// Fits: least squares on snapshot pairs, spectra, residuals, and the operator of a model.
#pragma once

#include "kdm/fit/initialize.hpp"
#include "kdm/fit/least_squares.hpp"
#include "kdm/fit/residuals.hpp"
#include "kdm/fit/snapshot_qr.hpp"
#include "kdm/fit/spectrum.hpp"
