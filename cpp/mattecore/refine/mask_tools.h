#pragma once

#include <ATen/core/Tensor.h>

#include <string_view>

namespace mattecore::refine {

// What people do to masks by hand, on float32 masks [B,H,W] or [H,W], each of a batch by itself (kernels/mask_tools.h).

/// Largest (grow) or smallest (shrink) value within radius_px >= 0; `shape` is "box" or "ellipse".
at::Tensor grow(const at::Tensor& mask, int64_t radius_px, std::string_view shape);
at::Tensor shrink(const at::Tensor& mask, int64_t radius_px, std::string_view shape);

/// Gaussian blur with the standard deviation sigma_px > 0.
at::Tensor feather(const at::Tensor& mask, double sigma_px);

/// Raises what is darker than all around it to the darkest place it would spill over.
at::Tensor fill_holes(const at::Tensor& mask);

/// Keeps the 8-connected component above `threshold` that has the most pixels, and sets the rest to 0.
at::Tensor keep_largest_component(const at::Tensor& mask, double threshold);

}  // namespace mattecore::refine
