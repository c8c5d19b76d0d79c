#include "mattecore/kernels/lift.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "mattecore/base/image.h"
#include "mattecore/kernels/foreground.h"
#include "mattecore/kernels/rows.h"

namespace mattecore::kernels {
namespace {

template <class T>
constexpr T kFull = std::is_floating_point_v<T> ? T{1} : std::numeric_limits<T>::max();

/// A value 0..1 in the type's steps.
template <class T>
T in_steps(float value) {
  const float clipped = value > 0 ? std::min(value, 1.0f) : 0.0f;
  if constexpr (std::is_floating_point_v<T>) return clipped;
  return static_cast<T>(static_cast<int32_t>(std::nearbyint(clipped * static_cast<float>(kFull<T>))));
}

template <class T>
bool is_soft(T alpha) {
  return alpha > 0 && alpha < kFull<T>;
}

/// Pixels begin <= i < end of a row or column; none where end is 0.
struct Range {
  int64_t begin = std::numeric_limits<int64_t>::max(), end = 0;

  void add(const Range& other) { begin = std::min(begin, other.begin), end = std::max(end, other.end); }
  Range widened(int64_t by, int64_t size) const { return {std::max<int64_t>(0, begin - by), std::min(size, end + by)}; }
  int64_t size() const { return end - begin; }
};

template <class T>
ImageView<T> part(ImageView<T> view, const Range& rows, const Range& columns) {
  view.data += rows.begin * view.row_stride + columns.begin * view.pixel_stride;
  view.height = rows.size(), view.width = columns.size();
  return view;
}

/// Writes a row of RGBA; returns where it is soft.
template <class T>
Range lift_row(int64_t y, ImageView<const T> image, ImageView<const float> mask, ImageView<T> rgba) {
  const int64_t next = image.channels == 1 ? 0 : image.channel_stride;
  const T* colour = image.row(y);
  const float* m = mask.row(y);
  T* out = rgba.row(y);
  Range soft;
  for (int64_t x = 0; x < image.width; ++x, colour += image.pixel_stride, m += mask.pixel_stride, out += 4) {
    const T alpha = in_steps<T>(*m);
    for (int64_t c = 0; c < 3; ++c) out[c] = alpha > 0 ? colour[c * next] : T{0};
    out[3] = alpha;
    if (is_soft(alpha)) soft.add({x, x + 1});
  }
  return soft;
}

/// Replaces the soft pixels' colours by the foreground's.
template <class T>
void clean_edge(ImageView<const T> image, ImageView<const float> mask, ImageView<T> rgba) {
  Image<float> colours(image.height, image.width, 3), foreground(image.height, image.width, 3);
  const int64_t next = image.channels == 1 ? 0 : image.channel_stride;
  for_each_row(image.height, image.width * 3, [&](int64_t y) {
    for (int64_t x = 0; x < image.width; ++x)
      for (int64_t c = 0; c < 3; ++c)
        colours(y, x, c) = static_cast<float>(image.row(y)[x * image.pixel_stride + c * next]) / float{kFull<T>};
  });
  multilevel_foreground(colours.view(), mask, {}, foreground.view());
  for_each_row(image.height, image.width * 3, [&](int64_t y) {
    for (int64_t x = 0; x < image.width; ++x)
      if (is_soft(rgba(y, x, 3)))
        for (int64_t c = 0; c < 3; ++c) rgba(y, x, c) = in_steps<T>(foreground(y, x, c));
  });
}

}  // namespace

template <class T>
void lift(ImageView<const T> image, ImageView<const float> mask, bool clean, ImageView<T> rgba) {
  Buffer<Range> soft(static_cast<size_t>(image.height));
  for_each_row(image.height, image.width * 4,
               [&](int64_t y) { soft[static_cast<size_t>(y)] = lift_row(y, image, mask, rgba); });
  Range rows, columns;
  for (int64_t y = 0; y < image.height; ++y) {
    const Range& row = soft[static_cast<size_t>(y)];
    if (row.end == 0) continue;
    rows.add({y, y + 1});
    columns.add(row);
  }
  if (!clean || rows.end == 0) return;
  rows = rows.widened(kLiftMargin, image.height), columns = columns.widened(kLiftMargin, image.width);
  clean_edge(part(image, rows, columns), part(mask, rows, columns), part(rgba, rows, columns));
}

template void lift(ImageView<const uint8_t>, ImageView<const float>, bool, ImageView<uint8_t>);
template void lift(ImageView<const uint16_t>, ImageView<const float>, bool, ImageView<uint16_t>);
template void lift(ImageView<const float>, ImageView<const float>, bool, ImageView<float>);

}  // namespace mattecore::kernels
