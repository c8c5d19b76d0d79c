#pragma once

#include <cstdint>

#include "mattecore/base/image_view.h"

namespace mattecore::kernels {

/// Smallest and largest value of a mask that holds at least one; NaN anywhere gives NaN for both.
struct Extent {
  float smallest;
  float largest;
};
Extent extent(ImageView<const float> mask);

/// Stretches the mask to 0..1: (v - smallest) / (largest - smallest) in float, as RMBG's postprocessing does. A mask
/// of one value, for which the originals divide 0 by 0 and end with 0 after their 8-bit cast, gives 0.
void normalize_min_max(ImageView<const float> mask, Extent extent, ImageView<float> out);

/// Maps black..white to 0..1 and clips: LayerStyle's histogram_remap, where black is held at least 0.001 below
/// white. NaN stays NaN.
void histogram_remap(ImageView<const float> mask, double black_point, double white_point, ImageView<float> out);

/// Multiplies an 8-bit mask by factor >= 0, cut towards zero and clipped to 255 (Pillow's ImageEnhance.Brightness).
void brighten(ImageView<const uint8_t> mask, double factor, ImageView<uint8_t> out);

}  // namespace mattecore::kernels
