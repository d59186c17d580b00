/// Everything about teachers: fields, paths, solvers and the generation of trajectories.
#pragma once

#include "kdm/teacher/box_mixture.hpp"
#include "kdm/teacher/empirical.hpp"
#include "kdm/teacher/field.hpp"
#include "kdm/teacher/gaussian_mixture.hpp"
#include "kdm/teacher/generate.hpp"
#include "kdm/teacher/path.hpp"
#include "kdm/teacher/solver.hpp"
