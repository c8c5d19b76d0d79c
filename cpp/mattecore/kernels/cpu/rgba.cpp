#include "mattecore/kernels/rgba.h"

#include "mattecore/kernels/cpu/planes.h"
#include "mattecore/kernels/eight_bit.h"
#include "mattecore/kernels/rows.h"

namespace mattecore::kernels {
namespace {

/// One row of an image, read as rgb(x, channel); grey answers for every channel. Packed rows have their layout in the
/// type, which lets the compiler load and store whole vectors.
template <int64_t kChannels, class T>
struct PackedRow {
  T* data;
  PackedRow(ImageView<T> image, int64_t y) : data(image.row(y)) {}
  T& operator()(int64_t x, int64_t c = 0) const { return data[kChannels == 1 ? x : x * kChannels + c]; }
};

template <class T>
struct StridedRow {
  T* data;
  int64_t step, next;
  StridedRow(ImageView<T> image, int64_t y)
      : data(image.row(y)), step(image.pixel_stride), next(image.channels == 1 ? 0 : image.channel_stride) {}
  T& operator()(int64_t x, int64_t c = 0) const { return data[x * step + c * next]; }
};

/// Runs body(width, row of the image, row of each other view) for every row. kOthers: the others' channels; the image
/// has 1, 3 or 4.
template <int64_t... kOthers, class Body, class T, class... Others>
void for_each_row_of(Body body, ImageView<T> image, ImageView<Others>... others) {
  const bool packed = image.has_packed_rows() && (others.has_packed_rows() && ...);
  const int64_t width = image.width;
  for_each_row(image.height, width * 4, [=](int64_t y) {
    auto run = [&](auto row) { body(width, row, PackedRow<kOthers, Others>(others, y)...); };
    if (!packed) return body(width, StridedRow<T>(image, y), StridedRow<Others>(others, y)...);
    switch (image.channels) {
      case 1:
        return run(PackedRow<1, T>(image, y));
      case 3:
        return run(PackedRow<3, T>(image, y));
      default:
        return run(PackedRow<4, T>(image, y));
    }
  });
}

}  // namespace

template <class T>
void assemble_rgba(ImageView<const T> image, ImageView<const uint8_t> mask, ImageView<float> out) {
  for_each_row_of<1, 4>(
      [](int64_t width, auto colours, auto alpha, auto rgba) {
        for (int64_t x = 0; x < width; ++x) {
          for (int64_t c = 0; c < 3; ++c) rgba(x, c) = value_from_u8(value_to_u8(colours(x, c)));
          rgba(x, 3) = value_from_u8(alpha(x));
        }
      },
      image, mask, out);
}

template void assemble_rgba(ImageView<const float>, ImageView<const uint8_t>, ImageView<float>);
template void assemble_rgba(ImageView<const double>, ImageView<const uint8_t>, ImageView<float>);
template void assemble_rgba(ImageView<const Half>, ImageView<const uint8_t>, ImageView<float>);
template void assemble_rgba(ImageView<const BFloat16>, ImageView<const uint8_t>, ImageView<float>);
template void assemble_rgba(ImageView<const uint8_t>, ImageView<const uint8_t>, ImageView<float>);

void paste_on_transparent(ImageView<const uint8_t> image, ImageView<const uint8_t> mask, ImageView<uint8_t> out) {
  for_each_row_of<1, 4>(
      [](int64_t width, auto colours, auto alpha, auto rgba) {
        for (int64_t x = 0; x < width; ++x) {
          const uint8_t m = alpha(x);
          for (int64_t c = 0; c < 3; ++c) rgba(x, c) = times_over_255(colours(x, c), m);
          rgba(x, 3) = m;
        }
      },
      image, mask, out);
}

void image_to_mask(ImageView<const uint8_t> image, ImageView<float> mask) {
  for_each_row_of<1>(
      [](int64_t width, auto colours, auto m) {
        for (int64_t x = 0; x < width; ++x) m(x) = value_from_u8(colours(x));
      },
      image, mask);
}

void mask_to_image(ImageView<const float> mask, ImageView<uint8_t> out) {
  for_each_row_of<4>(
      [](int64_t width, auto m, auto rgba) {
        for (int64_t x = 0; x < width; ++x) {
          const uint8_t v = value_to_u8(m(x));
          for (int64_t c = 0; c < 3; ++c) rgba(x, c) = v;
          rgba(x, 3) = 255;
        }
      },
      mask, out);
}

void to_rgb(ImageView<const uint8_t> image, ImageView<uint8_t> out) {
  for_each_row_of<3>(
      [](int64_t width, auto colours, auto rgb) {
        for (int64_t x = 0; x < width; ++x)
          for (int64_t c = 0; c < 3; ++c) rgb(x, c) = colours(x, c);
      },
      image, out);
}

void luma(ImageView<const uint8_t> image, ImageView<uint8_t> out) {
  for_each_row_of<1>(
      [](int64_t width, auto colours, auto grey) {
        for (int64_t x = 0; x < width; ++x) {
          const int r = colours(x, 0), g = colours(x, 1), b = colours(x, 2);
          grey(x) = static_cast<uint8_t>((19595 * r + 38470 * g + 7471 * b + 32768) >> 16);
        }
      },
      image, out);
}

}  // namespace mattecore::kernels
