#include <algorithm>
#include <cmath>
#include <vector>

#include "mattecore/base/image.h"
#include "mattecore/base/parallel.h"
#include "mattecore/kernels/cpu/foreground_arguments.h"
#include "mattecore/kernels/foreground.h"

#pragma GCC diagnostic ignored "-Wpsabi"

namespace mattecore::kernels {
namespace {

/// A pixel's foreground (0..2) and background (4..6); lanes 3 and 7 hold nothing of use.
typedef float Colours __attribute__((vector_size(32)));

/// Rows whose sweep is one chain of dependent updates. Strips alternate, even ones first, so that two threads never
/// work on neighbours; any even spread of them gives the same result.
constexpr int64_t kStrip = 32;

/// Values that one thread takes at least where rows are independent.
constexpr int64_t kGrain = 1 << 14;

/// One size of the picture. Rows have a pixel more on either side, which repeats the border.
class Level {
 public:
  Level(int64_t height, int64_t width)
      : height(height),
        width(width),
        stride_(width + 2),
        known_(static_cast<size_t>(4 * height * stride_)),
        colours_(static_cast<size_t>(height * stride_)) {}

  int64_t height, width;

  /// Image 0..2 and alpha 3 as planes; the row's start is the pixel x = 0.
  float* known(int64_t plane, int64_t y) { return known_.data() + (plane * height + y) * stride_ + 1; }
  Colours* colours(int64_t y) { return colours_.data() + y * stride_ + 1; }

 private:
  int64_t stride_;
  Buffer<float> known_;
  Buffer<Colours> colours_;
};

template <class T>
void repeat_ends(T* row, int64_t width) {
  row[-1] = row[0];
  row[width] = row[width - 1];
}

template <class Body>
void for_rows(int64_t rows, int64_t width, Body&& body) {
  parallel_for(rows, std::max<int64_t>(1, kGrain / width), [&](int64_t begin, int64_t end) {
    for (int64_t y = begin; y < end; ++y) body(y);
  });
}

/// Fills a level with the nearest pixels of the picture and of the level before.
void fill(ImageView<const float> image, ImageView<const float> alpha, Level& smaller, Level& level) {
  std::vector<int64_t> xs(static_cast<size_t>(level.width)), smaller_xs(static_cast<size_t>(level.width));
  for (int64_t x = 0; x < level.width; ++x) {
    xs[static_cast<size_t>(x)] = x * image.width / level.width;
    smaller_xs[static_cast<size_t>(x)] = x * smaller.width / level.width;
  }
  for_rows(level.height, level.width, [&](int64_t y) {
    const int64_t v = y * image.height / level.height;
    for (int64_t c = 0; c < 4; ++c) {
      const float* from = c < 3 ? image.row(v) + c * image.channel_stride : alpha.row(v);
      const int64_t stride = c < 3 ? image.pixel_stride : alpha.pixel_stride;
      float* out = level.known(c, y);
      for (int64_t x = 0; x < level.width; ++x) out[x] = from[xs[static_cast<size_t>(x)] * stride];
      repeat_ends(out, level.width);
    }
    const Colours* from = smaller.colours(y * smaller.height / level.height);
    Colours* out = level.colours(y);
    for (int64_t x = 0; x < level.width; ++x) out[x] = from[smaller_xs[static_cast<size_t>(x)]];
    repeat_ends(out, level.width);
  });
}

/// What an update of a pixel needs besides its neighbours' colours: the neighbours' weights and the inverse
/// [ff fb; fb bb] of the 2 x 2 matrix [alpha^2 + sum, alpha (1 - alpha); alpha (1 - alpha), (1 - alpha)^2 + sum].
struct RowWeights {
  explicit RowWeights(int64_t width) : values(static_cast<size_t>(7 * width)), width(width) {}

  float* plane(int64_t i) { return values.data() + i * width; }

  void compute(Level& level, int64_t y, int64_t up, int64_t down, float regularization, float gradient_weight) {
    const float *alpha = level.known(3, y), *above_alpha = level.known(3, up), *below_alpha = level.known(3, down);
    float *left = plane(0), *right = plane(1), *above = plane(2), *below = plane(3);
    float *ff = plane(4), *fb = plane(5), *bb = plane(6);
    for (int64_t x = 0; x < width; ++x) {
      const float a = alpha[x], b = 1 - a;
      left[x] = regularization + gradient_weight * std::abs(a - alpha[x - 1]);
      right[x] = regularization + gradient_weight * std::abs(a - alpha[x + 1]);
      above[x] = regularization + gradient_weight * std::abs(a - above_alpha[x]);
      below[x] = regularization + gradient_weight * std::abs(a - below_alpha[x]);
      const float sum = (left[x] + right[x]) + (above[x] + below[x]);
      // The determinant, without the terms that cancel.
      const float inverse = 1 / (sum * (a * a + b * b + sum));
      ff[x] = (b * b + sum) * inverse;
      fb[x] = -a * b * inverse;
      bb[x] = (a * a + sum) * inverse;
    }
  }

