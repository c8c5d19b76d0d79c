#pragma once

#include <ATen/core/Tensor.h>

namespace mattecore::preprocess {

/// 0..1 to 0..255 as the originals' tensor2pil does it: 255 * v in the tensor's own precision, clipped, cut towards
/// zero; NaN gives 0. float32, float64, float16 or bfloat16; [B,H,W,C], [H,W,C], [B,H,W] or [H,W], any strides; CPU or
/// CUDA. Returns uint8 of the same shape, packed, on the same device.
at::Tensor to_u8(const at::Tensor& image);

/// 0..255 (uint8) to 0..1 (float32), v / 255, for the same shapes and devices: pil2tensor.
at::Tensor from_u8(const at::Tensor& image);

}  // namespace mattecore::preprocess
