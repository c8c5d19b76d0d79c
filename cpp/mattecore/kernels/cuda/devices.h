#pragma once

#include <string>
#include <vector>

namespace mattecore::kernels::cuda {

/// The names of the GPUs that the CUDA kernels can use now; empty without a GPU, a driver or CUDA in the build.
std::vector<std::string> devices();

}  // namespace mattecore::kernels::cuda
