#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "mattecore/base/image.h"
#include "mattecore/base/parallel.h"
#include "mattecore/kernels/cpu/foreground_arguments.h"
#include "mattecore/kernels/foreground.h"
#include "mattecore/kernels/rows.h"

namespace mattecore::kernels {
namespace {

/// What is kept of a pixel, each in a plane of its own: alpha, the picture's colour, the two estimates.
enum Plane { kAlpha, kImage, kForeground = kImage + 3, kBackground = kForeground + 3, kPlanes = kBackground + 3 };

/// One size of the picture. The even and the odd columns of a row lie apart, so that the pixels of one colour of a
/// chessboard, and their neighbours, are runs in memory:
///
///     even half   . 0 2 4 6 .      updating the even pixels of a row: left neighbours  odd[i - 1]
///     odd half    . 1 3 5 7 .                                         right neighbours odd[i]
///
/// The dots stand for the pixels beyond the border, which repeat it.
class Level {
 public:
  Level(int64_t height, int64_t width)
      : height(height),
        width(width),
        stride_((width + 1) / 2 + 2),
        values_(static_cast<size_t>(kPlanes * height * 2 * stride_)) {}

  int64_t height, width;

  /// Pixel `parity` of row y; its neighbours two columns on follow.
  float* half_row(int64_t plane, int64_t y, int64_t parity) {
    return values_.data() + ((plane * height + y) * 2 + parity) * stride_ + 1;
  }
  int64_t half_width(int64_t parity) const { return (width + 1 - parity) / 2; }

  /// Sets what stands beside the border in the half that holds the neighbours of pixels of this parity.
  void repeat_border(int64_t plane, int64_t y, int64_t parity) {
    float* own = half_row(plane, y, parity);
    float* beside = half_row(plane, y, 1 - parity);
    if (parity == 0) beside[-1] = own[0];
    if ((width - 1) % 2 == parity) beside[half_width(1 - parity)] = own[half_width(parity) - 1];
  }

 private:
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

/// Fills a level with the nearest pixels of the picture and of the level before.
void fill(ImageView<const float> image, ImageView<const float> alpha, Level& smaller, Level& level) {
  std::vector<int32_t> image_columns[2], smaller_columns[2];
  for (int64_t x = 0; x < level.width; ++x) {
    const int64_t before = x * smaller.width / level.width;
    image_columns[x % 2].push_back(static_cast<int32_t>(x * image.width / level.width));
    // From the start of the even half: the odd one lies a stride on.
    smaller_columns[x % 2].push_back(
        static_cast<int32_t>(before / 2 + before % 2 * (smaller.half_row(0, 0, 1) - smaller.half_row(0, 0, 0))));
  }
  for_each_row(level.height, level.width * kPlanes, [&](int64_t y) {
    const int64_t v = y * image.height / level.height, before = y * smaller.height / level.height;
    for (int64_t parity = 0; parity < 2; ++parity) {
      const int64_t count = level.half_width(parity);
      pick(alpha.row(v), alpha.pixel_stride, image_columns[parity].data(), count, level.half_row(kAlpha, y, parity));
      for (int64_t c = 0; c < 3; ++c)
        pick(image.row(v) + c * image.channel_stride, image.pixel_stride, image_columns[parity].data(), count,
             level.half_row(kImage + c, y, parity));
      for (int64_t plane = kForeground; plane < kPlanes; ++plane)
        pick(smaller.half_row(plane, before, 0), 1, smaller_columns[parity].data(), count,
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

/// Updates all pixels: the white fields of a chessboard, which see only black ones, then the black.
void sweep(Level& level, const MultilevelForegroundOptions& options) {
  for (int64_t colour = 0; colour < 2; ++colour)
    for_each_row(level.height, level.width * kPlanes, [&](int64_t y) {
      const int64_t parity = (y + colour) % 2;
      if (level.half_width(parity) > 0)
        update_half_row(level, y, parity, static_cast<float>(options.regularization),
                        static_cast<float>(options.gradient_weight));
    });
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
  Level level(1, 1);
  for (size_t c = 0; c < 3; ++c) {
    *level.half_row(kForeground + static_cast<int64_t>(c), 0, 0) =
        static_cast<float>(total[c] / std::max(1.0, total[3]));
    *level.half_row(kBackground + static_cast<int64_t>(c), 0, 0) =
        static_cast<float>(total[4 + c] / std::max(1.0, total[7]));
  }
  return level;
}

void write(Level& level, int64_t first_plane, ImageView<float> out) {
  for_each_row(out.height, out.width * 3, [&](int64_t y) {
    for (int64_t parity = 0; parity < 2; ++parity)
      for (int64_t c = 0; c < 3; ++c) {
        const float* from = level.half_row(first_plane + c, y, parity);
        float* to = &out(y, parity, c);
        for (int64_t i = 0; i < level.half_width(parity); ++i) to[2 * i * out.pixel_stride] = from[i];
      }
  });
}

}  // namespace

void multilevel_foreground(ImageView<const float> image, ImageView<const float> alpha,
                           const MultilevelForegroundOptions& options, ImageView<float> foreground,
                           ImageView<float> background) {
  check_foreground_arguments("multilevel_foreground", image, alpha, foreground, background);
  if (image.height == 0 || image.width == 0) return;
  Level level = mean_colours(image, alpha);

  // Both sides grow by equal factors, of about two, so that they arrive at the same time.
  const double longest = static_cast<double>(std::max(image.height, image.width));
  const int levels = std::max(1, static_cast<int>(std::ceil(std::log2(longest))));
  for (int i = 0; i <= levels; ++i) {
    const double part = static_cast<double>(i) / levels;
    Level larger(std::llround(std::pow(static_cast<double>(image.height), part)),
                 std::llround(std::pow(static_cast<double>(image.width), part)));
    fill(image, alpha, level, larger);
    level = std::move(larger);
    const bool small = std::max(level.height, level.width) <= options.small_size;
    for (int s = 0; s < (small ? options.small_sweeps : options.large_sweeps); ++s) sweep(level, options);
  }
  write(level, kForeground, foreground);
  if (background.data) write(level, kBackground, background);
}

}  // namespace mattecore::kernels
