# Students may be called as functions of C are: compiles what PROGRAM writes for such names, beside the headers of C.
#   COMPILER, INCLUDE, PROGRAM, WORK (a folder)

cmake_minimum_required(VERSION 3.25)

set(names abs div exit gamma index log main read remove signal student time y1)
file(REMOVE_RECURSE "${WORK}")
file(MAKE_DIRECTORY "${WORK}")
execute_process(COMMAND "${PROGRAM}" "${WORK}" ${names} COMMAND_ERROR_IS_FATAL ANY)

set(c_headers "")
foreach(header IN ITEMS math time stdlib stdio signal string strings unistd)
  string(APPEND c_headers "#include <${header}.h>\n")
endforeach()
set(text "")
set(uses "")
foreach(name IN LISTS names)
  string(APPEND text "#include \"${name}.hpp\"\n")
  string(APPEND uses "  count += kdm_students::${name}::compiled.weights.size() + ${name}::compiled.weights.size();\n")
endforeach()
string(APPEND text "int main() {\n  std::size_t count = 0;\n${uses}  return int(count);\n}\n")
file(WRITE "${WORK}/before.cpp" "${c_headers}${text}")
file(WRITE "${WORK}/after.cpp" "${text}${c_headers}")

# compile(<file> <standard>)
function(compile file standard)
  execute_process(COMMAND "${COMPILER}" -std=${standard} -Wall -Wextra -Wpedantic -Werror -fsyntax-only "-I${INCLUDE}"
    "${WORK}/${file}" RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
  set(status ${status} PARENT_SCOPE)
  set(output "${output}" PARENT_SCOPE)
endfunction()

foreach(file IN ITEMS before.cpp after.cpp)
  compile(${file} gnu++20)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "students with names of C, ${file}:\n${output}")
  endif()
endforeach()

# A name that is a macro where the header is included is a sentence.
file(WRITE "${WORK}/macro.cpp" "#define student 1\n#include \"student.hpp\"\n")
compile(macro.cpp c++20)
if(status EQUAL 0 OR NOT output MATCHES "student is a macro here: include this header earlier, or export the student")
  message(FATAL_ERROR "a student named as a macro:\n${output}")
endif()
