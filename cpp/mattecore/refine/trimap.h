#pragma once

#include <ATen/core/Tensor.h>

namespace mattecore::refine {

/// The trimap the original nodes give to VITMatte (kernels/trimap.h): uint8 0, 127 or 255 from masks [B,H,W] or [H,W],
/// float32 (foreground is >= 1.0 alone) or uint8 (255 alone); the box sizes are >= 1.
at::Tensor trimap_from_mask(const at::Tensor& mask, int64_t erode_size, int64_t dilate_size);

/// Above white_point 1, below black_point 0, else 0.5, as float32; masks in float32 or float64.
at::Tensor fix_trimap(const at::Tensor& mask, double black_point, double white_point);

/// A trimap 0, 0.5 or 1 (float32) from soft float32 masks, with an unknown band grow_px wide on either side of the
/// edge.
at::Tensor trimap_from_alpha(const at::Tensor& alpha, double foreground_threshold, double background_threshold,
                             int64_t grow_px);

}  // namespace mattecore::refine
