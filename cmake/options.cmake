# mattecore_options: the language, warnings and sanitizers that every target of ours shares.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

add_library(mattecore_options INTERFACE)
target_include_directories(mattecore_options INTERFACE ${CMAKE_SOURCE_DIR}/cpp)
target_compile_options(
  mattecore_options
  INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wpedantic -Wshadow=local>
            $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<BOOL:${MATTECORE_WERROR}>>:-Werror>)
if(MATTECORE_SANITIZE)
  target_compile_options(mattecore_options INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=all
                                                     -fno-omit-frame-pointer -g1)
  target_link_options(mattecore_options INTERFACE -fsanitize=address,undefined)
endif()

# What loops are compiled for. GCC 12 takes its own intrinsics' undefined operands for mistakes.
add_library(mattecore_processor_options INTERFACE)
target_compile_options(mattecore_processor_options INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-O3 -march=${MATTECORE_ARCH}
                                                             -fno-math-errno -fno-trapping-math
                                                             -Wno-maybe-uninitialized -Wno-uninitialized>)

# The kernels. -ffp-contract=off: a fused multiply-add rounds once where the originals round twice, and would give other
# bits on another processor.
add_library(mattecore_kernel_options INTERFACE)
target_link_libraries(mattecore_kernel_options INTERFACE mattecore_processor_options)
target_compile_options(mattecore_kernel_options INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-ffp-contract=off>)

# Asks the compiler which instruction sets -march=MATTECORE_ARCH stands for; base/cpu_features.cpp, which is itself
# compiled for the baseline, compares them with the processor at hand.
execute_process(
  COMMAND ${CMAKE_CXX_COMPILER} -march=${MATTECORE_ARCH} -dM -E -x c++ /dev/null
  OUTPUT_VARIABLE predefined
  RESULT_VARIABLE failed
  ERROR_VARIABLE complaint)
if(failed)
  message(FATAL_ERROR "MATTECORE_ARCH=${MATTECORE_ARCH} is no architecture that ${CMAKE_CXX_COMPILER} knows: ${complaint}")
endif()
set(MATTECORE_FEATURE_DEFINITIONS)
foreach(feature IN ITEMS AVX2 FMA AVX512F AVX512BW AVX512VBMI AVX512VNNI)
  if(predefined MATCHES "#define __${feature}__ 1")
    list(APPEND MATTECORE_FEATURE_DEFINITIONS MATTECORE_HAS_${feature}=true)
  else()
    list(APPEND MATTECORE_FEATURE_DEFINITIONS MATTECORE_HAS_${feature}=false)
  endif()
endforeach()
