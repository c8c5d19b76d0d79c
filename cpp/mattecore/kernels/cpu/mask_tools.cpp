#include "mattecore/kernels/mask_tools.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <limits>
#include <queue>
#include <vector>

#include "mattecore/base/error.h"
#include "mattecore/base/image.h"
#include "mattecore/base/parallel.h"
#include "mattecore/kernels/components.h"
#include "mattecore/kernels/cpu/bit_rows.h"
#include "mattecore/kernels/morphology.h"
#include "mattecore/kernels/rows.h"

namespace mattecore::kernels {
namespace {

constexpr int64_t kMostRows = std::numeric_limits<int32_t>::max() - 1;
constexpr double kMostSigma = 1e6;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

void check(const char* name, ImageView<const float> mask, ImageView<float> out) {
  if (mask.channels != 1) throw_invalid(name, ": the mask has ", mask.channels, " channels, 1 is wanted");
  if (!out.same_size(mask) || out.channels != 1)
    throw_invalid(name, ": the output is ", out.height, " x ", out.width, " x ", out.channels, ", and the mask's ",
                  mask.height, " x ", mask.width, " x 1 is wanted");
  std::atomic<bool> any_nan = false;
  for_each_row(mask.height, mask.width, [&](int64_t y) {
    if (has_nan(mask, y)) any_nan = true;
  });
  if (any_nan) throw_invalid(name, ": the mask holds NaN, numbers are wanted");
}

/// The largest of sign * mask in a disc. Each row of the mask is widened once to windows of 1, 2, 4 .. pixels; a chord
/// of the disc is two of them that overlap. out(y) = max over dy of the chord of row y + dy.
void largest_in_disc(ImageView<const float> mask, int64_t radius, float sign, ImageView<float> out) {
  const int64_t height = mask.height, width = mask.width;
  std::vector<int64_t> half_chords;
  for (int64_t dy = 0; dy <= radius; ++dy)
    half_chords.push_back(std::llrint(std::sqrt(static_cast<double>(radius * radius - dy * dy))));
  const int64_t padded = width + 2 * radius;
  const int64_t levels = std::bit_width(static_cast<uint64_t>(2 * radius + 1));

  parallel_for(height, std::max<int64_t>(1, 32768 / width), [&](int64_t begin, int64_t end) {
    Buffer<float> windows(static_cast<size_t>(levels * padded));
    Buffer<float> largest(static_cast<size_t>((end - begin) * width));
    std::fill(largest.begin(), largest.end(), -kInfinity);
    for (int64_t y = std::max<int64_t>(0, begin - radius); y < std::min(end + radius, height); ++y) {
      float* single = windows.data();
      std::fill_n(single, padded, -kInfinity);
      for (int64_t x = 0; x < width; ++x) single[radius + x] = sign * mask(y, x);
      for (int64_t level = 1; level < levels; ++level) {
        const float* half = windows.data() + (level - 1) * padded;
        float* whole = windows.data() + level * padded;
        const int64_t span = int64_t{1} << (level - 1);
        for (int64_t i = 0; i < padded - span; ++i) whole[i] = std::max(half[i], half[i + span]);
      }
      for (int64_t target = std::max(begin, y - radius); target < std::min(end, y + radius + 1); ++target) {
        const int64_t half_chord = half_chords[static_cast<size_t>(std::abs(target - y))];
        const int64_t chord = 2 * half_chord + 1;
        const int64_t level = std::bit_width(static_cast<uint64_t>(chord)) - 1;
        const float* left = windows.data() + level * padded + radius - half_chord;
        const float* right = left + chord - (int64_t{1} << level);
        float* row = largest.data() + (target - begin) * width;
        for (int64_t x = 0; x < width; ++x) row[x] = std::max(row[x], std::max(left[x], right[x]));
      }
    }
    for (int64_t y = begin; y < end; ++y)
      for (int64_t x = 0; x < width; ++x) out(y, x) = sign * largest[static_cast<size_t>((y - begin) * width + x)];
  });
}

/// Half of a Gaussian of sum 1: weights[k] is that of the pixels k away, to both sides.
std::vector<float> gaussian_weights(double sigma) {
  // OpenCV's size for float pictures, rounded to the next odd number.
  const int64_t radius = (std::llrint(8 * sigma + 1) | 1) / 2;
  std::vector<double> weights;
  double sum = 0;
  for (int64_t k = 0; k <= radius; ++k) {
    weights.push_back(std::exp(-0.5 * static_cast<double>(k * k) / (sigma * sigma)));
    sum += k == 0 ? weights.back() : 2 * weights.back();
  }
  std::vector<float> rounded;
  for (double weight : weights) rounded.push_back(static_cast<float>(weight / sum));
  return rounded;
}

/// Which of 0..size-1 lies at i when the picture goes on mirrored, the edge pixel not repeated (BORDER_REFLECT_101).
int64_t mirrored_at_edge(int64_t i, int64_t size) {
  if (size == 1) return 0;
  const int64_t period = 2 * (size - 1), within = ((i % period) + period) % period;
  return std::min(within, period - within);
}

void check_radius(const char* name, int64_t radius_px) {
  if (radius_px < 0) throw_invalid(name, ": radius_px is ", radius_px, ", at least 0 is wanted");
}

}  // namespace

void grow(ImageView<const float> mask, int64_t radius_px, Shape shape, ImageView<float> out) {
  check("grow", mask, out);
  check_radius("grow", radius_px);
  if (shape == Shape::kBox)
    dilate(mask, BoxReach::around(radius_px), out);
  else
    largest_in_disc(mask, radius_px, 1, out);
}

void shrink(ImageView<const float> mask, int64_t radius_px, Shape shape, ImageView<float> out) {
  check("shrink", mask, out);
  check_radius("shrink", radius_px);
  if (shape == Shape::kBox)
    erode(mask, BoxReach::around(radius_px), out);
  else
    largest_in_disc(mask, radius_px, -1, out);
}

void feather(ImageView<const float> mask, double sigma_px, ImageView<float> out) {
  check("feather", mask, out);
  if (!(sigma_px >= 0 && sigma_px <= kMostSigma))
    throw_invalid("feather: sigma_px is ", sigma_px, ", 0 to ", kMostSigma, " is wanted");
  const int64_t height = mask.height, width = mask.width;
  const std::vector<float> weights = sigma_px > 0 ? gaussian_weights(sigma_px) : std::vector<float>{1};
  const int64_t radius = static_cast<int64_t>(weights.size()) - 1;

  parallel_for(height, std::max<int64_t>(1, 32768 / (width * (radius + 1))), [&](int64_t begin, int64_t end) {
    Buffer<float> padded(static_cast<size_t>(width + 2 * radius)), softened(static_cast<size_t>(width));
    float *column_sums = padded.data() + radius, *sums = softened.data();
    for (int64_t y = begin; y < end; ++y) {
      for (int64_t x = 0; x < width; ++x) column_sums[x] = weights[0] * mask(y, x);
      for (int64_t k = 1; k <= radius; ++k) {
        const int64_t above = mirrored_at_edge(y - k, height), below = mirrored_at_edge(y + k, height);
        const float weight = weights[static_cast<size_t>(k)];
        if (mask.pixel_stride == 1)
          for (int64_t x = 0; x < width; ++x) column_sums[x] += weight * (mask.row(above)[x] + mask.row(below)[x]);
        else
          for (int64_t x = 0; x < width; ++x) column_sums[x] += weight * (mask(above, x) + mask(below, x));
      }
      for (int64_t k = 1; k <= radius; ++k) {
        column_sums[-k] = column_sums[mirrored_at_edge(-k, width)];
        column_sums[width - 1 + k] = column_sums[mirrored_at_edge(width - 1 + k, width)];
      }
      for (int64_t x = 0; x < width; ++x) sums[x] = weights[0] * column_sums[x];
      for (int64_t k = 1; k <= radius; ++k) {
        const float weight = weights[static_cast<size_t>(k)];
        for (int64_t x = 0; x < width; ++x) sums[x] += weight * (column_sums[x - k] + column_sums[x + k]);
      }
      for (int64_t x = 0; x < width; ++x) out(y, x) = sums[x];
    }
  });
}

/// Water rises from the picture's border: always the lowest pixel of the shore is flooded next, and lifts its
/// neighbours to its own level at least. Pixels of the present level need no order. When the level has reached the
/// mask's largest value, everything still dry ends there.
void fill_holes(ImageView<const float> mask, ImageView<float> out) {
  check("fill_holes", mask, out);
  if (mask.height > kMostRows || mask.width > kMostRows)
    throw_invalid("fill_holes: the mask is ", mask.height, " x ", mask.width, ", at most ", kMostRows,
                  " each are wanted");
  if (mask.height == 0 || mask.width == 0) return;
  const auto height = static_cast<int32_t>(mask.height), width = static_cast<int32_t>(mask.width);
  constexpr float kDry = std::numeric_limits<float>::quiet_NaN();
  float largest = -kInfinity;
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x) {
      largest = std::max(largest, mask(y, x));
      out(y, x) = kDry;
    }

