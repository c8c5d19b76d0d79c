#pragma once

#include <cstdint>

#include "mattecore/base/image_view.h"

namespace mattecore::kernels {

/// How far around a mask's soft edge the foreground's colours are estimated from, in pixels.
inline constexpr int64_t kLiftMargin = 16;

/// Lifts the subject off its picture: RGBA with straight colours in the picture's own values. Alpha is the mask
/// (one channel, clipped to 0..1, NaN 0) in the type's steps, a half rounded to even; float keeps its values. Where
/// alpha is 0 so are the colours: what was cut away is gone, not only hidden. Elsewhere they are the picture's, to the
/// bit; grey is repeated, a fourth channel dropped. With `clean`, pixels whose alpha is neither 0 nor full get the
/// foreground's colours (multilevel_foreground) instead.
///
/// Memory: with `clean`, 37 bytes for each pixel of the box around the soft edge.
///
/// T: uint8_t, uint16_t, float. The three views are of one size; `rgba` has packed rows.
template <class T>
void lift(ImageView<const T> image, ImageView<const float> mask, bool clean, ImageView<T> rgba);

}  // namespace mattecore::kernels
