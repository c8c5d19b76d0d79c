#pragma once

#include "mattecore/base/image_view.h"

namespace mattecore::kernels {

/// out = (1 - mask) * under + mask * over, each step rounded. All of one size, the mask with one channel, the others
/// with as many as `out`.
void blend(ImageView<const float> under, ImageView<const float> over, ImageView<const float> mask,
           ImageView<float> out);

/// The colours of an image of 1 (repeated), 3 or 4 channels (the last dropped) and a mask of its size as its alpha;
/// nothing is rounded or premultiplied. `out` has 4 channels.
void join_alpha(ImageView<const float> image, ImageView<const float> mask, ImageView<float> out);

}  // namespace mattecore::kernels
