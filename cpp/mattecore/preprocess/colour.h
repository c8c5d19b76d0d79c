#pragma once

#include <ATen/core/Tensor.h>

namespace mattecore::preprocess {

/// RGB from an 8-bit picture [B,H,W,C] or [H,W,C]: grey is repeated, alpha dropped without blending, as Pillow's
/// convert('RGB') does.
at::Tensor to_rgb(const at::Tensor& image);

/// Grey [B,H,W] or [H,W] from an 8-bit picture: (19595 R + 38470 G + 7471 B + 32768) >> 16, alpha ignored, as Pillow's
/// convert('L') does.
at::Tensor luma(const at::Tensor& image);

}  // namespace mattecore::preprocess
