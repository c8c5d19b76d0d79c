#pragma once

#include <cstdint>

#include "mattecore/base/image_view.h"

namespace mattecore::kernels {

/// PNG's five ways to predict a byte from its neighbours (ISO/IEC 15948, clause 9), by the numbers files have:
///
///     corner above      none 0, left, above, (left + above) / 2, or of the three neighbours
///     left   [byte]     the one nearest to left + above - corner (Paeth)
///
/// A neighbour is the same channel of the next pixel; outside of the picture it is 0. What is stored is byte -
/// prediction.
enum class PngFilter : uint8_t { none, sub, up, average, paeth };

/// Filters a row of `bytes` = width * channels. `above`: the row before it, zeros for the first. `out` overlaps
/// neither.
void png_filter_row(PngFilter filter, const uint8_t* row, const uint8_t* above, int64_t bytes, int64_t channels,
                    uint8_t* out);

/// Writes rows begin <= y < end as PNG compresses them, each its filter's number and its filtered bytes, by the filter
/// whose bytes, read as -128..127, have the smallest sum of magnitudes (the first such). Rows must be packed; `out` has
/// (end - begin) * (1 + width * channels) bytes. On the calling thread.
void png_filter(ImageView<const uint8_t> image, int64_t begin, int64_t end, uint8_t* out);

}  // namespace mattecore::kernels
