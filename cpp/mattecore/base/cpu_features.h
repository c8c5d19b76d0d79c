#pragma once

#include <string>
#include <vector>

namespace mattecore {

/// The instruction sets the kernels were compiled to use, e.g. {"avx2", "avx512f", "avx512vnni"}; empty: the
/// architecture's baseline.
std::vector<std::string> cpu_features();

/// Those of them that the processor at hand lacks; the kernels may only be called where this is empty. Itself runs
/// on every processor.
std::vector<std::string> missing_cpu_features();

}  // namespace mattecore
