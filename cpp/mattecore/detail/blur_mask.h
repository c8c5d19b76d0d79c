#pragma once

#include <ATen/core/Tensor.h>

namespace mattecore::detail {

/// Softens masks [B,H,W] or [H,W], float32, with torchvision's GaussianBlur(2 * radius_px + 1, sigma=10), whatever the
/// radius; 0 copies. A mask with a side no longer than that kernel gets a kernel of half its shorter side, made odd,
/// and one with a side under 4 pixels none.
at::Tensor blur_mask(const at::Tensor& mask, int64_t radius_px);

}  // namespace mattecore::detail
