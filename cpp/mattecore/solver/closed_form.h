#pragma once

#include <cstdint>
#include <vector>

#include "mattecore/base/image_view.h"
#include "mattecore/base/progress.h"

namespace mattecore::solver {

struct ClosedFormOptions {
  /// Added to the summed (not the mean) outer product of a window's colours: epsilon / 9 on their covariance.
  double epsilon = 1e-6;
  /// Stops when the residual is smaller than this part of the right side.
  double tolerance = 1e-7;
  int max_iterations = 500;
  /// Where wanted, gets |r| / |b| after each iteration.
  std::vector<double>* residuals = nullptr;
};

/// Closed-form matting (Levin, Lischinski and Weiss 2008) with hard known pixels, as pymatting's estimate_alpha_cf
/// computes it. T: float or double. `image`: 1 or 3 channels of any finite values, nominally 0..1. `trimap`: one
/// channel;
/// >= 0.9 is foreground, <= 0.1 background, all else unknown. `alpha`: 1 and 0 where known, 0..1 where not.
///
/// A trimap without unknown pixels is returned as it is: 0 and 1. Otherwise one without foreground or without
/// background is std::invalid_argument, as are NaN and sizes that differ. Unknown pixels that no foreground reaches
/// become 0. In pictures less than three pixels high or wide there is no 3 x 3 window and unknown pixels become 0.5.
///
/// The bytes of the result are the same for any number of threads. `progress` is asked at least every 50 ms or so;
/// alpha is written only at the end. Memory: some 450 bytes for each pixel of the blocks of eight that the unknown
/// pixels lie in (band.h), 2 a pixel of the picture.
template <class T>
void closed_form(ImageView<const T> image, ImageView<const float> trimap, const ClosedFormOptions& options,
                 const Progress& progress, ImageView<float> alpha);

}  // namespace mattecore::solver
