# Finds OpenCV's core, imgproc and imgcodecs alone, as Debian's libopencv-{core,imgproc,imgcodecs}-dev install them:
# the OpenCVConfig.cmake of find_package(OpenCV) comes only with the full libopencv-dev.
# Gives OpenCVLite_FOUND, OpenCVLite_VERSION and the target OpenCV::lite.
find_path(OpenCVLite_INCLUDE_DIR opencv2/core/version.hpp PATH_SUFFIXES opencv4 opencv5)
foreach(module IN ITEMS core imgproc imgcodecs)
  find_library(OpenCVLite_${module}_LIBRARY opencv_${module})
  find_path(OpenCVLite_${module}_HEADER opencv2/${module}.hpp PATH_SUFFIXES opencv4 opencv5)
  list(APPEND libraries OpenCVLite_${module}_LIBRARY OpenCVLite_${module}_HEADER)
endforeach()

if(OpenCVLite_INCLUDE_DIR)
  file(STRINGS ${OpenCVLite_INCLUDE_DIR}/opencv2/core/version.hpp lines REGEX "#define CV_VERSION_(MAJOR|MINOR|REVISION) ")
  string(REGEX REPLACE "[^0-9]+([0-9]+)" "\\1." OpenCVLite_VERSION "${lines}")
  string(REGEX MATCH "^[0-9]+\\.[0-9]+\\.[0-9]+" OpenCVLite_VERSION "${OpenCVLite_VERSION}")
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(
  OpenCVLite
  REQUIRED_VARS OpenCVLite_INCLUDE_DIR ${libraries}
  VERSION_VAR OpenCVLite_VERSION)

if(OpenCVLite_FOUND AND NOT TARGET OpenCV::lite)
  add_library(OpenCV::lite INTERFACE IMPORTED)
  target_include_directories(OpenCV::lite SYSTEM INTERFACE ${OpenCVLite_INCLUDE_DIR})
  target_link_libraries(OpenCV::lite INTERFACE ${OpenCVLite_imgcodecs_LIBRARY} ${OpenCVLite_imgproc_LIBRARY}
                                               ${OpenCVLite_core_LIBRARY})
endif()
