#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "mattecore/base/image.h"
#include "mattecore/base/parallel.h"
#include "mattecore/base/round_up.h"
#include "mattecore/kernels/cpu/foreground_arguments.h"
#include "mattecore/kernels/foreground.h"
#include "mattecore/kernels/rows.h"

namespace mattecore::kernels {
namespace {

/// What is kept of a pixel, each in a plane of its own: alpha, the picture's colour, the two estimates.
enum Plane { kAlpha, kImage, kForeground = kImage + 3, kBackground = kForeground + 3, kPlanes = kBackground + 3 };

/// Rows top..bottom of one size of the picture. The even and the odd columns of a row lie apart, so that the pixels of
/// one colour of a chessboard, and their neighbours, are runs in memory:
///
///     even half   . 0 2 4 6 .      updating the even pixels of a row: left neighbours  odd[i - 1]
///     odd half    . 1 3 5 7 .                                         right neighbours odd[i]
///
/// The dots stand for the pixels beyond the border, which repeat it.
class Level {
 public:
  /// Holds at most so many rows at once; all of them to begin with, as far as there is room.
  Level(int64_t height, int64_t width, int64_t most_rows)
      : height(height),
        width(width),
        bottom(std::min(height, most_rows)),
        rows_(most_rows),
        stride_((width + 1) / 2 + 2),
        values_(static_cast<size_t>(kPlanes * most_rows * 2 * stride_)) {}

  int64_t height, width;
  int64_t top = 0, bottom;

  /// Pixel `parity` of row y; its neighbours two columns on follow.
  float* half_row(int64_t plane, int64_t y, int64_t parity) {
    return values_.data() + ((plane * rows_ + y - top) * 2 + parity) * stride_ + 1;
  }
  int64_t half_width(int64_t parity) const { return (width + 1 - parity) / 2; }
  /// How far the odd half of a row lies from the even one.
  int64_t half_stride() const { return stride_; }

  /// Sets what stands beside the border in the half that holds the neighbours of pixels of this parity.
  void repeat_border(int64_t plane, int64_t y, int64_t parity) {
    float* own = half_row(plane, y, parity);
    float* beside = half_row(plane, y, 1 - parity);
    if (parity == 0) beside[-1] = own[0];
    if ((width - 1) % 2 == parity) beside[half_width(1 - parity)] = own[half_width(parity) - 1];
  }

 private:
  int64_t rows_;
  int64_t stride_;
  Buffer<float> values_;
};

/// out[i] = from[columns[i] * stride]; a stride the compiler knows lets it gather vectors.
template <int64_t kStride>
void pick_known(const float* from, const int32_t* columns, int64_t count, float* __restrict out) {
  for (int64_t i = 0; i < count; ++i) out[i] = from[columns[i] * kStride];
}

void pick(const float* from, int64_t stride, const int32_t* columns, int64_t count, float* __restrict out) {
  if (stride == 1) return pick_known<1>(from, columns, count, out);
  if (stride == 3) return pick_known<3>(from, columns, count, out);
  for (int64_t i = 0; i < count; ++i) out[i] = from[columns[i] * stride];
}

/// Where the nearest pixels of the picture and of the level before lie, by parity of the column.
struct Columns {
  std::vector<int32_t> image[2], smaller[2];

