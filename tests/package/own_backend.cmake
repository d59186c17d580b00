# The tutorial as a test: the files of PROJECT are the blocks of PAGE, and with PREFIX they build against the library
# installed there and pass.
#   PAGE, PROJECT, WORK (a folder for the build)
#   PREFIX, GENERATOR, OPTIONS (a list of -D arguments): without PREFIX only the blocks are compared
#
# A block of the page belongs to the file that its first line names: ```cpp my_backend.hpp. The blocks of one file,
# with an empty line between them, are that file.

cmake_minimum_required(VERSION 3.25)

# --- The blocks

file(READ "${PAGE}" text)
set(names "")
while(TRUE)
  string(FIND "${text}" "\n```" start)
  if(start EQUAL -1)
    break()
  endif()
  math(EXPR start "${start} + 4")
  string(SUBSTRING "${text}" ${start} -1 text)
  string(FIND "${text}" "\n" line)
  string(SUBSTRING "${text}" 0 ${line} header)
  string(SUBSTRING "${text}" ${line} -1 text)
  string(FIND "${text}" "\n```" end)
  if(end EQUAL -1)
    message(FATAL_ERROR "${PAGE}: the block '${header}' does not end")
  endif()
  if(header MATCHES "^[a-z]+ ([A-Za-z_]+\\.[a-z]+)$")
    set(name "${CMAKE_MATCH_1}")
    if(end EQUAL 0)
      message(FATAL_ERROR "${PAGE}: a block of ${name} is empty")
    endif()
    math(EXPR length "${end} - 1")
    string(SUBSTRING "${text}" 1 ${length} block)
    if(name IN_LIST names)
      string(APPEND "file_${name}" "\n${block}\n")
    else()
      list(APPEND names "${name}")
      set("file_${name}" "${block}\n")
    endif()
  endif()
  math(EXPR end "${end} + 4")
  string(SUBSTRING "${text}" ${end} -1 text)
endwhile()

# --- They are the files

file(GLOB files RELATIVE "${PROJECT}" "${PROJECT}/*")
if(NOT files)
  message(FATAL_ERROR "there are no files in ${PROJECT}")
endif()
set(problems "")
foreach(name IN LISTS files)
  if(NOT name IN_LIST names)
    list(APPEND problems "${name} is not on the page")
  endif()
endforeach()
foreach(name IN LISTS names)
  if(NOT name IN_LIST files)
    list(APPEND problems "${name} is on the page, but not in the folder")
    continue()
  endif()
  file(READ "${PROJECT}/${name}" content)
  if(NOT content STREQUAL "${file_${name}}")
    file(WRITE "${WORK}/page/${name}" "${file_${name}}")
    list(APPEND problems "${name} differs from the page: compare it with ${WORK}/page/${name}")
  endif()
endforeach()
if(problems)
  list(JOIN problems "\n  " problems)
  message(FATAL_ERROR "${PAGE} and ${PROJECT}:\n  ${problems}")
endif()
list(LENGTH names count)
message(STATUS "${count} files are on the page as they are in the folder")

# --- They build and pass

if(NOT PREFIX)
  return()
endif()
file(REMOVE_RECURSE "${WORK}/build")
execute_process(COMMAND "${CMAKE_COMMAND}" -S "${PROJECT}" -B "${WORK}/build" -G "${GENERATOR}"
  "-DCMAKE_PREFIX_PATH=${PREFIX}" ${OPTIONS} COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${CMAKE_COMMAND}" --build "${WORK}/build" COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${CMAKE_CTEST_COMMAND}" --test-dir "${WORK}/build" --output-on-failure --no-tests=error
  COMMAND_ERROR_IS_FATAL ANY)
