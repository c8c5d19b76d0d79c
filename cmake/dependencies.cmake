# Finds what the switches ask for, and says in one sentence each what was found or why not.

find_package(Threads REQUIRED)

if(MATTECORE_BUILD_PYTHON)
  include(torch)
  set(python_component Development.Module)
endif()

include(cuda)

set(MATTECORE_OPENCV_VERSION "")
if(NOT MATTECORE_OPENCV STREQUAL "OFF")
  find_package(OpenCVLite QUIET)
  if(OpenCVLite_FOUND)
    set(MATTECORE_OPENCV_VERSION ${OpenCVLite_VERSION})
    message(STATUS "mattecore: OpenCV ${OpenCVLite_VERSION}")
  else()
    message(STATUS "mattecore: without OpenCV (core, imgproc and imgcodecs were not all found); the five nodes do not need it")
  endif()
endif()

if(MATTECORE_BUILD_TESTS)
  find_package(GTest REQUIRED)
  find_package(Eigen3 3.4 REQUIRED NO_MODULE)  # dense reference solutions
endif()
if(MATTECORE_BUILD_BENCHMARKS)
  find_package(benchmark REQUIRED)
endif()