  Buffer<float> values;
  int64_t width;
};

[[gnu::always_inline]] inline Colours swap_halves(const Colours& v) {
  return __builtin_shufflevector(v, v, 4, 5, 6, 7, 0, 1, 2, 3);
}

/// Updates a row from left to right, each pixel with the new colours of those before it.
void update_row(Level& level, int64_t y, int64_t up, int64_t down, RowWeights& weights) {
  const float *red = level.known(0, y), *green = level.known(1, y), *blue = level.known(2, y),
              *alpha = level.known(3, y);
  const Colours *above = level.colours(up), *below = level.colours(down);
  Colours* row = level.colours(y);
  const float *w_left = weights.plane(0), *w_right = weights.plane(1), *w_above = weights.plane(2);
  const float *w_below = weights.plane(3), *ff = weights.plane(4), *fb = weights.plane(5), *bb = weights.plane(6);
  const Colours zero = {}, one = zero + 1;
  // Of the chain of dependent steps only what needs the left neighbour remains; the rest overlaps.
  Colours left = row[-1];
  for (int64_t x = 0; x < level.width; ++x) {
    const float a = alpha[x], b = 1 - a;
    const Colours own = {a * red[x], a * green[x], a * blue[x], 0, b * red[x], b * green[x], b * blue[x], 0};
    const Colours rest = (own + w_right[x] * row[x + 1]) + (w_above[x] * above[x] + w_below[x] * below[x]);
    const Colours diagonal = {ff[x], ff[x], ff[x], ff[x], bb[x], bb[x], bb[x], bb[x]};
    const Colours without_left = diagonal * rest + fb[x] * swap_halves(rest);
    const Colours update = without_left + (diagonal * w_left[x] * left + fb[x] * w_left[x] * swap_halves(left));
    left = update > zero ? update : zero;
    left = left < one ? left : one;
    row[x] = left;
  }
  repeat_ends(row, level.width);
}

void sweep(Level& level, const MultilevelForegroundOptions& options) {
  const int64_t strips = (level.height + kStrip - 1) / kStrip;
  for (int64_t parity = 0; parity < 2; ++parity)
    parallel_for((strips + 1 - parity) / 2, std::max<int64_t>(1, kGrain / (kStrip * level.width)),
                 [&](int64_t begin, int64_t end) {
                   RowWeights weights(level.width);
                   for (int64_t i = begin; i < end; ++i) {
                     const int64_t first = (2 * i + parity) * kStrip;
                     for (int64_t y = first; y < std::min(level.height, first + kStrip); ++y) {
                       const int64_t up = std::max<int64_t>(0, y - 1), down = std::min(level.height - 1, y + 1);
                       weights.compute(level, y, up, down, static_cast<float>(options.regularization),
                                       static_cast<float>(options.gradient_weight));
                       update_row(level, y, up, down, weights);
                     }
                   }
                 });
}

/// The mean colour of the pixels that `belongs` takes, 0 without any.
template <class Belongs>
void mean_colour(ImageView<const float> image, ImageView<const float> alpha, Belongs&& belongs, float (&mean)[3]) {
  std::vector<double> sums(static_cast<size_t>(image.height) * 4);
  for_rows(image.height, image.width, [&](int64_t y) {
    double* sum = sums.data() + 4 * y;
    for (int64_t x = 0; x < image.width; ++x) {
      if (!belongs(alpha(y, x))) continue;
      for (int64_t c = 0; c < 3; ++c) sum[c] += static_cast<double>(image(y, x, c));
      sum[3] += 1;
    }
  });
  double total[4] = {};
  for (size_t i = 0; i < sums.size(); ++i) total[i % 4] += sums[i];
  for (int c = 0; c < 3; ++c) mean[c] = static_cast<float>(total[c] / std::max(1.0, total[3]));
}

void write(Level& level, int first_lane, ImageView<float> out) {
  for_rows(out.height, out.width, [&](int64_t y) {
    const Colours* row = level.colours(y);
    for (int64_t x = 0; x < out.width; ++x)
      for (int c = 0; c < 3; ++c) out(y, x, c) = row[x][first_lane + c];
  });
}

}  // namespace

void multilevel_foreground(ImageView<const float> image, ImageView<const float> alpha,
                           const MultilevelForegroundOptions& options, ImageView<float> foreground,
                           ImageView<float> background) {
  check_foreground_arguments("multilevel_foreground", image, alpha, foreground, background);
  if (image.height == 0 || image.width == 0) return;
  float f[3], b[3];
  mean_colour(image, alpha, [](float a) { return a > 0.9f; }, f);
  mean_colour(image, alpha, [](float a) { return a < 0.1f; }, b);
  Level level(1, 1);
  *level.colours(0) = Colours{f[0], f[1], f[2], 0, b[0], b[1], b[2], 0};

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
  write(level, 0, foreground);
  if (background.data) write(level, 4, background);
}

}  // namespace mattecore::kernels
