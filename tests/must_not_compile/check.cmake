# Compiles FILE and checks that it fails as it says on its first lines:
#   // expect: REGEX     a CMake regular expression that the compiler's output must match
#   // lines: N          the most lines of output allowed (30 without this line)
# A file named control_* must compile: it shows that the snippets fail for the right reason.

cmake_minimum_required(VERSION 3.25)

cmake_path(GET FILE FILENAME name)
set(command "${COMPILER}" -std=c++20 -fsyntax-only -fno-diagnostics-color "-I${INCLUDE}")
foreach(folder IN LISTS SYSTEM)
  if(NOT folder MATCHES "^/usr/(local/)?include/?$")  # the compiler's own: another -isystem would reorder them
    list(APPEND command -isystem "${folder}")
  endif()
endforeach()
list(APPEND command ${DEFINITIONS})
execute_process(COMMAND "${CMAKE_COMMAND}" -E env LC_ALL=C ${command} "${FILE}"
  RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)

if(name MATCHES "^control_")
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${name} must compile, but:\n${output}")
  endif()
  return()
endif()

file(STRINGS "${FILE}" expect REGEX "^// expect: " LIMIT_COUNT 1)
file(STRINGS "${FILE}" lines REGEX "^// lines: [0-9]+" LIMIT_COUNT 1)
if(expect STREQUAL "")
  message(FATAL_ERROR "${name} has no line '// expect: REGEX'")
endif()
string(REPLACE "// expect: " "" expect "${expect}")
if(lines STREQUAL "")
  set(lines 30)
endif()
string(REGEX REPLACE "[^0-9]+" "" lines "${lines}")

if(status EQUAL 0)
  message(FATAL_ERROR "${name} compiles, but must not")
endif()
if(NOT output MATCHES "error: ")
  message(FATAL_ERROR "${name}: the compiler did not run as expected (${status}):\n${output}")
endif()
if(NOT output MATCHES "${expect}")
  message(FATAL_ERROR "${name}: the message does not match '${expect}':\n${output}")
endif()
string(REGEX MATCHALL "\n" newlines "${output}")
list(LENGTH newlines count)
if(count GREATER lines)
  message(FATAL_ERROR "${name}: ${count} lines of message, expected at most ${lines}:\n${output}")
endif()
message(STATUS "${name}: ${count} lines of message, at most ${lines} allowed")
