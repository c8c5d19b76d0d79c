#pragma once

#include <cstdint>
#include <type_traits>

namespace mattecore {

/// A picture that somebody else owns: height x width pixels of `channels` values. Strides count elements, not bytes,
/// and may be anything, so that a transposed or sliced tensor is a view like any other.
template <class T>
struct ImageView {
  T* data = nullptr;
  int64_t height = 0;
  int64_t width = 0;
  int64_t channels = 1;
  int64_t row_stride = 0;
  int64_t pixel_stride = 1;
  int64_t channel_stride = 1;

  ImageView() = default;

  /// Rows one behind the other, pixels one behind the other, channels innermost.
  ImageView(T* data, int64_t height, int64_t width, int64_t channels = 1)
      : data(data),
        height(height),
        width(width),
        channels(channels),
        row_stride(width * channels),
        pixel_stride(channels) {}

  ImageView(T* data, int64_t height, int64_t width, int64_t channels, int64_t row_stride, int64_t pixel_stride,
            int64_t channel_stride)
      : data(data),
        height(height),
        width(width),
        channels(channels),
        row_stride(row_stride),
        pixel_stride(pixel_stride),
        channel_stride(channel_stride) {}

  /// Every view of T is a view of const T.
  template <class U>
    requires std::is_same_v<const U, T>
  ImageView(const ImageView<U>& other)
      : ImageView(other.data, other.height, other.width, other.channels, other.row_stride, other.pixel_stride,
                  other.channel_stride) {}

  T* row(int64_t y) const { return data + y * row_stride; }
  T& operator()(int64_t y, int64_t x, int64_t c = 0) const {
    return data[y * row_stride + x * pixel_stride + c * channel_stride];
  }

  /// A row is one run of width * channels elements in memory.
  bool has_packed_rows() const {
    return (pixel_stride == channels || width <= 1) && (channel_stride == 1 || channels == 1);
  }

  bool same_size(const auto& other) const { return height == other.height && width == other.width; }
};

}  // namespace mattecore
