#pragma once

#include "mattecore/base/image_view.h"

namespace mattecore::kernels {

/// Resizes by bilinear interpolation of the four nearest pixels, without antialiasing: torch's F.interpolate and, with
/// align_corners false, OpenCV's INTER_LINEAR.
///   align_corners false: out pixel i lies at (i + 0.5) * in / out - 0.5, held inside the picture
///   align_corners true:  corners meet corners: i * (in - 1) / (out - 1)
/// Channels must be equal; T: float or uint8_t (read as 0..255).
template <class T>
void interpolate(ImageView<const T> in, bool align_corners, ImageView<float> out);

}  // namespace mattecore::kernels
