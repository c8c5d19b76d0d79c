#include "mattecore/kernels/levels.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <mutex>

#include "mattecore/kernels/cpu/lanes.h"
#include "mattecore/kernels/rows.h"

namespace mattecore::kernels {

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// The ends of the values seen so far, in lanes: with one smallest and one largest, every value waits for the last.
class Ends {
 public:
  /// Values that lie one behind the other.
  void see(const float* values, int64_t count) {
    for (; count >= kNativeLanes; values += kNativeLanes, count -= kNativeLanes) {
      Floats v;
      std::memcpy(&v, values, sizeof v);
      see(v);
    }
    for (; count > 0; ++values, --count) see(*values);
  }

  void see(float v) { see(v - Floats{}); }

  float smallest() const {
    float least = kInfinity;
    for (int lane = 0; lane < kNativeLanes; ++lane) least = std::min(least, smallest_[lane]);
    return least;
  }
  float largest() const {
    float most = -kInfinity;
    for (int lane = 0; lane < kNativeLanes; ++lane) most = std::max(most, largest_[lane]);
    return most;
  }
  bool has_nan() const {
    bool found = false;
    for (int lane = 0; lane < kNativeLanes; ++lane) found |= nan_[lane] != 0;
    return found;
  }

 private:
  using Floats = Lanes<kNativeLanes>::Part;

  void see(Floats v) {
    smallest_ = v < smallest_ ? v : smallest_;
    largest_ = v > largest_ ? v : largest_;
    nan_ |= v != v;
  }

  Floats smallest_ = kInfinity - Floats{}, largest_ = -kInfinity - Floats{};
  decltype(Floats{} != Floats{}) nan_ = {};
};

}  // namespace

Extent extent(ImageView<const float> mask) {
  constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
  Extent all{kInfinity, -kInfinity};
  bool has_nan = false;
  std::mutex mutex;
  parallel_for(mask.height, std::max<int64_t>(1, 65536 / mask.width), [&](int64_t begin, int64_t end) {
    Ends part;
    for (int64_t y = begin; y < end; ++y) {
      if (mask.has_packed_rows()) {
        part.see(mask.row(y), mask.width);
      } else {
        for (int64_t x = 0; x < mask.width; ++x) part.see(mask(y, x));
      }
    }
    const std::lock_guard lock(mutex);
    all.smallest = std::min(all.smallest, part.smallest());
    all.largest = std::max(all.largest, part.largest());
    has_nan |= part.has_nan();
  });
  return has_nan ? Extent{kNaN, kNaN} : all;
}

void normalize_min_max(ImageView<const float> mask, Extent extent, ImageView<float> out) {
  const float range = extent.largest - extent.smallest;
  for_each_row(mask.height, mask.width, [&](int64_t y) {
    for (int64_t x = 0; x < mask.width; ++x) out(y, x) = range == 0 ? 0.0f : (mask(y, x) - extent.smallest) / range;
  });
}

void histogram_remap(ImageView<const float> mask, double black_point, double white_point, ImageView<float> out) {
  const double held = std::min(black_point, white_point - 0.001);
  const float black = static_cast<float>(held);
  const float scale = static_cast<float>(1.0 / (white_point - held));
  for_each_row(mask.height, mask.width, [&](int64_t y) {
    for (int64_t x = 0; x < mask.width; ++x) {
      const float v = (mask(y, x) - black) * scale;
      out(y, x) = v < 0 ? 0.0f : v > 1 ? 1.0f : v;
    }
  });
}

void brighten(ImageView<const uint8_t> mask, double factor, ImageView<uint8_t> out) {
  std::array<uint8_t, 256> table;
  // Pillow blends with black in float: 0 + factor * (v - 0).
  for (int v = 0; v < 256; ++v)
    table[static_cast<size_t>(v)] =
        static_cast<uint8_t>(std::min(255.0f, static_cast<float>(factor) * static_cast<float>(v)));
  for_each_row(mask.height, mask.width, [&](int64_t y) {
    for (int64_t x = 0; x < mask.width; ++x) out(y, x) = table[mask(y, x)];
  });
}

}  // namespace mattecore::kernels
