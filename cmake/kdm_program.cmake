# How the project's own programs are compiled. Nothing here reaches a consumer of the library.

include(CheckCXXCompilerFlag)

# What a program of this project may use without a second thought. Not the components that load large libraries when
# a program starts: a BLAS with its threads, and CUDA.
add_library(kdm_everything INTERFACE)
target_link_libraries(kdm_everything INTERFACE kdm)
set(light_components ${KDM_COMPONENTS})
list(REMOVE_ITEM light_components xtensor cuda)
foreach(component IN LISTS light_components)
  target_link_libraries(kdm_everything INTERFACE kdm_${component})
endforeach()

add_library(kdm_warnings INTERFACE)
target_compile_options(kdm_warnings INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra;-Wpedantic;-Wconversion;-Wshadow>
  $<$<COMPILE_LANG_AND_ID:CXX,Clang,AppleClang>:-Wno-sign-conversion>
  $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<BOOL:${KDM_WARNINGS_AS_ERRORS}>>:-Werror>
  # Without -Wpedantic: every line that nvcc hands to the host compiler breaks it.
  $<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-Wall,-Wextra>
  $<$<AND:$<COMPILE_LANGUAGE:CUDA>,$<BOOL:${KDM_WARNINGS_AS_ERRORS}>>:-Werror=all-warnings>)

# For programs whose speed matters. All translation units of a program must get the same -march: Eigen's inline
# functions differ with it and the linker keeps one of each. So it is a target to link, and is never exported.
add_library(kdm_optimize INTERFACE)
add_library(kdm::optimize ALIAS kdm_optimize)
if(KDM_NATIVE)
  # A build for tests keeps its own level: at -O3 the compiler takes longer than all the programs run.
  set(optimize -fno-math-errno -fno-trapping-math)
  if(NOT CMAKE_BUILD_TYPE MATCHES "Debug|RelWithDebInfo")
    list(PREPEND optimize -O3)
  endif()
  check_cxx_compiler_flag(-march=native KDM_KNOWS_MARCH_NATIVE)
  if(KDM_KNOWS_MARCH_NATIVE)
    list(APPEND optimize -march=native)
  endif()
  # The host part of a .cu file shares inline functions with the .cpp files: the same flags for both.
  list(JOIN optimize "," optimize_cuda)
  target_compile_options(kdm_optimize INTERFACE
    "$<$<COMPILE_LANGUAGE:CXX>:${optimize}>" "$<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=${optimize_cuda}>")
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # g++ 12 warns inside its own AVX-512 headers when Eigen uses them.
    target_compile_options(kdm_optimize INTERFACE
      $<$<COMPILE_LANGUAGE:CXX>:-Wno-maybe-uninitialized;-Wno-uninitialized>)
  endif()
endif()
