#include "mattecore/kernels/guided_filter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <stdexcept>
#include <vector>

#include "mattecore/base/image.h"
#include "mattecore/base/parallel.h"

namespace mattecore::kernels {
namespace {

Image<float> random_image(int64_t height, int64_t width, int64_t channels, uint32_t seed) {
  Image<float> image(height, width, channels);
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> value(0, 1);
  for (int64_t i = 0; i < height * width * channels; ++i) image.view().data[i] = value(random);
  return image;
}

/// A disc in the middle.
Image<float> blob(int64_t height, int64_t width) {
  Image<float> mask(height, width);
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x)
      mask(y, x) = std::hypot(static_cast<double>(y - height / 2), static_cast<double>(x - width / 2)) <
                           static_cast<double>(height + width) / 6
                       ? 1.0f
                       : 0.0f;
  return mask;
}

int64_t mirrored(int64_t i, int64_t size) {
  while (i < 0 || i >= size) i = i < 0 ? -1 - i : 2 * size - 1 - i;
  return i;
}

using Plane = std::vector<double>;

/// Mean over the box, a pixel and an axis at a time.
Plane box_mean(const Plane& in, int64_t height, int64_t width, int64_t radius) {
  Plane rows(in.size()), out(in.size());
  const double side = static_cast<double>(2 * radius + 1);
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x) {
      double sum = 0;
      for (int64_t d = -radius; d <= radius; ++d) sum += in[static_cast<size_t>(y * width + mirrored(x + d, width))];
      rows[static_cast<size_t>(y * width + x)] = sum / side;
    }
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x) {
      double sum = 0;
      for (int64_t d = -radius; d <= radius; ++d) sum += rows[static_cast<size_t>(mirrored(y + d, height) * width + x)];
      out[static_cast<size_t>(y * width + x)] = sum / side;
    }
  return out;
}

/// Solves the n x n system in double by Gauss-Jordan elimination; the matrix is positive definite.
std::array<double, 3> solve(std::array<std::array<double, 3>, 3> matrix, std::array<double, 3> right, size_t n) {
  for (size_t i = 0; i < n; ++i)
    for (size_t j = 0; j < n; ++j) {
      if (j == i) continue;
      const double factor = matrix[j][i] / matrix[i][i];
      for (size_t k = 0; k < n; ++k) matrix[j][k] -= factor * matrix[i][k];
      right[j] -= factor * right[i];
    }
  for (size_t i = 0; i < n; ++i) right[i] /= matrix[i][i];
  return right;
}

/// The paper's equations in double.
Plane reference(ImageView<const float> guide, ImageView<const float> source, int64_t radius, double eps) {
  const int64_t height = guide.height, width = guide.width;
  const auto pixels = static_cast<size_t>(height * width), channels = static_cast<size_t>(guide.channels);
  auto mean = [&](const Plane& plane) { return box_mean(plane, height, width, radius); };
  auto product = [&](Plane a, const Plane& b) {
    for (size_t i = 0; i < pixels; ++i) a[i] *= b[i];
    return a;
  };
  std::vector<Plane> i_planes(channels, Plane(pixels)), means, covariances_with_p;
  Plane p(pixels);
  for (size_t i = 0; i < pixels; ++i) {
    const auto y = static_cast<int64_t>(i) / width, x = static_cast<int64_t>(i) % width;
    p[i] = source(y, x);
    for (size_t c = 0; c < channels; ++c) i_planes[c][i] = guide(y, x, static_cast<int64_t>(c));
  }
  const Plane p_mean = mean(p);
  for (const Plane& plane : i_planes)
    means.push_back(mean(plane)), covariances_with_p.push_back(mean(product(plane, p)));
  std::vector<std::vector<Plane>> covariances(channels);
  for (size_t c = 0; c < channels; ++c)
    for (size_t d = 0; d < channels; ++d) covariances[c].push_back(mean(product(i_planes[c], i_planes[d])));

  std::vector<Plane> a(channels, Plane(pixels));
  Plane b(pixels);
  for (size_t i = 0; i < pixels; ++i) {
    std::array<std::array<double, 3>, 3> matrix{};
    std::array<double, 3> right{};
    for (size_t c = 0; c < channels; ++c) {
      for (size_t d = 0; d < channels; ++d)
        matrix[c][d] = covariances[c][d][i] - means[c][i] * means[d][i] + (c == d ? eps : 0);
      right[c] = covariances_with_p[c][i] - means[c][i] * p_mean[i];
    }
    const std::array<double, 3> solved = solve(matrix, right, channels);
    b[i] = p_mean[i];
    for (size_t c = 0; c < channels; ++c) a[c][i] = solved[c], b[i] -= solved[c] * means[c][i];
  }
  Plane out = mean(b);
  for (size_t c = 0; c < channels; ++c) {
    const Plane weights = mean(a[c]);
    for (size_t i = 0; i < pixels; ++i) out[i] += weights[i] * i_planes[c][i];
  }
  return out;
}

