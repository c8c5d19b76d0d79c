# Finds LibTorch inside the torch package of the Python interpreter, by its include and lib folders rather than by
# find_package(Torch): torch's own package file asks for the CUDA toolkit that torch was built with, and we need none.
# Gives the targets torch::core (C++ alone) and torch::python (for the bindings), MATTECORE_TORCH_VERSION and
# MATTECORE_TORCH_CUDA ("" for a build without CUDA).
find_package(Python 3.10 REQUIRED COMPONENTS Interpreter Development.Module)

# In pip's isolated build environment the interpreter does not see its own site-packages; the torch to build against
# is there all the same, or where install.py says.
execute_process(
  COMMAND
    ${Python_EXECUTABLE} -c
    "import importlib.util as u, os, sysconfig, sys
sys.path += [sysconfig.get_path('purelib'), sysconfig.get_path('platlib')]
spec = u.find_spec('torch')
root = os.environ.get('MATTECORE_TORCH_ROOT') or (spec and spec.origin and os.path.dirname(spec.origin))
root or sys.exit('there is no torch in ' + sys.prefix)
facts = {}
exec(open(os.path.join(root, 'version.py')).read(), facts)
print(root, facts['__version__'], facts.get('cuda') or '', sep=';', end='')"
  OUTPUT_VARIABLE torch_facts
  ERROR_VARIABLE complaint
  RESULT_VARIABLE failed)
if(failed)
  message(FATAL_ERROR "mattecore is built against the torch of ${Python_EXECUTABLE}, and none was found (${complaint}); "
                      "install torch there first")
endif()
list(GET torch_facts 0 torch_root)
list(GET torch_facts 1 MATTECORE_TORCH_VERSION)
list(LENGTH torch_facts torch_fact_count)
set(MATTECORE_TORCH_CUDA "")
if(torch_fact_count GREATER 2)
  list(GET torch_facts 2 MATTECORE_TORCH_CUDA)
endif()
if(MATTECORE_TORCH_VERSION VERSION_LESS 2.7)
  message(FATAL_ERROR "mattecore needs torch 2.7 or newer; found ${MATTECORE_TORCH_VERSION} in ${torch_root}")
endif()
message(STATUS "mattecore: torch ${MATTECORE_TORCH_VERSION} in ${torch_root}")

# torch's thread pool is its OpenMP; a second libgomp in the process would be a second pool, so its own copy is
# linked where the package carries one.
file(GLOB torch_openmp ${torch_root}/lib/libgomp*.so* ${torch_root}.libs/libgomp*.so*)
if(torch_openmp)
  list(GET torch_openmp 0 torch_openmp)
else()
  find_package(OpenMP REQUIRED COMPONENTS CXX)
  set(torch_openmp OpenMP::OpenMP_CXX)
endif()

add_library(torch::core INTERFACE IMPORTED)
target_include_directories(torch::core SYSTEM INTERFACE ${torch_root}/include ${torch_root}/include/torch/csrc/api/include)
target_link_libraries(torch::core INTERFACE ${torch_root}/lib/libtorch.so ${torch_root}/lib/libtorch_cpu.so
                                            ${torch_root}/lib/libc10.so ${torch_openmp})
target_compile_options(torch::core INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-fopenmp>)

add_library(torch::python INTERFACE IMPORTED)
target_link_libraries(torch::python INTERFACE torch::core ${torch_root}/lib/libtorch_python.so Python::Module)
