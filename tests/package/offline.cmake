# The library alone, where Eigen and nlohmann-json are not installed and no network is reachable: it configures, builds and
# installs without their components, by default and when told to download.
#   SOURCE, WORK (a folder), GENERATOR, OPTIONS (a list of -D arguments)

cmake_minimum_required(VERSION 3.25)

# Every protocol of git ends at a port that nobody listens on.
set(ENV{https_proxy} "http://127.0.0.1:9")
set(ENV{HTTPS_PROXY} "http://127.0.0.1:9")
set(ENV{ALL_PROXY} "http://127.0.0.1:9")
set(ENV{GIT_ALLOW_PROTOCOL} "https")

# install(<folder> <expression the output must match> <expression it must not> <cache entries>...)
function(install folder expected forbidden)
  file(REMOVE_RECURSE "${WORK}/${folder}" "${WORK}/${folder}-prefix")
  execute_process(COMMAND "${CMAKE_COMMAND}" -S "${SOURCE}" -B "${WORK}/${folder}" -G "${GENERATOR}"
    -DKDM_TESTS=OFF -DKDM_EXAMPLES=OFF -DKDM_COMMAND=OFF -DKDM_CUDA=OFF
    -DCMAKE_DISABLE_FIND_PACKAGE_Eigen3=ON -DCMAKE_DISABLE_FIND_PACKAGE_nlohmann_json=ON ${OPTIONS} ${ARGN}
    RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "the library does not configure offline (${ARGN}):\n${output}")
  endif()
  if(NOT output MATCHES "${expected}" OR (forbidden AND output MATCHES "${forbidden}"))
    message(FATAL_ERROR "expected '${expected}' and not '${forbidden}' in:\n${output}")
  endif()
  execute_process(COMMAND "${CMAKE_COMMAND}" --build "${WORK}/${folder}" OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND "${CMAKE_COMMAND}" --install "${WORK}/${folder}" --prefix "${WORK}/${folder}-prefix"
    OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
  if(NOT EXISTS "${WORK}/${folder}-prefix/include/kdm/kdm.hpp")
    message(FATAL_ERROR "no header was installed under ${WORK}/${folder}-prefix")
  endif()
endfunction()

install(plain "Eigen3 was not found: without kdm::eigen" "download|reached")
install(fetching "Eigen3 is not installed and [^\n]* cannot be reached.*Eigen3 was not found: without kdm::eigen" ""
  -DKDM_FETCH=ON)
