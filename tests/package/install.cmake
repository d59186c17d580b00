# Installs the library of the build folder BUILD into a fresh PREFIX.

cmake_minimum_required(VERSION 3.25)

file(REMOVE_RECURSE "${PREFIX}")
execute_process(COMMAND "${CMAKE_COMMAND}" --install "${BUILD}" --prefix "${PREFIX}" --component kdm_development
  OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
file(GLOB_RECURSE headers "${PREFIX}/include/kdm/*.hpp")
list(LENGTH headers count)
if(count EQUAL 0)
  message(FATAL_ERROR "no header was installed under ${PREFIX}/include/kdm")
endif()
foreach(file IN ITEMS LICENSE examples/quickstart.cpp examples/c_api/main.c examples/c_api/weights.hpp)
  if(NOT EXISTS "${PREFIX}/share/doc/kdm/${file}")
    message(FATAL_ERROR "${PREFIX}/share/doc/kdm/${file} was not installed")
  endif()
endforeach()
message(STATUS "${count} headers installed")
