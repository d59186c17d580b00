/// All pictures: densities, points, spectra, curves, histograms.
#pragma once

#include "kdm/report/curves.hpp"
#include "kdm/report/density.hpp"
#include "kdm/report/scatter.hpp"
