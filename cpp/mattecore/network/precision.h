#pragma once

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <string>

namespace mattecore::network {

/// What a network computes in, by the name of a precision:
///   exact  float32, the originals' numbers
///   bf16, fp16  as they say; sums, normalisations and the result stay float32
///   auto   bf16 on a CPU that multiplies it natively, fp16 on CUDA, else float32
///   ""     the environment variable MATTECORE_PRECISION, auto where it is not set
/// Throws std::invalid_argument for other names, and for fp16 on a CPU.
at::ScalarType precision(std::string name, c10::Device device);

}  // namespace mattecore::network
