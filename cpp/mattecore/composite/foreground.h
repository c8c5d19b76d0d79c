#pragma once

#include <ATen/core/Tensor.h>

namespace mattecore::composite {

// Foreground colours, so that a cut-out laid over another background shows no fringe of the old one
// (kernels/foreground.h). `image` is float32 [B,H,W,3|4] or [H,W,C] 0..1 (an alpha channel does not count), `alpha`
// float32 of its size; float32 RGB of that size comes back.

/// Multi-level estimation (Germer et al. 2020), with pymatting's constants.
at::Tensor multilevel_foreground(const at::Tensor& image, const at::Tensor& alpha);

/// Blur fusion (Forte 2021), with the boxes of the paper: faster and smoother.
at::Tensor blur_fusion_foreground(const at::Tensor& image, const at::Tensor& alpha);

}  // namespace mattecore::composite
