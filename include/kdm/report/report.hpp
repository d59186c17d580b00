/// Pictures and the page that shows them.
#pragma once

#include "kdm/report/gnuplot.hpp"
#include "kdm/report/html.hpp"
#include "kdm/report/pictures.hpp"
