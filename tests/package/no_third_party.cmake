# Preprocesses FILE, which includes every core header, and looks at where its includes come from.

cmake_minimum_required(VERSION 3.25)

execute_process(COMMAND "${COMPILER}" -std=c++20 "-I${INCLUDE}" -M -x c++ "${FILE}"
  OUTPUT_VARIABLE output ERROR_VARIABLE problem RESULT_VARIABLE status)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "the core headers do not preprocess:\n${problem}")
endif()
if(NOT output MATCHES "kdm/core/config.hpp")
  message(FATAL_ERROR "the list of includes is empty:\n${output}")
endif()
string(REGEX MATCHALL "[^ \n]*/(Eigen|xtensor|xtl|xsimd|nlohmann|CLI|tbb|oneapi|doctest|benchmark)/[^ \n]*|[^ \n]*/omp\\.h"
  foreign "${output}")
if(foreign)
  list(JOIN foreign "\n  " foreign)
  message(FATAL_ERROR "the core headers include third parties:\n  ${foreign}")
endif()
