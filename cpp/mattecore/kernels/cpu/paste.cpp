#include "mattecore/kernels/paste.h"

#include "mattecore/kernels/rows.h"

namespace mattecore::kernels {

void blend(ImageView<const float> under, ImageView<const float> over, ImageView<const float> mask,
           ImageView<float> out) {
  for_each_row(out.height, out.width * out.channels, [&](int64_t y) {
    for (int64_t x = 0; x < out.width; ++x) {
      const float m = mask(y, x), rest = 1 - m;
      for (int64_t c = 0; c < out.channels; ++c) out(y, x, c) = rest * under(y, x, c) + m * over(y, x, c);
    }
  });
}

void join_alpha(ImageView<const float> image, ImageView<const float> mask, ImageView<float> out) {
  const int64_t next = image.channels == 1 ? 0 : 1;
  for_each_row(out.height, out.width * 4, [&](int64_t y) {
    for (int64_t x = 0; x < out.width; ++x) {
      for (int64_t c = 0; c < 3; ++c) out(y, x, c) = image(y, x, c * next);
      out(y, x, 3) = mask(y, x);
    }
  });
}

}  // namespace mattecore::kernels
