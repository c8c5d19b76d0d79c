#pragma once

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <string>

#include "mattecore/network/operators/product.h"

namespace mattecore::network {

/// What a user asks for.
///   exact  float32: the originals' numbers
///   bf16, fp16  as they say; sums, normalisations and the result stay float32
///   auto   the fastest that keeps a network within a mean of 1/255 of exact, and 4/255 on 99 % of the pixels
enum class Precision { automatic, exact, bf16, fp16 };

/// The precision of this name; "" is that of the environment variable MATTECORE_PRECISION, and auto where it is not
/// set. Throws std::invalid_argument for other names, and for fp16 on a CPU.
Precision precision(std::string name, c10::Device device);

/// What a network computes in: the type of its maps, and on a CPU the arithmetic of its products.
struct Computation {
  at::ScalarType dtype;
  Arithmetic arithmetic;
};

/// auto is bf16 on a CPU that multiplies it natively, or split where bf16 is too coarse for the network and the
/// processor has a matrix unit; fp16 on CUDA; else float32.
Computation computation(Precision precision, c10::Device device, bool bf16_suffices);

}  // namespace mattecore::network
