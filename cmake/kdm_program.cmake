# How the project's own programs are compiled. Nothing here reaches a consumer of the library.

include(CheckCXXCompilerFlag)

# Everything a program of this project may use.
add_library(kdm_everything INTERFACE)
target_link_libraries(kdm_everything INTERFACE kdm)
foreach(component IN LISTS KDM_COMPONENTS)
  target_link_libraries(kdm_everything INTERFACE kdm_${component})
endforeach()

add_library(kdm_warnings INTERFACE)
target_compile_options(kdm_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow
  $<$<CXX_COMPILER_ID:Clang,AppleClang>:-Wno-sign-conversion>
  $<$<BOOL:${KDM_WARNINGS_AS_ERRORS}>:-Werror>)

# For programs whose speed matters. All translation units of a program must get the same -march: Eigen's inline
# functions differ with it and the linker keeps one of each. So it is a target to link, and is never exported.
add_library(kdm_optimize INTERFACE)
add_library(kdm::optimize ALIAS kdm_optimize)
if(KDM_NATIVE)
  target_compile_options(kdm_optimize INTERFACE -O3 -fno-math-errno -fno-trapping-math)
  check_cxx_compiler_flag(-march=native KDM_KNOWS_MARCH_NATIVE)
  if(KDM_KNOWS_MARCH_NATIVE)
    target_compile_options(kdm_optimize INTERFACE -march=native)
  endif()
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # g++ 12 warns inside its own AVX-512 headers when Eigen uses them.
    target_compile_options(kdm_optimize INTERFACE -Wno-maybe-uninitialized -Wno-uninitialized)
  endif()
endif()
