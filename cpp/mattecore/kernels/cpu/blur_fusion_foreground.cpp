#include <algorithm>
#include <vector>

#include "mattecore/base/error.h"
#include "mattecore/base/image.h"
#include "mattecore/base/parallel.h"
#include "mattecore/base/round_up.h"
#include "mattecore/kernels/cpu/foreground_arguments.h"
#include "mattecore/kernels/foreground.h"
#include "mattecore/kernels/reflected_axis.h"

namespace mattecore::kernels {
namespace {

/// Rows after which the running sums are formed anew: what keeps rounding from piling up, and lets threads begin
/// anywhere without a change in the result.
constexpr int64_t kStrip = 128;

/// What is summed of a pixel: alpha F (0..2), alpha (3), (1 - alpha) B (4..6), 1 - alpha (7).
typedef float Weighted __attribute__((vector_size(32)));

struct Source {
  ImageView<const float> foreground, background, alpha;

  void at(int64_t y, int64_t x, Weighted& out) const {
    const float a = alpha(y, x), b = 1 - a;
    out = Weighted{a * foreground(y, x, 0), a * foreground(y, x, 1), a * foreground(y, x, 2), a,
                   b * background(y, x, 0), b * background(y, x, 1), b * background(y, x, 2), b};
  }
};

/// Sums over boxes of 2 radius + 1 pixels around the pixels of a row, from its columns' sums.
void sum_row(const std::vector<Weighted>& columns, int64_t radius, std::vector<Weighted>& sums) {
  const int64_t width = std::ssize(columns);
  const auto column = [&](int64_t x) -> const Weighted& {
    return columns[static_cast<size_t>(x >= 0 && x < width ? x : reflect_101(x, width))];
  };
  Weighted sum = {};
  for (int64_t x = -radius; x < radius; ++x) sum += column(x);
  for (int64_t x = 0; x < width; ++x) {
    sum += column(x + radius);
    sums[static_cast<size_t>(x)] = sum;
    sum -= column(x - radius);
  }
}

/// The correction: mean colours F and B moved by what alpha F + (1 - alpha) B lacks of the image.
void fuse_row(const Source& source, ImageView<const float> image, int64_t y, const std::vector<Weighted>& sums,
              float area, ImageView<float> foreground, ImageView<float> background) {
  // Keeps 0 / 0 at 0 where a box holds nothing of one side; the paper's number, for means.
  const float nothing = 1e-5f * area;
  for (int64_t x = 0; x < image.width; ++x) {
    const Weighted& sum = sums[static_cast<size_t>(x)];
    const float a = source.alpha(y, x);
    const float per_alpha = 1 / (sum[3] + nothing), per_rest = 1 / (sum[7] + nothing);
    for (int64_t c = 0; c < 3; ++c) {
      const float f = sum[static_cast<int>(c)] * per_alpha, b = sum[static_cast<int>(c) + 4] * per_rest;
      foreground(y, x, c) = std::clamp(f + a * (image(y, x, c) - a * f - (1 - a) * b), 0.0f, 1.0f);
      if (background.data) background(y, x, c) = std::clamp(b, 0.0f, 1.0f);
    }
  }
}

void fuse(const Source& source, ImageView<const float> image, int64_t radius, ImageView<float> foreground,
          ImageView<float> background) {
  const int64_t height = image.height, width = image.width;
  const auto area = static_cast<float>((2 * radius + 1) * (2 * radius + 1));
  parallel_for(pieces(height, kStrip), 1, [&](int64_t begin, int64_t end) {
    std::vector<Weighted> columns(static_cast<size_t>(width)), sums(static_cast<size_t>(width));
    const auto add_row = [&](int64_t y, float factor) {
      const int64_t v = reflect_101(y, height);
      for (int64_t x = 0; x < width; ++x) {
        Weighted pixel;
        source.at(v, x, pixel);
        columns[static_cast<size_t>(x)] += factor * pixel;
      }
    };
    for (int64_t strip = begin; strip < end; ++strip) {
      const int64_t first = strip * kStrip;
      std::fill(columns.begin(), columns.end(), Weighted{});
      for (int64_t y = first - radius; y < first + radius; ++y) add_row(y, 1);
      for (int64_t y = first; y < std::min(height, first + kStrip); ++y) {
        add_row(y + radius, 1);
        sum_row(columns, radius, sums);
        fuse_row(source, image, y, sums, area, foreground, background);
        add_row(y - radius, -1);
      }
    }
  });
}

}  // namespace

void blur_fusion_foreground(ImageView<const float> image, ImageView<const float> alpha, int64_t large_radius_px,
                            int64_t small_radius_px, ImageView<float> foreground, ImageView<float> background) {
  check_foreground_arguments("blur_fusion_foreground", image, alpha, foreground, background);
  if (large_radius_px < 0 || small_radius_px < 0)
    throw_invalid("blur_fusion_foreground takes radii of at least 0, not ", large_radius_px, " and ", small_radius_px);
  if (image.height == 0 || image.width == 0) return;
  Image<float> rough_foreground(image.height, image.width, 3), rough_background(image.height, image.width, 3);
  fuse({image, image, alpha}, image, large_radius_px, rough_foreground.view(), rough_background.view());
  fuse({rough_foreground.view(), rough_background.view(), alpha}, image, small_radius_px, foreground, background);
}

}  // namespace mattecore::kernels
