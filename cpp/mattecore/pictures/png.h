#pragma once

#include <ATen/core/Tensor.h>

namespace mattecore::pictures {

/// Returns the IDAT chunks of a PNG file, one behind the other as uint8 [N]: an 8-bit image [H,W,C] with 1, 3 or 4
/// channels, filtered and deflated at a level from 0 (stored) to 9 (smallest). Bands of rows are compressed by
/// themselves, each its own chunk, on every thread; the same bytes for any number of threads. Beside the result takes
/// memory for the bands, which are as long together, and under 1 MiB a thread.
at::Tensor png_data(const at::Tensor& image, int64_t level);

}  // namespace mattecore::pictures
