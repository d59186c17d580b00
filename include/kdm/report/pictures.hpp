/// All pictures: densities, points, images, spectra, curves, histograms.
#pragma once

#include "kdm/report/curves.hpp"
#include "kdm/report/density.hpp"
#include "kdm/report/images.hpp"
#include "kdm/report/scatter.hpp"