  struct Place {
    int32_t y, x;
  };
  struct Pixel {
    float level;
    Place place;
    bool operator>(const Pixel& other) const { return level > other.level; }
  };
  std::priority_queue<Pixel, std::vector<Pixel>, std::greater<Pixel>> shore;
  std::vector<Place> at_level;
  float level = -kInfinity;
  auto reach = [&](int32_t y, int32_t x) {
    float& here = out(y, x);
    if (here == here) return;
    here = std::max(mask(y, x), level);
    if (here > level)
      shore.push({here, {y, x}});
    else
      at_level.push_back({y, x});
  };
  for (int32_t x = 0; x < width; ++x) reach(0, x), reach(height - 1, x);
  for (int32_t y = 0; y < height; ++y) reach(y, 0), reach(y, width - 1);

  while (level < largest) {
    if (at_level.empty()) {
      if (shore.empty()) break;
      level = shore.top().level;
      at_level.push_back(shore.top().place);
      shore.pop();
    }
    const auto [y, x] = at_level.back();
    at_level.pop_back();
    if (y > 0) reach(y - 1, x);
    if (y + 1 < height) reach(y + 1, x);
    if (x > 0) reach(y, x - 1);
    if (x + 1 < width) reach(y, x + 1);
  }
  for_each_row(height, width, [&](int64_t y) {
    for (int64_t x = 0; x < width; ++x) out(y, x) = std::isnan(out(y, x)) ? largest : out(y, x);
  });
}

void keep_largest_component(ImageView<const float> mask, float threshold, ImageView<float> out) {
  check("keep_largest_component", mask, out);
  const Components found = connected_components(mask, threshold);
  for_each_row(out.height, out.width, [&](int64_t y) {
    for (int64_t x = 0; x < out.width; ++x) out(y, x) = 0;
  });
  const auto largest = std::max_element(found.components.begin(), found.components.end(),
                                        [](const Component& a, const Component& b) { return a.area < b.area; });
  for (const Run& run : found.runs)
    if (run.component == largest - found.components.begin())
      for (int64_t x = run.begin; x < run.end; ++x) out(run.row, x) = mask(run.row, x);
}

}  // namespace mattecore::kernels
