#pragma once

#include <ATen/core/Tensor.h>

namespace mattecore::detail {

/// (1 - mask) * image + mask * patch of float32 pictures [B,H,W,C] or [H,W,C] and masks of their size
/// (kernels/paste.h).
at::Tensor blend(const at::Tensor& image, const at::Tensor& patch, const at::Tensor& mask);

/// Float32 pictures with masks of their size as alpha: [B,H,W,4], or [H,W,4] for one picture, the values untouched.
at::Tensor join_alpha(const at::Tensor& image, const at::Tensor& mask);

}  // namespace mattecore::detail
