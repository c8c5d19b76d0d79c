#pragma once

#include <cstdint>

#include "mattecore/base/image_view.h"

namespace mattecore::kernels {

/// How far a box reaches from its pixel, in pixels, each >= 0. Pixel (y, x) of an erosion or dilation sees the rows
/// y - up .. y + down and the columns x - left .. x + right.
struct BoxReach {
  int64_t up = 0;
  int64_t down = 0;
  int64_t left = 0;
  int64_t right = 0;

  static BoxReach around(int64_t radius_px) { return {radius_px, radius_px, radius_px, radius_px}; }

  /// What `iterations` erosions or dilations with a size x size box, size >= 1, reach together. As in OpenCV, an even
  /// box reaches one pixel farther up and left than down and right.
  static BoxReach repeated_box(int64_t size, int64_t iterations) {
    const int64_t before = iterations * (size / 2), after = iterations * (size - 1) - before;
    return {before, after, before, after};
  }
};

/// Smallest (erode) or largest (dilate) value of the box; what lies outside of the picture does not count. One channel;
/// `out` has the size of `in` and shares no memory with it. T: uint8_t or float (without NaN). Time per pixel does not
/// depend on the reach down the columns (M. van Herk 1992; J. Gil, M. Werman 1993), and along the rows grows with its
/// logarithm only, by which 2 to 11 steps of 64 bytes each are meant.
/// Peak memory per thread: 256 * (min(up + down + 1, H) + 1) bytes down the columns, 2 * (W + left + right) values
/// along the rows.
template <class T>
void erode(ImageView<const T> in, BoxReach reach, ImageView<T> out);
template <class T>
void dilate(ImageView<const T> in, BoxReach reach, ImageView<T> out);

}  // namespace mattecore::kernels
