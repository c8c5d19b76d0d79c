#pragma once

#include <ATen/core/Tensor.h>

namespace mattecore::tensor {

/// kernels::to_u8 on a checked [B,H,W,C] tensor of floats, on its own device: uint8, packed.
at::Tensor to_u8(const at::Tensor& images);

}  // namespace mattecore::tensor
