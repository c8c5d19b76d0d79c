#pragma once

#include <ATen/core/Tensor.h>

namespace mattecore::composite {

/// Joins pictures and masks of their size into float32 RGBA 0..1 [B,H,W,4] (or [H,W,4] for one picture [H,W,C]) with
/// straight colours; all values pass through 8 bits. Each of the two is 0..1 in float32, float64, float16 or bfloat16,
/// or uint8; CPU or CUDA, both on the same device.
at::Tensor assemble_rgba(const at::Tensor& image, const at::Tensor& mask);

/// Pastes 8-bit pictures through 8-bit masks onto transparent black, as `easy imageRemBg` does: uint8 RGBA whose
/// colours are premultiplied with rounding.
at::Tensor paste_on_transparent(const at::Tensor& image, const at::Tensor& mask);

/// Float32 masks [B,H,W] or [H,W] as opaque 8-bit RGBA pictures with R = G = B = mask. (LayerStyle's mask2image returns
/// the last of a batch alone; this one returns all.)
at::Tensor mask_to_image(const at::Tensor& mask);

}  // namespace mattecore::composite
