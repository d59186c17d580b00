# Builds the C example as its student.cpp says, and runs it: as it is, and with a mistake that ends in a sentence.
#   COMPILER (C++, which links), C_COMPILER, INCLUDE, EXAMPLE (its folder), WORK (a folder)

cmake_minimum_required(VERSION 3.25)

file(MAKE_DIRECTORY "${WORK}")
set(warnings -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Werror)
foreach(command IN ITEMS
    "${COMPILER};-std=c++20;-O1;-fno-exceptions;-fno-rtti;${warnings};-I${INCLUDE};-c;${EXAMPLE}/student.cpp"
    "${C_COMPILER};-std=c11;-O1;${warnings};-c;${EXAMPLE}/main.c"
    "${COMPILER};main.o;student.o;-o;sampler")
  execute_process(COMMAND ${command} WORKING_DIRECTORY "${WORK}"
    RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${command}:\n${output}")
  endif()
endforeach()

execute_process(COMMAND "${WORK}/sampler" RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(NOT status EQUAL 0 OR NOT output MATCHES "mean square of a coordinate 6\\.[0-9]+")
  message(FATAL_ERROR "the C example ends with ${status}:\n${output}")
endif()
execute_process(COMMAND "${WORK}/sampler" -3 RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(NOT status EQUAL 3 OR NOT output STREQUAL "sampler: frozen_model: the first sample is -3, expected 0 or more\n")
  message(FATAL_ERROR "the C example with a mistake ends with ${status}:\n${output}")
endif()