Image<float> filtered(const Image<float>& guide, const Image<float>& source, int64_t radius, double eps) {
  Image<float> out(source.view().height, source.view().width);
  guided_filter(guide.view(), source.view(), radius, eps, out.view());
  return out;
}

double worst_difference(const Image<float>& image, const Plane& wanted) {
  double worst = 0;
  for (size_t i = 0; i < wanted.size(); ++i) {
    const double difference = std::abs(static_cast<double>(image.view().data[i]) - wanted[i]);
    worst = std::isnan(difference) ? difference : std::max(worst, difference);
  }
  return worst;
}

bool same_bytes(const Image<float>& a, const Image<float>& b) {
  return std::memcmp(a.view().data, b.view().data,
                     static_cast<size_t>(a.view().height * a.view().width) * sizeof(float)) == 0;
}

// The worst seen is 5.1e-6, with eps 1e-3 and a box of 3 x 3 pixels of noise.
constexpr double kTolerance = 1e-5;

TEST(GuidedFilter, MatchesThePapersEquationsAtEverySize) {
  for (int64_t channels : {1, 3})
    for (int64_t height = 1; height <= 5; ++height)
      for (int64_t width = 1; width <= 70; ++width) {
        const Image<float> guide = random_image(height, width, channels, static_cast<uint32_t>(width));
        const Image<float> source = random_image(height, width, 1, static_cast<uint32_t>(height + 100));
        const int64_t radius = (width * 7 + height) % 9;
        EXPECT_LT(worst_difference(filtered(guide, source, radius, 0.015),
                                   reference(guide.view(), source.view(), radius, 0.015)),
                  kTolerance)
            << height << " x " << width << " x " << channels << ", radius " << radius;
      }
}

TEST(GuidedFilter, MatchesForRadiiUpToFarBeyondThePicture) {
  for (auto [height, width] : {std::pair<int64_t, int64_t>{150, 33}, {40, 140}, {3, 2}, {1, 1}})
    for (int64_t radius : {0, 1, 2, 15, 31, 32, 33, 64, 127, 300}) {
      const Image<float> guide = random_image(height, width, 3, 1);
      const Image<float> source = blob(height, width);
      EXPECT_LT(
          worst_difference(filtered(guide, source, radius, 1e-3), reference(guide.view(), source.view(), radius, 1e-3)),
          kTolerance)
          << height << " x " << width << ", radius " << radius;
    }
}

TEST(GuidedFilter, GivesTheSameBytesForAnyNumberOfThreads) {
  for (int64_t radius : {2, 40}) {
    const Image<float> guide = random_image(701, 83, 3, 5), source = blob(701, 83);
    set_num_threads(1);
    const Image<float> alone = filtered(guide, source, radius, 0.015);
    for (int threads : {2, 3, 7}) {
      set_num_threads(threads);
      EXPECT_TRUE(same_bytes(filtered(guide, source, radius, 0.015), alone))
          << threads << " threads, radius " << radius;
    }
  }
  set_num_threads(0);
}

TEST(GuidedFilter, KeepsAConstantSource) {
  const Image<float> guide = random_image(90, 75, 3, 6);
  Image<float> source(90, 75);
  std::fill_n(source.view().data, 90 * 75, 0.7f);
  for (int64_t radius : {5, 1'000'000'000})
    EXPECT_LT(worst_difference(filtered(guide, source, radius, 0.015), Plane(90 * 75, 0.7f)), 1e-5) << radius;
}

TEST(GuidedFilter, AveragesTwiceUnderAConstantGuide) {
  Image<float> guide(40, 50, 3);
  std::fill_n(guide.view().data, 40 * 50 * 3, 0.3f);
  const Image<float> source = blob(40, 50);
  Plane wanted(source.view().data, source.view().data + 40 * 50);
  wanted = box_mean(box_mean(wanted, 40, 50, 4), 40, 50, 4);
  EXPECT_LT(worst_difference(filtered(guide, source, 4, 0.015), wanted), 1e-5);
}

TEST(GuidedFilter, MirrorsWithItsInput) {
  const int64_t height = 70, width = 131;
  const Image<float> guide = random_image(height, width, 3, 7), source = blob(height, width);
  Image<float> turned_guide(height, width, 3), turned_source(height, width);
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x) {
      turned_source(y, x) = source(height - 1 - y, width - 1 - x);
      for (int64_t c = 0; c < 3; ++c) turned_guide(y, x, c) = guide(height - 1 - y, width - 1 - x, c);
    }
  const Image<float> straight = filtered(guide, source, 6, 0.015),
                     turned = filtered(turned_guide, turned_source, 6, 0.015);
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x)
      ASSERT_NEAR(straight(y, x), turned(height - 1 - y, width - 1 - x), 1e-5) << y << ", " << x;
}

