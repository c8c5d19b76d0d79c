#pragma once

#include "mattecore/base/error.h"
#include "mattecore/base/image_view.h"

namespace mattecore::kernels {

/// What foreground.h asks of the views of its functions, `name` among them.
inline void check_foreground_arguments(const char* name, ImageView<const float> image, ImageView<const float> alpha,
                                       ImageView<float> foreground, ImageView<float> background) {
  if (image.channels != 3 || foreground.channels != 3 || (background.data && background.channels != 3))
    throw_invalid(name, " takes images of 3 channels, not ", image.channels, ", ", foreground.channels, " and ",
                  background.channels);
  if (alpha.channels != 1) throw_invalid(name, " takes an alpha of one channel, not ", alpha.channels);
  if (!image.same_size(alpha) || !image.same_size(foreground) || (background.data && !image.same_size(background)))
    throw_invalid(name, " takes views of one size, not ", image.height, " x ", image.width, ", ", alpha.height, " x ",
                  alpha.width, " and ", foreground.height, " x ", foreground.width);
}

}  // namespace mattecore::kernels
