#pragma once

#include <cstdint>
#include <span>

#include "mattecore/base/image_view.h"

namespace mattecore::kernels {

/// Writes an 8-bit picture as a network takes it, (v / 255 - mean[c]) / std[c] in float; what of `out` lies right of
/// and below the picture becomes 0. `mean` and `std` have a value for each channel; `out` has as many channels, any
/// strides, and is nowhere smaller than the picture.
void normalize(ImageView<const uint8_t> in, std::span<const double> mean, std::span<const double> std,
               ImageView<float> out);

}  // namespace mattecore::kernels
