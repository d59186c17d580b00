# Builds the program that only samples with -fno-exceptions -fno-rtti and runs it: without a mistake, and with some.
#   COMPILER, INCLUDE, SOURCE, WORK (a folder)

cmake_minimum_required(VERSION 3.25)

file(MAKE_DIRECTORY "${WORK}")
execute_process(
  COMMAND "${COMPILER}" -std=c++20 -O1 -Wall -Wextra -Wpedantic -Wconversion -Werror -fno-exceptions -fno-rtti "-I${INCLUDE}"
    "${SOURCE}" -o "${WORK}/program"
  RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "the program without exceptions does not build:\n${output}")
endif()

# expect(<mode> <status> <standard output> <standard error>)
function(expect mode wanted_status wanted_output wanted_error)
  execute_process(COMMAND "${WORK}/program" ${mode} RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE error)
  if(NOT "${status}" MATCHES "${wanted_status}" OR NOT output STREQUAL wanted_output OR NOT error STREQUAL wanted_error)
    message(FATAL_ERROR "'${mode}' ends with '${status}', prints '${output}' and '${error}', "
      "expected '${wanted_status}', '${wanted_output}' and '${wanted_error}'")
  endif()
endfunction()

set(sentence "frozen_model: number of weights is 5, expected 7")
expect("" "^0$" "6.5 12.5, 7 weights\n" "")
expect(mistake "abort|Abort|SIGABRT|^6$|^134$" "" "${sentence}\n")
expect(handler "^7$" "told: ${sentence}\n" "")
expect(large "abort|Abort|SIGABRT|^6$|^134$" "" "out of memory: more bytes than a number holds\n")
