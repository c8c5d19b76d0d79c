#pragma once

#include <cstdint>
#include <string_view>

#include "mattecore/base/image_view.h"

namespace mattecore::kernels {

/// Pillow's resampling filters, by its names.
enum class Filter { nearest, box, bilinear, hamming, bicubic, lanczos };

/// "nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"; anything else is std::invalid_argument.
Filter filter_from_name(std::string_view name);

/// Resizes an 8-bit image of 1 (L), 3 (RGB) or 4 (RGBA) channels with the very bytes of Pillow 12.3's Image.resize:
/// horizontal pass first, then vertical, 8 bits between them; weights in 22-bit fixed point, rounded half up; filters
/// widened when shrinking (antialiased), except nearest. RGBA is premultiplied before and divided after. Equal sizes
/// copy. Memory beyond the two views: 16 MiB for all threads, a few rows of the input a thread, and the weights: some
/// 64 bytes for each pixel of 16 output pixels' reach, which for sides up to 100,000 pixels is below 32 MiB.
void resize(ImageView<const uint8_t> in, Filter filter, ImageView<uint8_t> out);

}  // namespace mattecore::kernels
