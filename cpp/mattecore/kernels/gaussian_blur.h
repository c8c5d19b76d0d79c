#pragma once

#include <cstdint>
#include <vector>

#include "mattecore/base/image_view.h"

namespace mattecore::kernels {

/// Blurs a mask as cv2.GaussianBlur(mask, (size, size), 0) does: sigma = 0.3 ((size - 1) / 2 - 1) + 0.8, or OpenCV's
/// own table for sizes up to 9; beyond the borders the mask is mirrored and the border pixel not repeated
/// (REFLECT_101). One channel, `size` odd and > 0, `out` of the mask's size and not the mask itself. T: float or
/// double. Memory: one mask.
template <class T>
void gaussian_blur(ImageView<const T> mask, int64_t size, ImageView<T> out);

/// Weighs a mask's pixels with their neighbours, along rows and along columns alike: half_kernel[0] is the weight of
/// the pixel itself, half_kernel[k] that of each of the two k pixels away. Borders, sizes and memory as above, the sums
/// kept in Sum. (T, Sum): (float, float), (double, double), (float, double).
template <class T, class Sum>
void blur(ImageView<const T> mask, const std::vector<Sum>& half_kernel, ImageView<T> out);

/// The side of the blur that mask_edge_detail uses for its detail_range > 0: 5 detail_range + 1, made odd.
int64_t detail_blur_size(int64_t detail_range);

}  // namespace mattecore::kernels
