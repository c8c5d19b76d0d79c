#pragma once

#include <cstdint>

#include "mattecore/base/image_view.h"

namespace mattecore::kernels {

// Masks are soft, one channel, nominally 0..1; `out` has the size of `mask` and shares no memory with it. NaN, sizes
// that differ and values out of range throw std::invalid_argument.

enum class Shape { kBox, kEllipse };

/// Every pixel becomes the largest (grow) or smallest (shrink) value within radius_px >= 0 of it, in a square of side
/// 2 * radius_px + 1 or in the disc that OpenCV calls MORPH_ELLIPSE: |dx| <= round(sqrt(radius_px^2 - dy^2)). What lies
/// outside of the picture does not count. Time per pixel: see morphology.h for the box; for the disc two vector
/// operations per row of it. Peak memory: see morphology.h; for the disc 4 H W bytes, and per thread
/// 4 * log2(2 * radius_px + 2) * (W + 2 * radius_px).
void grow(ImageView<const float> mask, int64_t radius_px, Shape shape, ImageView<float> out);
void shrink(ImageView<const float> mask, int64_t radius_px, Shape shape, ImageView<float> out);

/// Softens the mask with a Gaussian of sigma_px >= 0 pixels, cut off at 4 sigma; beyond its borders the mask goes on
/// mirrored, the edge pixel not repeated: cv2.GaussianBlur(mask, (0, 0), sigma_px). 0 copies. Time grows with sigma_px;
/// peak memory per thread: 8 W + 36 * sigma_px bytes.
void feather(ImageView<const float> mask, double sigma_px, ImageView<float> out);

/// Raises what is darker than all that surrounds it to the darkest place it would spill over: a hole in a solid mask
/// becomes solid with its soft rim, a hole in a veil becomes the veil. Nothing is raised that reaches the picture's
/// border through pixels as dark as itself (4-connected); no threshold is needed. P. Soille, "Morphological Image
/// Analysis", fill holes; R. Barnes, "Priority-Flood", 2014. Peak memory: 12 bytes for each pixel that waits for its
/// turn, 12 H W at worst.
void fill_holes(ImageView<const float> mask, ImageView<float> out);

/// Keeps the values of the component (8-connected pixels with mask > threshold) with the most pixels, the first in
/// raster order where several have as many, and sets the rest to 0. Without any, all of `out` is 0.
void keep_largest_component(ImageView<const float> mask, float threshold, ImageView<float> out);

}  // namespace mattecore::kernels
