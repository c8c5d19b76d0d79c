#include "mattecore/kernels/png_filter.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <vector>

namespace mattecore::kernels {
namespace {

constexpr int kFilters = 5;

/// In 16 bits, so that a vector holds twice as many as in int.
using Wide = int16_t;

inline Wide magnitude(Wide v) { return static_cast<Wide>(v < 0 ? -v : v); }

inline Wide average(Wide left, Wide above) { return static_cast<Wide>((left + above) >> 1); }

inline Wide paeth(Wide left, Wide above, Wide corner) {
  const Wide to_left = magnitude(static_cast<Wide>(above - corner));
  const Wide to_above = magnitude(static_cast<Wide>(left - corner));
  const Wide to_corner = magnitude(static_cast<Wide>(left + above - 2 * corner));
  const Wide upper = to_above <= to_corner ? above : corner;
  return to_left <= to_above && to_left <= to_corner ? left : upper;
}

/// out = row - predict(left, above, corner); the first pixel has no left and no corner.
template <class Predict>
inline void subtract(const uint8_t* __restrict row, const uint8_t* __restrict above, int64_t bytes, int64_t channels,
                     uint8_t* __restrict out, Predict predict) {
  const int64_t first = std::min(channels, bytes);
  for (int64_t i = 0; i < first; ++i) out[i] = static_cast<uint8_t>(row[i] - predict(Wide{0}, Wide{above[i]}, Wide{0}));
  for (int64_t i = first; i < bytes; ++i)
    out[i] = static_cast<uint8_t>(row[i] - predict(Wide{row[i - channels]}, Wide{above[i]}, Wide{above[i - channels]}));
}

/// What a stored byte costs: its magnitude as a signed number.
inline uint16_t cost(int difference) {
  const auto stored = static_cast<uint8_t>(difference);
  return std::min<uint16_t>(stored, static_cast<uint16_t>(256 - stored));
}

using Costs = std::array<uint32_t, kFilters>;

/// Adds up what `count` bytes would cost under each filter. Sums of 256 costs fit into 16 bits, which keeps as many
/// bytes in a vector as the differences do.
void add_costs(const uint8_t* __restrict row, const uint8_t* __restrict left, const uint8_t* __restrict above,
               const uint8_t* __restrict corner, int64_t count, Costs& costs) {
  for (int64_t begin = 0; begin < count; begin += 256) {
    const int64_t end = std::min(count, begin + 256);
    uint16_t none = 0, sub = 0, up = 0, middle = 0, nearest = 0;
    for (int64_t i = begin; i < end; ++i) {
      const Wide x = row[i], a = left[i], b = above[i], c = corner[i];
      none = static_cast<uint16_t>(none + cost(x));
      sub = static_cast<uint16_t>(sub + cost(x - a));
      up = static_cast<uint16_t>(up + cost(x - b));
      middle = static_cast<uint16_t>(middle + cost(x - average(a, b)));
      nearest = static_cast<uint16_t>(nearest + cost(x - paeth(a, b, c)));
    }
    costs[0] += none, costs[1] += sub, costs[2] += up, costs[3] += middle, costs[4] += nearest;
  }
}

PngFilter cheapest(const uint8_t* row, const uint8_t* above, int64_t bytes, int64_t channels) {
  constexpr uint8_t kOutside[4] = {};
  Costs costs{};
  const int64_t first = std::min(channels, bytes);
  add_costs(row, kOutside, above, kOutside, first, costs);
  add_costs(row + first, row, above + first, above, bytes - first, costs);
  return static_cast<PngFilter>(std::min_element(costs.begin(), costs.end()) - costs.begin());
}

}  // namespace

void png_filter_row(PngFilter filter, const uint8_t* row, const uint8_t* above, int64_t bytes, int64_t channels,
                    uint8_t* out) {
  switch (filter) {
    case PngFilter::none:
      std::copy_n(row, bytes, out);
      return;
    case PngFilter::sub:
      return subtract(row, above, bytes, channels, out, [](Wide left, Wide, Wide) { return left; });
    case PngFilter::up:
      return subtract(row, above, bytes, channels, out, [](Wide, Wide up, Wide) { return up; });
    case PngFilter::average:
      return subtract(row, above, bytes, channels, out, [](Wide left, Wide up, Wide) { return average(left, up); });
    case PngFilter::paeth:
      return subtract(row, above, bytes, channels, out, paeth);
  }
}

void png_filter(ImageView<const uint8_t> image, int64_t begin, int64_t end, uint8_t* out) {
  const int64_t bytes = image.width * image.channels;
  const std::vector<uint8_t> outside(begin == 0 ? static_cast<size_t>(bytes) : 0);
  for (int64_t y = begin; y < end; ++y, out += 1 + bytes) {
    const uint8_t* row = image.row(y);
    const uint8_t* above = y == 0 ? outside.data() : image.row(y - 1);
    const PngFilter filter = cheapest(row, above, bytes, image.channels);
    out[0] = static_cast<uint8_t>(filter);
    png_filter_row(filter, row, above, bytes, image.channels, out + 1);
  }
}

}  // namespace mattecore::kernels
