#include "mattecore/kernels/rgba.h"

#include "mattecore/kernels/cpu/planes.h"
#include "mattecore/kernels/eight_bit.h"
#include "mattecore/kernels/rows.h"

namespace mattecore::kernels {
namespace {

/// Channel c of an image that may be grey.
int64_t channel_of(int64_t channels, int64_t c) { return channels == 1 ? 0 : c; }

/// One row, its pixels `step` and its channels `next` apart; constants where the caller knows them, which lets the
/// compiler load whole vectors.
template <class T>
inline void assemble_row(const T* image, int64_t step, int64_t next, const uint8_t* mask, int64_t width, float* out) {
  for (int64_t x = 0; x < width; ++x) {
    for (int64_t c = 0; c < 3; ++c) out[4 * x + c] = value_from_u8(value_to_u8(image[x * step + c * next]));
    out[4 * x + 3] = value_from_u8(mask[x]);
  }
}

}  // namespace

template <class T>
void assemble_rgba(ImageView<const T> image, ImageView<const uint8_t> mask, ImageView<float> out) {
  for_each_row(image.height, image.width * 4, [&](int64_t y) {
    const T* row = image.row(y);
    if (image.channels == 3 && image.has_packed_rows()) {
      assemble_row(row, 3, 1, mask.row(y), image.width, out.row(y));
    } else {
      assemble_row(row, image.pixel_stride, image.channels == 1 ? 0 : image.channel_stride, mask.row(y), image.width,
                   out.row(y));
    }
  });
}

template void assemble_rgba(ImageView<const float>, ImageView<const uint8_t>, ImageView<float>);
template void assemble_rgba(ImageView<const double>, ImageView<const uint8_t>, ImageView<float>);
template void assemble_rgba(ImageView<const Half>, ImageView<const uint8_t>, ImageView<float>);
template void assemble_rgba(ImageView<const BFloat16>, ImageView<const uint8_t>, ImageView<float>);
template void assemble_rgba(ImageView<const uint8_t>, ImageView<const uint8_t>, ImageView<float>);

void paste_on_transparent(ImageView<const uint8_t> image, ImageView<const uint8_t> mask, ImageView<uint8_t> out) {
  for_each_row(image.height, image.width * 4, [&](int64_t y) {
    for (int64_t x = 0; x < image.width; ++x) {
      const uint8_t m = mask(y, x);
      for (int64_t c = 0; c < 3; ++c) out(y, x, c) = times_over_255(image(y, x, channel_of(image.channels, c)), m);
      out(y, x, 3) = m;
    }
  });
}

void image_to_mask(ImageView<const uint8_t> image, ImageView<float> mask) {
  for_each_row(image.height, image.width, [&](int64_t y) {
    for (int64_t x = 0; x < image.width; ++x) mask(y, x) = value_from_u8(image(y, x));
  });
}

void mask_to_image(ImageView<const float> mask, ImageView<uint8_t> out) {
  for_each_row(mask.height, mask.width * 4, [&](int64_t y) {
    for (int64_t x = 0; x < mask.width; ++x) {
      const uint8_t m = value_to_u8(mask(y, x));
      for (int64_t c = 0; c < 3; ++c) out(y, x, c) = m;
      out(y, x, 3) = 255;
    }
  });
}

void to_rgb(ImageView<const uint8_t> image, ImageView<uint8_t> out) {
  for_each_row(image.height, image.width * 3, [&](int64_t y) {
    for (int64_t x = 0; x < image.width; ++x)
      for (int64_t c = 0; c < 3; ++c) out(y, x, c) = image(y, x, channel_of(image.channels, c));
  });
}

void luma(ImageView<const uint8_t> image, ImageView<uint8_t> out) {
  for_each_row(image.height, image.width, [&](int64_t y) {
    for (int64_t x = 0; x < image.width; ++x) {
      const int r = image(y, x, 0);
      const int g = image(y, x, channel_of(image.channels, 1));
      const int b = image(y, x, channel_of(image.channels, 2));
      out(y, x) = static_cast<uint8_t>((19595 * r + 38470 * g + 7471 * b + 32768) >> 16);
    }
  });
}

}  // namespace mattecore::kernels
