#pragma once

#include <ATen/core/Tensor.h>

namespace mattecore::refine {

/// Smooths float32 masks [B,H,W] (or [H,W]) along the edges of float32 guides [B,H,W,3|1] (or [H,W,C]) of their size:
/// the numbers of cv2.ximgproc.guidedFilter (kernels/guided_filter.h). The guide's alpha, if it has four channels, does
/// not count. The result is not clipped.
at::Tensor guided_filter(const at::Tensor& guide, const at::Tensor& mask, int64_t radius_px, double eps);

/// The same from guide and mask shrunk by `subsample` >= 1, at a fraction of the work.
at::Tensor fast_guided_filter(const at::Tensor& guide, const at::Tensor& mask, int64_t radius_px, double eps,
                              int64_t subsample);

}  // namespace mattecore::refine
