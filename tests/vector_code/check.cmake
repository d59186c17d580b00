# Compiles FILE and checks that every line with a LOOP becomes vector code, by the compiler's own account. Without any
# of the flags that allow more (-ffast-math, -fno-trapping-math): a program that includes headers has only -O3.

cmake_minimum_required(VERSION 3.25)

if(ID STREQUAL "GNU")
  set(report -fopt-info-vec-optimized)
else()
  set(report -Rpass=loop-vectorize)
endif()
set(object "${CMAKE_CURRENT_BINARY_DIR}/vector_code_${PROCESSOR}.s")
execute_process(COMMAND "${CMAKE_COMMAND}" -E env LC_ALL=C "${COMPILER}" -std=c++20 -O3 "-march=${PROCESSOR}" ${report}
    -fno-diagnostics-color "-I${INCLUDE}" -S -o "${object}" "${FILE}"
  RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
file(REMOVE "${object}")
if(NOT status EQUAL 0)
  message(FATAL_ERROR "${FILE} does not compile:\n${output}")
endif()

file(STRINGS "${FILE}" lines)
set(number 0)
set(loops 0)
set(scalar "")
foreach(line IN LISTS lines)
  math(EXPR number "${number} + 1")
  if(line MATCHES "^LOOP\\(([a-z0-9_]+)")
    set(name "${CMAKE_MATCH_1}")
    math(EXPR loops "${loops} + 1")
    if(NOT output MATCHES "\\.cpp:${number}:[0-9]+: [a-z]+: (loop vectorized|vectorized loop)")
      list(APPEND scalar "${name}")
    endif()
  endif()
endforeach()
if(loops EQUAL 0)
  message(FATAL_ERROR "${FILE} has no line that starts with LOOP(")
endif()
if(scalar)
  message(FATAL_ERROR "scalar code for ${PROCESSOR}, expected vector code: ${scalar}\nThe compiler says:\n${output}")
endif()