  Columns(int64_t image_width, const Level& before, int64_t width) {
    for (int64_t x = 0; x < width; ++x) {
      const int64_t nearest = x * before.width / width;
      image[x % 2].push_back(static_cast<int32_t>(x * image_width / width));
      smaller[x % 2].push_back(static_cast<int32_t>(nearest / 2 + nearest % 2 * before.half_stride()));
    }
  }
};

/// Fills the rows that a level holds with the nearest pixels of the picture and of the level before.
void fill(ImageView<const float> image, ImageView<const float> alpha, Level& before, const Columns& columns,
          Level& level) {
  for_each_row(level.bottom - level.top, level.width * kPlanes, [&](int64_t row) {
    const int64_t y = level.top + row;
    const int64_t v = y * image.height / level.height, nearest = y * before.height / level.height;
    for (int64_t parity = 0; parity < 2; ++parity) {
      const int64_t count = level.half_width(parity);
      const int32_t* from = columns.image[parity].data();
      pick(alpha.row(v), alpha.pixel_stride, from, count, level.half_row(kAlpha, y, parity));
      for (int64_t c = 0; c < 3; ++c)
        pick(image.row(v) + c * image.channel_stride, image.pixel_stride, from, count,
             level.half_row(kImage + c, y, parity));
      for (int64_t plane = kForeground; plane < kPlanes; ++plane)
        pick(before.half_row(plane, nearest, 0), 1, columns.smaller[parity].data(), count,
             level.half_row(plane, y, parity));
    }
    for (int64_t parity = 0; parity < 2; ++parity) level.repeat_border(kAlpha, y, parity);
  });
}

/// Updates the pixels of one parity of a row: each becomes the F and B that lower the energy most while its neighbours
/// stay. The 2 x 2 matrix is [alpha^2 + sum, alpha (1 - alpha); alpha (1 - alpha), (1 - alpha)^2 + sum].
void update_half_row(Level& level, int64_t y, int64_t parity, float regularization, float gradient_weight) {
  const int64_t up = std::max<int64_t>(0, y - 1), down = std::min(level.height - 1, y + 1);
  const int64_t left = parity - 1, right = parity;  // in the other half
  for (int64_t plane = kForeground; plane < kPlanes; ++plane) level.repeat_border(plane, y, parity);

  const float* alpha = level.half_row(kAlpha, y, parity);
  const float* beside_alpha = level.half_row(kAlpha, y, 1 - parity);
  const float *above_alpha = level.half_row(kAlpha, up, parity), *below_alpha = level.half_row(kAlpha, down, parity);
  const float *image[3], *beside[6], *above[6], *below[6];
  float* own[6];
  for (int c = 0; c < 3; ++c) image[c] = level.half_row(kImage + c, y, parity);
  for (int p = 0; p < 6; ++p) {
    own[p] = level.half_row(kForeground + p, y, parity);
    beside[p] = level.half_row(kForeground + p, y, 1 - parity);
    above[p] = level.half_row(kForeground + p, up, parity);
    below[p] = level.half_row(kForeground + p, down, parity);
  }
#pragma GCC ivdep
  for (int64_t i = 0; i < level.half_width(parity); ++i) {
    const float a = alpha[i], b = 1 - a;
    const float w_left = regularization + gradient_weight * std::abs(a - beside_alpha[i + left]);
    const float w_right = regularization + gradient_weight * std::abs(a - beside_alpha[i + right]);
    const float w_above = regularization + gradient_weight * std::abs(a - above_alpha[i]);
    const float w_below = regularization + gradient_weight * std::abs(a - below_alpha[i]);
    const float sum = (w_left + w_right) + (w_above + w_below);
    // The determinant, without the terms that cancel.
    const float inverse = 1 / (sum * (a * a + b * b + sum));
    const float ff = (b * b + sum) * inverse, fb = -a * b * inverse, bb = (a * a + sum) * inverse;
    for (int c = 0; c < 3; ++c) {
      const float f = a * image[c][i] + (w_left * beside[c][i + left] + w_right * beside[c][i + right]) +
                      (w_above * above[c][i] + w_below * below[c][i]);
      const float g = b * image[c][i] + (w_left * beside[c + 3][i + left] + w_right * beside[c + 3][i + right]) +
                      (w_above * above[c + 3][i] + w_below * below[c + 3][i]);
      const float new_f = ff * f + fb * g, new_b = fb * f + bb * g;
      own[c][i] = new_f < 0 ? 0.0f : new_f > 1 ? 1.0f : new_f;
      own[c + 3][i] = new_b < 0 ? 0.0f : new_b > 1 ? 1.0f : new_b;
    }
  }
}

/// Updates all pixels of the rows that a level holds: the white fields of a chessboard, which see only black ones, then
/// the black, `sweeps` times. Rows whose neighbour is not held are left out, and so, time by time, one row more on
/// either side that is not the picture's own border.
void sweep(Level& level, int sweeps, const MultilevelForegroundOptions& options) {
  for (int64_t step = 0; step < 2 * sweeps; ++step) {
    const int64_t begin = level.top == 0 ? 0 : level.top + 1 + step;
    const int64_t end = level.bottom == level.height ? level.height : level.bottom - 1 - step;
    for_each_row(end - begin, level.width * kPlanes, [&](int64_t row) {
      const int64_t y = begin + row, parity = (y + step) % 2;
      if (level.half_width(parity) > 0)
        update_half_row(level, y, parity, static_cast<float>(options.regularization),
                        static_cast<float>(options.gradient_weight));
    });
  }
}

/// The level of one pixel: the mean colours of what is surely foreground (alpha above 0.9) and surely background (below
/// 0.1); 0 without any.
Level mean_colours(ImageView<const float> image, ImageView<const float> alpha) {
  std::vector<std::array<double, 8>> rows(static_cast<size_t>(image.height));
  for_each_row(image.height, image.width * 4, [&](int64_t y) {
    std::array<double, 8> sums{};
    for (int64_t x = 0; x < image.width; ++x) {
      const float a = alpha(y, x);
      if (a >= 0.1f && a <= 0.9f) continue;
      double* sum = sums.data() + (a > 0.9f ? 0 : 4);
      for (int64_t c = 0; c < 3; ++c) sum[c] += static_cast<double>(image(y, x, c));
      sum[3] += 1;
    }
    rows[static_cast<size_t>(y)] = sums;
  });
  std::array<double, 8> total{};
  for (const auto& sums : rows)
    for (size_t i = 0; i < 8; ++i) total[i] += sums[i];
  Level level(1, 1, 1);
  for (size_t c = 0; c < 3; ++c) {
    *level.half_row(kForeground + static_cast<int64_t>(c), 0, 0) =
        static_cast<float>(total[c] / std::max(1.0, total[3]));
    *level.half_row(kBackground + static_cast<int64_t>(c), 0, 0) =
        static_cast<float>(total[4 + c] / std::max(1.0, total[7]));
  }
  return level;
}

/// Rows begin..end of three planes as colours.
void write(Level& level, int64_t first_plane, int64_t begin, int64_t end, ImageView<float> out) {
  for (int64_t y = begin; y < end; ++y)
    for (int64_t parity = 0; parity < 2; ++parity)
      for (int64_t c = 0; c < 3; ++c) {
        const float* from = level.half_row(first_plane + c, y, parity);
        float* to = out.data + y * out.row_stride + parity * out.pixel_stride + c * out.channel_stride;
        for (int64_t i = 0; i < level.half_width(parity); ++i) to[2 * i * out.pixel_stride] = from[i];
      }
}

/// The last level, band by band: a half sweep looks one row up and down, so a band with as many more rows on either
/// side as there are half sweeps comes out as it would from the whole. That keeps fresh memory, whose first touch costs
/// more than the sweeps, to a few rows a thread.
void finish(ImageView<const float> image, ImageView<const float> alpha, Level& before, int sweeps,
            const MultilevelForegroundOptions& options, ImageView<float> foreground, ImageView<float> background) {
  constexpr int64_t kBand = 64;
  const int64_t margin = 2 * sweeps;
  const Columns columns(image.width, before, image.width);
  parallel_for(pieces(image.height, kBand), 1, [&](int64_t first_band, int64_t last_band) {
    Level level(image.height, image.width, std::min(image.height, kBand + 2 * margin));
    for (int64_t band = first_band; band < last_band; ++band) {
      const int64_t begin = band * kBand, end = std::min(image.height, begin + kBand);
      level.top = std::max<int64_t>(0, begin - margin);
      level.bottom = std::min(image.height, end + margin);
      fill(image, alpha, before, columns, level);
      sweep(level, sweeps, options);
      write(level, kForeground, begin, end, foreground);
      if (background.data) write(level, kBackground, begin, end, background);
    }
  });
}

}  // namespace

void multilevel_foreground(ImageView<const float> image, ImageView<const float> alpha,
                           const MultilevelForegroundOptions& options, ImageView<float> foreground,
                           ImageView<float> background) {
  check_foreground_arguments("multilevel_foreground", image, alpha, foreground, background);
  if (image.height == 0 || image.width == 0) return;
  const auto sweeps_of = [&](int64_t height, int64_t width) {
    return std::max(height, width) <= options.small_size ? options.small_sweeps : options.large_sweeps;
  };

  // Both sides grow by equal factors, of about two, so that they arrive at the same time.
  const double longest = static_cast<double>(std::max(image.height, image.width));
  const int levels = std::max(1, static_cast<int>(std::ceil(std::log2(longest))));
  Level level = mean_colours(image, alpha);
  for (int i = 0; i < levels; ++i) {
    const double part = static_cast<double>(i) / levels;
    const int64_t height = std::llround(std::pow(static_cast<double>(image.height), part));
    const int64_t width = std::llround(std::pow(static_cast<double>(image.width), part));
    Level larger(height, width, height);
    fill(image, alpha, level, Columns(image.width, level, width), larger);
    sweep(larger, sweeps_of(height, width), options);
    level = std::move(larger);
  }
  finish(image, alpha, level, sweeps_of(image.height, image.width), options, foreground, background);
}

}  // namespace mattecore::kernels
