#pragma once

#include <ATen/core/Tensor.h>

#include <string_view>

namespace mattecore::preprocess {

/// Resizes 8-bit pictures with Pillow 12.3's very bytes (kernels/resize.h). `image` is uint8 [B,H,W,C] or [H,W,C],
/// C = 1, 3, 4, on the CPU; `filter` one of nearest, box, bilinear, hamming, bicubic, lanczos.
at::Tensor resize(const at::Tensor& image, int64_t height, int64_t width, std::string_view filter);

/// Resizes by plain bilinear interpolation, without antialiasing (kernels/interpolate.h): torch's F.interpolate.
/// `image` is float32 or uint8 (0..255), pictures [B,H,W,C] or masks [B,H,W]; float32 comes back.
at::Tensor interpolate(const at::Tensor& image, int64_t height, int64_t width, bool align_corners);

}  // namespace mattecore::preprocess
