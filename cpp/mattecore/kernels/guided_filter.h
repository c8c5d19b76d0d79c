#pragma once

#include <cstdint>

#include "mattecore/base/image_view.h"

namespace mattecore::kernels {

/// Smooths `source` along the edges of `guide`: K. He, J. Sun, X. Tang, "Guided Image Filtering", ECCV 2010; the same
/// numbers as cv2.ximgproc.guidedFilter(guide, source, radius_px, eps).
///   guide   [H, W, 3] colour or [H, W, 1] grey, finite, nominally 0..1 (not clipped)
///   source  [H, W, 1], finite, nominally 0..1; out the same size, may overshoot, must not share memory with the inputs
///   radius_px >= 0: means are taken over boxes of side 2 * radius_px + 1, whatever the size of the picture. Beyond
///           its borders the picture goes on mirrored, the edge pixel repeated (BORDER_REFLECT).
///   eps > 0: added to the variances of the guide as it is, so it counts in squared units of the guide.
/// Time per pixel does not depend on the radius. Sums are kept in float over at most max(256, 4 * radius_px + 2) steps,
/// whatever the picture's size; the output is the same for any number of threads.
/// Peak memory per thread: 16 W * (min(2 * radius_px + 2, H) + 5) bytes.
/// Throws std::invalid_argument for sizes that differ, a radius or eps out of range, and NaN or infinity in the inputs.
void guided_filter(ImageView<const float> guide, ImageView<const float> source, int64_t radius_px, double eps,
                   ImageView<float> out);

/// The same at a fraction of the work: K. He, J. Sun, "Fast Guided Filter", 2015. Guide and source are shrunk by
/// `subsample` >= 1 (means of subsample x subsample pixels, fewer at the far borders), filtered with radius_px /
/// subsample (rounded, at least 1 where radius_px is), and the averaged coefficients are stretched bilinearly over the
/// guide at full size. Edges narrower than `subsample` pixels keep their place, but are weighed less exactly. Peak
/// memory: 32 / subsample^2 bytes per pixel of the picture (24 / subsample^2 for a grey guide) beside guided_filter's
/// own at that size.
void fast_guided_filter(ImageView<const float> guide, ImageView<const float> source, int64_t radius_px, double eps,
                        int64_t subsample, ImageView<float> out);

}  // namespace mattecore::kernels
