#pragma once

#include <cstdint>
#include <vector>

#include "mattecore/base/image_view.h"

namespace mattecore::kernels {

/// Pixels begin .. end-1 of a row, as many as hang together.
struct Run {
  int32_t row;
  int32_t begin;
  int32_t end;
  int32_t component;  // its place in Components::components
};

struct Component {
  int64_t area;                      // in pixels
  int32_t top, bottom, left, right;  // rows top .. bottom-1, columns left .. right-1
  int32_t first_run;  // its place in Components::runs; the run begins with the component's topmost, then leftmost pixel
};

/// Runs in raster order, components in that of their first pixels.
struct Components {
  std::vector<Run> runs;
  std::vector<Component> components;
};

/// Finds the connected sets of pixels with mask > threshold, corners connecting (8-connected).
/// One channel; T: uint8_t or float; NaN throws std::invalid_argument. Time is that of reading the mask and a few ns
/// per run; peak memory H * W / 8 bytes and 20 bytes per run (K. Wu, E. Otoo, K. Suzuki, "Two strategies to speed up
/// connected component labeling", 2005, on runs).
template <class T>
Components connected_components(ImageView<const T> mask, T threshold);

/// The same for what lies between: the pixels with mask <= threshold, corners not connecting (4-connected), so that a
/// closed line of the one kind always parts the other.
template <class T>
Components background_components(ImageView<const T> mask, T threshold);

}  // namespace mattecore::kernels
