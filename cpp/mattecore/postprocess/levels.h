#pragma once

#include <ATen/core/Tensor.h>

namespace mattecore::postprocess {

/// Stretches each mask of a float32 batch [B,H,W] or [H,W] to 0..1 by its own smallest and largest value, as RMBG's
/// postprocessing does; a mask of one value becomes 0. A mask with NaN or an infinity is std::invalid_argument.
at::Tensor normalize_min_max(const at::Tensor& mask);

/// Maps black_point..white_point of a float32 mask to 0..1 and clips (LayerStyle's histogram_remap): black is held at
/// least 0.001 below white, so crossed points give an almost hard threshold. NaN stays NaN.
at::Tensor histogram_remap(const at::Tensor& mask, double black_point, double white_point);

/// Multiplies an 8-bit mask by factor >= 0, cut towards zero and clipped (Pillow's brightness; BiRefNetUltra
/// uses 1.01).
at::Tensor brighten(const at::Tensor& mask, double factor);

/// The first channel of an 8-bit picture [B,H,W,C] or [H,W,C] as a float32 mask 0..1 (LayerStyle's image2mask).
at::Tensor image_to_mask(const at::Tensor& image);

}  // namespace mattecore::postprocess