TEST(GuidedFilter, ScalesWithItsSourceAndNotWithItsGuide) {
  const Image<float> guide = random_image(60, 61, 3, 8), source = blob(60, 61);
  const Image<float> once = filtered(guide, source, 3, 0.01);
  Image<float> twice_source(60, 61), twice_guide(60, 61, 3);
  for (int64_t i = 0; i < 60 * 61; ++i) twice_source.view().data[i] = 2 * source.view().data[i];
  for (int64_t i = 0; i < 60 * 61 * 3; ++i) twice_guide.view().data[i] = 2 * guide.view().data[i];
  // Powers of two change no rounding.
  const Image<float> twice = filtered(guide, twice_source, 3, 0.01);
  for (int64_t i = 0; i < 60 * 61; ++i) ASSERT_EQ(twice.view().data[i], 2 * once.view().data[i]);
  // eps counts in squared units of the guide.
  const Image<float> other = filtered(twice_guide, source, 3, 0.04);
  for (int64_t i = 0; i < 60 * 61; ++i) ASSERT_NEAR(other.view().data[i], once.view().data[i], 1e-6);
}

TEST(GuidedFilter, StaysCloseOverLongRows) {
  const int64_t height = 9, width = 20000;
  const Image<float> guide = random_image(height, width, 3, 9), source = random_image(height, width, 1, 10);
  EXPECT_LT(worst_difference(filtered(guide, source, 3, 0.015), reference(guide.view(), source.view(), 3, 0.015)),
            kTolerance);
}

TEST(GuidedFilter, DoesNotExplodeWhereTheGuideIsFlatAndEpsTiny) {
  Image<float> guide(100, 100, 3);
  for (int64_t i = 0; i < 100 * 100 * 3; ++i) guide.view().data[i] = 0.9f + 1e-4f * static_cast<float>(i % 7);
  const Image<float> out = filtered(guide, blob(100, 100), 10, 1e-6);
  for (int64_t i = 0; i < 100 * 100; ++i) {
    ASSERT_GT(out.view().data[i], -0.5f);
    ASSERT_LT(out.view().data[i], 1.5f);
  }
}

TEST(GuidedFilter, ReadsAnyStrides) {
  const int64_t height = 30, width = 67;
  const Image<float> guide = random_image(height, width, 3, 11), source = blob(height, width);
  const Image<float> wanted = filtered(guide, source, 3, 0.015);

  Image<float> rgba(height, width, 4), planes(3 * height, width), wide_source(height, 2 * width),
      wide_out(height, 2 * width);
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x) {
      wide_source(y, 2 * x) = source(y, x);
      rgba(y, x, 3) = std::numeric_limits<float>::quiet_NaN();
      for (int64_t c = 0; c < 3; ++c) rgba(y, x, c) = planes(c * height + y, x) = guide(y, x, c);
    }
  const ImageView<const float> colours_of_rgba(rgba.view().data, height, width, 3, width * 4, 4, 1);
  const ImageView<const float> planar(planes.view().data, height, width, 3, width, 1, height * width);
  const ImageView<const float> every_other(wide_source.view().data, height, width, 1, 2 * width, 2, 1);
  const ImageView<float> out(wide_out.view().data, height, width, 1, 2 * width, 2, 1);
  for (const auto& guide_view : {colours_of_rgba, planar}) {
    guided_filter(guide_view, every_other, 3, 0.015, out);
    for (int64_t y = 0; y < height; ++y)
      for (int64_t x = 0; x < width; ++x) ASSERT_EQ(out(y, x), wanted(y, x));
  }
}

