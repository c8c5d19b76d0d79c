#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <ostream>
#include <random>
#include <utility>
#include <vector>

#include "mattecore/base/image_view.h"
#include "mattecore/base/parallel.h"

namespace mattecore::testing {

/// The ways a picture may lie in memory.
enum class Layout {
  packed,          ///< rows, pixels, channels without gaps
  channels_first,  ///< one plane per channel
  transposed,      ///< columns one behind the other
  sliced,          ///< every second pixel of a wider picture with more channels
  mirrored,        ///< last row and last pixel first: negative strides
  padded_rows,     ///< packed rows with gaps between them
};

inline constexpr Layout kLayouts[] = {Layout::packed, Layout::channels_first, Layout::transposed,
                                      Layout::sliced, Layout::mirrored,       Layout::padded_rows};

inline std::ostream& operator<<(std::ostream& out, Layout layout) {
  constexpr const char* kNames[] = {"packed", "channels first", "transposed", "sliced", "mirrored", "padded rows"};
  return out << kNames[static_cast<int>(layout)];
}

/// A picture in one of the layouts, in memory of exactly its extent between two margins, so that what is written
/// between or beside its values can be found (written_outside) and what is read beyond the margins too (address
/// sanitizer).
template <class T>
class Picture {
 public:
  Picture(int64_t height, int64_t width, int64_t channels = 1, Layout layout = Layout::packed) {
    int64_t row = 0, pixel = 0, channel = 1;
    switch (layout) {
      case Layout::packed:
        row = width * channels, pixel = channels;
        break;
      case Layout::channels_first:
        channel = height * width, row = width, pixel = 1;
        break;
      case Layout::transposed:
        pixel = height * channels, row = channels;
        break;
      case Layout::sliced:
        pixel = 2 * (channels + 1), row = (width + 1) * pixel;
        break;
      case Layout::mirrored:
        row = -width * channels, pixel = -channels;
        break;
      case Layout::padded_rows:
        row = width * channels + 5, pixel = channels;
        break;
    }
    const auto reach = [](int64_t stride, int64_t size) { return stride * (size - 1); };
    int64_t before = 0, after = 0;
    for (int64_t r : {reach(row, height), reach(pixel, width), reach(channel, channels)}) (r < 0 ? before : after) += r;
    memory_.resize(static_cast<size_t>(after - before + 1 + 2 * kMargin));
    std::memset(static_cast<void*>(memory_.data()), kGuard, memory_.size() * sizeof(T));
    view_ = ImageView<T>(memory_.data() + kMargin - before, height, width, channels, row, pixel, channel);
  }

  Picture(Picture&&) = default;
  Picture& operator=(Picture&&) = default;

  /// Every value from `make()`, in the order of rows, pixels, channels.
  template <class Make>
  Picture fill(Make make) && {
    for_each_place([&](int64_t y, int64_t x, int64_t c) { view_(y, x, c) = make(); });
    return std::move(*this);
  }

  /// The same values in another layout.
  Picture in(Layout layout) const {
    Picture other(view_.height, view_.width, view_.channels, layout);
    other.for_each_place([&](int64_t y, int64_t x, int64_t c) { other.view_(y, x, c) = view_(y, x, c); });
    return other;
  }

  ImageView<T> view() { return view_; }
  ImageView<const T> view() const { return view_; }
  const T& operator()(int64_t y, int64_t x, int64_t c = 0) const { return view_(y, x, c); }
  T& operator()(int64_t y, int64_t x, int64_t c = 0) { return view_(y, x, c); }

  template <class F>
  void for_each_place(F f) const {
    for (int64_t y = 0; y < view_.height; ++y)
      for (int64_t x = 0; x < view_.width; ++x)
        for (int64_t c = 0; c < view_.channels; ++c) f(y, x, c);
  }

  bool written_outside() const {
    std::vector<bool> own(memory_.size(), false);
    for_each_place(
        [&](int64_t y, int64_t x, int64_t c) { own[static_cast<size_t>(&view_(y, x, c) - memory_.data())] = true; });
    for (size_t i = 0; i < memory_.size(); ++i) {
      if (own[i]) continue;
      const auto* bytes = reinterpret_cast<const unsigned char*>(&memory_[i]);
      if (std::any_of(bytes, bytes + sizeof(T), [](unsigned char b) { return b != kGuard; })) return true;
    }
    return false;
  }

  /// Whether both hold the same bytes, NaN included.
  bool same_values(const Picture& other) const {
    bool same = view_.same_size(other.view_) && view_.channels == other.view_.channels;
    if (same)
      for_each_place([&](int64_t y, int64_t x, int64_t c) {
        same &= std::memcmp(&view_(y, x, c), &other.view_(y, x, c), sizeof(T)) == 0;
      });
    return same;
  }

 private:
  static constexpr int64_t kMargin = 8;
  static constexpr unsigned char kGuard = 0xa5;
  std::vector<T> memory_;
  ImageView<T> view_;
};

inline Picture<uint8_t> random_bytes(std::mt19937& random, int64_t height, int64_t width, int64_t channels = 1,
                                     Layout layout = Layout::packed) {
  return Picture<uint8_t>(height, width, channels, layout).fill([&] { return static_cast<uint8_t>(random() >> 24); });
}

/// Calls run(n) with 1, 2, 3 and 7 threads.
template <class Run>
void with_thread_counts(Run run) {
  for (int threads : {1, 2, 3, 7}) {
    set_num_threads(threads);
    run(threads);
  }
  set_num_threads(0);
}

}  // namespace mattecore::testing
