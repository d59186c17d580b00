# The library: one INTERFACE target per component, and which header belongs to which.

file(GLOB_RECURSE KDM_HEADERS CONFIGURE_DEPENDS RELATIVE "${PROJECT_SOURCE_DIR}/include"
  "${PROJECT_SOURCE_DIR}/include/kdm/*.hpp")

# Headers that need more than the standard library; every other header belongs to kdm::kdm.
set(KDM_HEADERS_eigen ${KDM_HEADERS})
list(FILTER KDM_HEADERS_eigen INCLUDE REGEX "^kdm/(fit/|backend/eigen)")
set(KDM_HEADERS_openmp ${KDM_HEADERS})
list(FILTER KDM_HEADERS_openmp INCLUDE REGEX "^kdm/exec/openmp")
set(KDM_HEADERS_onetbb ${KDM_HEADERS})
list(FILTER KDM_HEADERS_onetbb INCLUDE REGEX "^kdm/exec/onetbb")
set(KDM_HEADERS_xtensor ${KDM_HEADERS})
list(FILTER KDM_HEADERS_xtensor INCLUDE REGEX "^kdm/backend/xtensor")
set(KDM_HEADERS_testing ${KDM_HEADERS})
list(FILTER KDM_HEADERS_testing INCLUDE REGEX "^kdm/testing/")
set(KDM_HEADERS_io ${KDM_HEADERS})
list(FILTER KDM_HEADERS_io INCLUDE REGEX "^kdm/(io/|train/checkpoint)")
set(KDM_HEADERS_report ${KDM_HEADERS})
list(FILTER KDM_HEADERS_report INCLUDE REGEX "^kdm/report/")
set(KDM_HEADERS_kdm ${KDM_HEADERS})
list(REMOVE_ITEM KDM_HEADERS_kdm
  ${KDM_HEADERS_eigen} ${KDM_HEADERS_openmp} ${KDM_HEADERS_onetbb} ${KDM_HEADERS_xtensor} ${KDM_HEADERS_testing}
  ${KDM_HEADERS_io} ${KDM_HEADERS_report})

set(KDM_COMPONENTS "")

# kdm_component(<name> [targets to link...])
function(kdm_component name)
  set(target kdm_${name})
  if(name STREQUAL "kdm")
    set(target kdm)
  else()
    list(APPEND KDM_COMPONENTS ${name})
    set(KDM_COMPONENTS ${KDM_COMPONENTS} PARENT_SCOPE)
  endif()
  list(TRANSFORM KDM_HEADERS_${name} PREPEND "${PROJECT_SOURCE_DIR}/include/" OUTPUT_VARIABLE files)
  add_library(${target} INTERFACE)
  add_library(kdm::${name} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name} VERIFY_INTERFACE_HEADER_SETS ${PROJECT_IS_TOP_LEVEL})
  target_sources(${target} INTERFACE FILE_SET HEADERS BASE_DIRS "${PROJECT_SOURCE_DIR}/include" FILES ${files})
  target_link_libraries(${target} INTERFACE ${ARGN})
endfunction()

kdm_component(kdm)
target_compile_features(kdm INTERFACE cxx_std_20)

if(KDM_HAVE_Eigen3)
  kdm_component(eigen kdm Eigen3::Eigen)
  # Threads belong to the executors; Eigen's own would nest inside them.
  target_compile_definitions(kdm_eigen INTERFACE EIGEN_DONT_PARALLELIZE EIGEN_STACK_ALLOCATION_LIMIT=1048576)
endif()
if(KDM_HAVE_OpenMP)
  kdm_component(openmp kdm OpenMP::OpenMP_CXX)
endif()
if(KDM_HAVE_TBB)
  kdm_component(onetbb kdm TBB::tbb)
endif()
if(KDM_HAVE_xtensor AND KDM_HAVE_xtensor-blas)
  kdm_component(xtensor kdm xtensor xtensor-blas)
endif()
kdm_component(testing kdm)
if(KDM_HAVE_CUDA)
  # Device headers (.cuh) are compiled by nvcc alone: they are in no header set. The CUDA runtime itself comes with the
  # language, static or shared as the target's CUDA_RUNTIME_LIBRARY says.
  kdm_component(cuda kdm CUDA::cublas CUDA::cublasLt)
  # As an option, because CMake before 3.25.2 does not know cuda_std_20.
  target_compile_options(kdm_cuda INTERFACE $<$<COMPILE_LANGUAGE:CUDA>:-std=c++20>)
endif()
if(KDM_HAVE_nlohmann_json)
  kdm_component(io kdm nlohmann_json::nlohmann_json)
  kdm_component(report kdm_io)
endif()