TEST(GuidedFilter, RefusesWhatItCannotFilter) {
  const Image<float> guide = random_image(8, 9, 3, 1), two_channels = random_image(8, 9, 2, 1);
  const Image<float> source = random_image(8, 9, 1, 2), narrow = random_image(8, 8, 1, 2);
  Image<float> out(8, 9);
  EXPECT_THROW(guided_filter(two_channels.view(), source.view(), 3, 0.1, out.view()), std::invalid_argument);
  EXPECT_THROW(guided_filter(guide.view(), narrow.view(), 3, 0.1, out.view()), std::invalid_argument);
  EXPECT_THROW(guided_filter(guide.view(), guide.view(), 3, 0.1, out.view()), std::invalid_argument);
  EXPECT_THROW(guided_filter(guide.view(), source.view(), -1, 0.1, out.view()), std::invalid_argument);
  EXPECT_THROW(guided_filter(guide.view(), source.view(), 3, 0, out.view()), std::invalid_argument);
  EXPECT_THROW(fast_guided_filter(guide.view(), source.view(), 3, 0.1, 0, out.view()), std::invalid_argument);
  for (float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    Image<float> bad_guide = random_image(8, 9, 3, 1), bad_source = random_image(8, 9, 1, 2);
    bad_guide(7, 8, 2) = bad;
    bad_source(0, 0) = bad;
    EXPECT_THROW(guided_filter(bad_guide.view(), source.view(), 0, 0.1, out.view()), std::invalid_argument);
    EXPECT_THROW(guided_filter(guide.view(), bad_source.view(), 2, 0.1, out.view()), std::invalid_argument);
    EXPECT_THROW(fast_guided_filter(guide.view(), bad_source.view(), 2, 0.1, 2, out.view()), std::invalid_argument);
  }
}

TEST(FastGuidedFilter, IsTheFilterItselfWithoutSubsampling) {
  for (int64_t channels : {1, 3}) {
    const Image<float> guide = random_image(50, 71, channels, 3), source = blob(50, 71);
    Image<float> out(50, 71);
    fast_guided_filter(guide.view(), source.view(), 4, 0.015, 1, out.view());
    EXPECT_TRUE(same_bytes(out, filtered(guide, source, 4, 0.015)));
  }
}

TEST(FastGuidedFilter, ComesCloseOnSmoothPictures) {
  const int64_t height = 190, width = 201;
  Image<float> guide(height, width, 3);
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x)
      for (int64_t c = 0; c < 3; ++c)
        guide(y, x, c) =
            0.5f + 0.4f * std::sin(0.05f * static_cast<float>(x + (c + 1) * y / 2) + static_cast<float>(c));
  const Image<float> source = blob(height, width), wanted = filtered(guide, source, 16, 0.015);
  for (int64_t subsample : {2, 4, 7}) {
    Image<float> out(height, width);
    fast_guided_filter(guide.view(), source.view(), 16, 0.015, subsample, out.view());
    double sum = 0;
    for (int64_t i = 0; i < height * width; ++i) sum += std::abs(out.view().data[i] - wanted.view().data[i]);
    EXPECT_LT(sum / static_cast<double>(height * width), 0.003 * static_cast<double>(subsample)) << subsample;
  }
}

TEST(FastGuidedFilter, TakesEverySizeAndAnyNumberOfThreads) {
  for (int64_t height = 1; height <= 5; ++height)
    for (int64_t width = 1; width <= 70; ++width) {
      const Image<float> guide = random_image(height, width, 3, 1);
      Image<float> source(height, width), out(height, width);
      std::fill_n(source.view().data, height * width, 0.25f);
      fast_guided_filter(guide.view(), source.view(), 3, 0.015, 3, out.view());
      EXPECT_LT(worst_difference(out, Plane(static_cast<size_t>(height * width), 0.25)), 1e-5);
    }
  const Image<float> guide = random_image(701, 83, 3, 5), source = blob(701, 83);
  Image<float> alone(701, 83), out(701, 83);
  set_num_threads(1);
  fast_guided_filter(guide.view(), source.view(), 9, 0.015, 2, alone.view());
  for (int threads : {2, 3, 7}) {
    set_num_threads(threads);
    fast_guided_filter(guide.view(), source.view(), 9, 0.015, 2, out.view());
    EXPECT_TRUE(same_bytes(out, alone)) << threads;
  }
  set_num_threads(0);
}

}  // namespace
}  // namespace mattecore::kernels
