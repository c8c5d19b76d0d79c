#pragma once

#include <cstdint>
#include <cstring>

#include "mattecore/base/image_view.h"

// One row of an 8-bit image as separate planes and back. RGBA is premultiplied on the way in and divided on the way
// out, with Pillow's rounding.
namespace mattecore::kernels {

/// round(a * b / 255) without a division.
inline uint8_t times_over_255(int a, int b) {
  const int t = a * b + 128;
  return static_cast<uint8_t>(((t >> 8) + t) >> 8);
}

/// Undoes the premultiplication: truncates, and leaves colours under alpha 0 as they are.
inline uint8_t over_alpha(int v, int alpha) {
  if (alpha == 0 || alpha == 255) return static_cast<uint8_t>(v);
  const int straight = 255 * v / alpha;
  return static_cast<uint8_t>(straight > 255 ? 255 : straight);
}

/// Columns begin..end of row y; plane p begins at planes + p * stride.
template <int kPlanes>
void split_row(ImageView<const uint8_t> in, int64_t y, int64_t begin, int64_t end, uint8_t* planes, int64_t stride) {
  const uint8_t* row = in.row(y) + begin * in.pixel_stride;
  const int64_t step = in.pixel_stride, next = in.channel_stride, width = end - begin;
  if constexpr (kPlanes == 1) {
    if (step == 1) {
      std::memcpy(planes, row, static_cast<size_t>(width));
    } else {
      for (int64_t x = 0; x < width; ++x) planes[x] = row[x * step];
    }
  } else if constexpr (kPlanes == 3) {
    uint8_t *r = planes, *g = planes + stride, *b = planes + 2 * stride;
    if (step == 3 && next == 1) {
      for (int64_t x = 0; x < width; ++x) {
        r[x] = row[3 * x];
        g[x] = row[3 * x + 1];
        b[x] = row[3 * x + 2];
      }
    } else {
      for (int64_t x = 0; x < width; ++x) {
        r[x] = row[x * step];
        g[x] = row[x * step + next];
        b[x] = row[x * step + 2 * next];
      }
    }
  } else {
    for (int64_t x = 0; x < width; ++x) {
      const int alpha = row[x * step + 3 * next];
      for (int64_t c = 0; c < 3; ++c) planes[c * stride + x] = times_over_255(row[x * step + c * next], alpha);
      planes[3 * stride + x] = static_cast<uint8_t>(alpha);
    }
  }
}

template <int kPlanes>
void join_row(const uint8_t* planes, int64_t stride, ImageView<uint8_t> out, int64_t y, int64_t begin, int64_t end) {
  uint8_t* row = out.row(y) + begin * out.pixel_stride;
  const int64_t step = out.pixel_stride, next = out.channel_stride, width = end - begin;
  if constexpr (kPlanes == 1) {
    if (step == 1) {
      std::memcpy(row, planes, static_cast<size_t>(width));
    } else {
      for (int64_t x = 0; x < width; ++x) row[x * step] = planes[x];
    }
  } else if constexpr (kPlanes == 3) {
    const uint8_t *r = planes, *g = planes + stride, *b = planes + 2 * stride;
    if (step == 3 && next == 1) {
      for (int64_t x = 0; x < width; ++x) {
        row[3 * x] = r[x];
        row[3 * x + 1] = g[x];
        row[3 * x + 2] = b[x];
      }
    } else {
      for (int64_t x = 0; x < width; ++x) {
        row[x * step] = r[x];
        row[x * step + next] = g[x];
        row[x * step + 2 * next] = b[x];
      }
    }
  } else {
    for (int64_t x = 0; x < width; ++x) {
      const int alpha = planes[3 * stride + x];
      for (int64_t c = 0; c < 3; ++c) row[x * step + c * next] = over_alpha(planes[c * stride + x], alpha);
      row[x * step + 3 * next] = static_cast<uint8_t>(alpha);
    }
  }
}

}  // namespace mattecore::kernels
