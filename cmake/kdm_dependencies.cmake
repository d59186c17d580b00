# Third parties: what is installed first, a download second, otherwise the parts that need it are left out.

include(FetchContent)

# kdm_dependency(<name> TARGET <target> GIT <repository> TAG <tag> FOR <purpose> [PACKAGE <find_package arguments>...])
# sets KDM_HAVE_<name>, and KDM_FETCHED_<name> when it was downloaded.
macro(kdm_dependency name)
  cmake_parse_arguments(KDM_DEP "" "TARGET;GIT;TAG;FOR" "PACKAGE" ${ARGN})
  set(KDM_FETCHED_${name} OFF)
  if(NOT TARGET ${KDM_DEP_TARGET})
    find_package(${name} QUIET ${KDM_DEP_PACKAGE})
  endif()
  if(NOT TARGET ${KDM_DEP_TARGET} AND KDM_FETCH AND NOT "${KDM_DEP_GIT}" STREQUAL "")
    message(STATUS "kdm: ${name} is not installed, downloading ${KDM_DEP_GIT} ${KDM_DEP_TAG}")
    FetchContent_Declare(${name} GIT_REPOSITORY ${KDM_DEP_GIT} GIT_TAG ${KDM_DEP_TAG} GIT_SHALLOW ON SYSTEM)
    FetchContent_MakeAvailable(${name})
    set(KDM_FETCHED_${name} ON)
  endif()
  if(TARGET ${KDM_DEP_TARGET})
    set(KDM_HAVE_${name} ON)
  else()
    set(KDM_HAVE_${name} OFF)
    message(STATUS "kdm: ${name} was not found: without ${KDM_DEP_FOR}")
  endif()
endmacro()

# What the downloaded projects must not do inside this build.
if(KDM_FETCH)
  set(EIGEN_BUILD_DOC OFF)
  set(EIGEN_BUILD_TESTING OFF)
  set(JSON_BuildTests OFF)
  set(JSON_Install OFF)
  set(DOCTEST_WITH_TESTS OFF)
  set(DOCTEST_NO_INSTALL ON)
  set(CLI11_BUILD_TESTS OFF)
  set(CLI11_BUILD_EXAMPLES OFF)
  set(BENCHMARK_ENABLE_TESTING OFF)
endif()

kdm_dependency(Eigen3 PACKAGE 3.4 CONFIG TARGET Eigen3::Eigen FOR "kdm::eigen"
  GIT https://gitlab.com/libeigen/eigen.git TAG 3.4.0)
kdm_dependency(nlohmann_json PACKAGE 3.10 CONFIG TARGET nlohmann_json::nlohmann_json FOR "kdm::io and kdm::report"
  GIT https://github.com/nlohmann/json.git TAG v3.11.2)
kdm_dependency(OpenMP PACKAGE COMPONENTS CXX TARGET OpenMP::OpenMP_CXX FOR "kdm::openmp")
# Not downloaded: a BLAS and oneTBB are compiled libraries, which packages bring.
kdm_dependency(TBB PACKAGE CONFIG TARGET TBB::tbb FOR "kdm::onetbb")
kdm_dependency(xtensor PACKAGE CONFIG TARGET xtensor FOR "kdm::xtensor")
kdm_dependency(xtensor-blas PACKAGE CONFIG TARGET xtensor-blas FOR "kdm::xtensor")
if(KDM_EXAMPLES)
  kdm_dependency(Boost PACKAGE 1.74 TARGET Boost::headers FOR "the example with Boost.odeint")
endif()
if(KDM_COMMAND OR KDM_EXAMPLES)
  kdm_dependency(CLI11 PACKAGE CONFIG TARGET CLI11::CLI11 FOR "the kdm command"
    GIT https://github.com/CLIUtils/CLI11.git TAG v2.3.2)
endif()
if(KDM_TESTS)
  kdm_dependency(doctest PACKAGE CONFIG TARGET doctest::doctest FOR "the tests"
    GIT https://github.com/doctest/doctest.git TAG v2.4.9)
endif()
if(KDM_BENCHMARKS)
  kdm_dependency(benchmark PACKAGE CONFIG TARGET benchmark::benchmark_main FOR "the benchmarks"
    GIT https://github.com/google/benchmark.git TAG v1.7.1)
endif()
