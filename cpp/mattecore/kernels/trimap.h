#pragma once

#include <cstdint>

#include "mattecore/base/image_view.h"

namespace mattecore::kernels {

// All masks and trimaps: one channel, the output of the input's size. NaN, sizes that differ and values out of range
// throw std::invalid_argument.

/// Makes the trimap that the original nodes give to VITMatte (generate_VITMatte_trimap): the foreground eroded by five
/// erode_size boxes is 255, what five dilate_size boxes add to it 127, the rest 0; see BoxReach::repeated_box for boxes
/// of even size. Foreground is a value >= 1.0 only (255 in 8 bits), 0.9999 is not. The picture's borders do not eat in.
/// Sizes are >= 1; time does not depend on them. Peak memory: H * W / 2 bytes. T: float or uint8_t.
template <class T>
void trimap_from_mask(ImageView<const T> mask, int64_t erode_size, int64_t dilate_size, ImageView<uint8_t> trimap);

/// Cuts a soft mask: above the white point 1, below the black point 0, else 0.5 (LayerStyle's fix_trimap; strict
/// comparisons). black_point > white_point throws. T: float, for which the points are rounded to float, or double.
template <class T>
void fix_trimap(ImageView<const T> mask, double black_point, double white_point, ImageView<float> trimap);

/// Makes a trimap of a soft alpha: 1 where every pixel at most grow_px columns and rows away is >=
/// foreground_threshold, 0 where all of those are <= background_threshold, else 0.5; beyond the borders there is
/// nothing that would count. So a hard edge, too, gets an unknown band of 2 * grow_px pixels. Wants
/// background_threshold < foreground_threshold and grow_px >= 0. Peak memory: H * W / 2 bytes.
void trimap_from_alpha(ImageView<const float> alpha, double foreground_threshold, double background_threshold,
                       int64_t grow_px, ImageView<float> trimap);

}  // namespace mattecore::kernels
