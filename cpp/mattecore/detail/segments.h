#pragma once

#include <ATen/core/Tensor.h>

#include <string_view>
#include <vector>

#include "mattecore/kernels/segments.h"

namespace mattecore::detail {

/// The segments of each of the masks [B,H,W] or [H,W], float32 0..1 (kernels/segments.h).
std::vector<std::vector<kernels::Segment>> find_segments(const at::Tensor& mask, double crop_factor, int64_t drop_size);

/// The mask [h,w] of the segment's crop of one mask [H,W]; `fill` is "contour", "soft" or "box".
at::Tensor segment_mask(const at::Tensor& mask, const kernels::Segment& segment, std::string_view fill);

}  // namespace mattecore::detail
