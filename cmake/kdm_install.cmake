# cmake --install: the headers, and a package for find_package(kdm COMPONENTS ...).

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# A component whose third party was downloaded by this build cannot be found by others: it stays uninstalled.
set(fetched_eigen ${KDM_FETCHED_Eigen3})
set(fetched_io ${KDM_FETCHED_nlohmann_json})
set(fetched_report ${KDM_FETCHED_nlohmann_json})
set(installed kdm)
set(KDM_INSTALLED_COMPONENTS "")
foreach(component IN LISTS KDM_COMPONENTS)
  if(fetched_${component})
    message(STATUS "kdm: kdm::${component} is not installed, because its third party was downloaded")
  else()
    list(APPEND installed kdm_${component})
    list(APPEND KDM_INSTALLED_COMPONENTS ${component})
  endif()
endforeach()

set(package_folder "${CMAKE_INSTALL_LIBDIR}/cmake/kdm")
install(TARGETS ${installed} EXPORT kdm_targets
  FILE_SET HEADERS DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT kdm_development)
# Device headers are in no file set: the checks of the file sets compile C++ only.
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/kdm" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
  COMPONENT kdm_development FILES_MATCHING PATTERN "*.cuh")
install(EXPORT kdm_targets NAMESPACE kdm:: DESTINATION "${package_folder}" COMPONENT kdm_development)
configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/kdmConfig.cmake.in" "${PROJECT_BINARY_DIR}/kdmConfig.cmake"
  INSTALL_DESTINATION "${package_folder}" NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/kdmConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES "${PROJECT_BINARY_DIR}/kdmConfig.cmake" "${PROJECT_BINARY_DIR}/kdmConfigVersion.cmake"
  "${PROJECT_SOURCE_DIR}/cmake/kdm_cuda_standard.cmake"
  DESTINATION "${package_folder}" COMPONENT kdm_development)
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DOCDIR}" COMPONENT kdm_development)
install(DIRECTORY "${PROJECT_SOURCE_DIR}/examples" DESTINATION "${CMAKE_INSTALL_DOCDIR}" COMPONENT kdm_development
  FILES_MATCHING PATTERN "*.cpp" PATTERN "*.c" PATTERN "*.h" PATTERN "*.hpp" PATTERN kdm EXCLUDE)
