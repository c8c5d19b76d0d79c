#pragma once

#include <cstdint>

#include "mattecore/base/image_view.h"

namespace mattecore::kernels {

// Foreground colours F of a picture I = alpha F + (1 - alpha) B, so that a cut-out laid over another background shows
// no fringe of the old one. `image`, `foreground` and, where wanted, `background` (or a view of null): three channels
// 0..1; `alpha`: one channel 0..1; all of one size, outputs may not be inputs. Values are clipped to 0..1. Sizes or
// channels that do not fit throw std::invalid_argument.

struct MultilevelForegroundOptions {
  /// What neighbours' colours are drawn together by where alpha is flat, and what their difference in alpha adds.
  double regularization = 1e-5;
  double gradient_weight = 1;
  /// Sweeps over levels at most small_size high and wide, and over all others.
  int small_sweeps = 10;
  int large_sweeps = 2;
  int64_t small_size = 32;
};

/// Multi-level foreground estimation (Germer, Uelwer, Conrad and Harmeling, "Fast multi-level foreground estimation",
/// 2020): the energy sum |alpha F + (1 - alpha) B - I|^2 + (regularization + gradient_weight |d alpha|) (|dF|^2 +
/// |dB|^2) is lowered by sweeps of local 2 x 2 solutions, from one pixel up to the full size, each level starting from
/// the one before. Sweeps take the white
/// fields of a chessboard, then the black ones. Memory: 13 bytes a pixel, and 90 rows of 40 bytes a
/// pixel for each thread.
void multilevel_foreground(ImageView<const float> image, ImageView<const float> alpha,
                           const MultilevelForegroundOptions& options, ImageView<float> foreground,
                           ImageView<float> background = {});

/// Blur fusion, twice (Forte, "Approximate fast foreground colour estimation", 2021): box means of I, weighted with
/// alpha and 1 - alpha, stand for F and B and are corrected so that I is met: with the large radius, and once more
/// around that with the small one. Faster and smoother than multilevel_foreground; wide soft areas keep more of the
/// background. Memory: 24 bytes a pixel.
void blur_fusion_foreground(ImageView<const float> image, ImageView<const float> alpha, int64_t large_radius_px,
                            int64_t small_radius_px, ImageView<float> foreground, ImageView<float> background = {});

/// The radii of the paper's boxes of 90 and 6 pixels.
inline constexpr int64_t kBlurFusionLargeRadius = 45, kBlurFusionSmallRadius = 3;

}  // namespace mattecore::kernels
