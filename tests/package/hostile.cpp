// Every header behind other libraries' macros. The third parties come first: Eigen itself does not compile behind
// Xlib.h, so programs that use both include it before.
#if __has_include(<Eigen/Dense>)
#include <Eigen/Cholesky>
#include <Eigen/Eigenvalues>
#include <Eigen/LU>
#include <Eigen/QR>
#endif
#if __has_include(<nlohmann/json.hpp>)
#include <nlohmann/json.hpp>
#endif
#if __has_include(<oneapi/tbb/task_arena.h>)
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>
#endif
#if __has_include(<xtensor-blas/xblas.hpp>)
#include <xtensor-blas/xblas.hpp>
#endif

#include "hostile_macros.hpp"
//
#include "forward.inc"
