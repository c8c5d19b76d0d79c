#pragma once

#include <ATen/core/Tensor.h>

namespace mattecore::refine {

/// Blurs masks [B,H,W] or [H,W], float32 or float64, as cv2.GaussianBlur(mask, (size, size), 0) does
/// (kernels/gaussian_blur.h); `size` is odd.
at::Tensor gaussian_blur(const at::Tensor& mask, int64_t size);

}  // namespace mattecore::refine
