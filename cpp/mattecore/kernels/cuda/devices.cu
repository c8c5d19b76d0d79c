#include <cuda_runtime.h>

#include "mattecore/kernels/cuda/devices.h"

namespace mattecore::kernels::cuda {

std::vector<std::string> devices() {
  int count = 0;
  if (cudaGetDeviceCount(&count) != cudaSuccess) {
    cudaGetLastError();  // a machine without a GPU is no error that a later launch should report
    return {};
  }
  std::vector<std::string> names;
  for (int i = 0; i < count; ++i) {
    cudaDeviceProp properties;
    if (cudaGetDeviceProperties(&properties, i) == cudaSuccess) names.emplace_back(properties.name);
  }
  return names;
}

}  // namespace mattecore::kernels::cuda
