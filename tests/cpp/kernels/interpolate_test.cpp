#include "mattecore/kernels/interpolate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "kernels/picture.h"

namespace mattecore::kernels {
namespace {

using testing::kLayouts;
using testing::Layout;
using testing::Picture;
using testing::with_thread_counts;

Picture<float> random_image(std::mt19937& random, int64_t height, int64_t width, int64_t channels) {
  std::uniform_real_distribution<float> values(0.0f, 1.0f);
  return Picture<float>(height, width, channels).fill([&] { return values(random); });
}

double position(int64_t i, int64_t in, int64_t out, bool align_corners) {
  const double n = static_cast<double>(in), m = static_cast<double>(out), at = static_cast<double>(i);
  if (align_corners) return out > 1 ? at * (n - 1) / (m - 1) : 0.0;
  return std::clamp((at + 0.5) * n / m - 0.5, 0.0, n - 1);
}

/// The value of the bilinear surface at a place, in double.
double surface(const Picture<float>& in, double y, double x, int64_t c) {
  const int64_t top = static_cast<int64_t>(y), left = static_cast<int64_t>(x);
  const int64_t bottom = std::min(top + 1, in.view().height - 1), right = std::min(left + 1, in.view().width - 1);
  const double down = y - static_cast<double>(top), across = x - static_cast<double>(left);
  return (1 - down) * ((1 - across) * in(top, left, c) + across * in(top, right, c)) +
         down * ((1 - across) * in(bottom, left, c) + across * in(bottom, right, c));
}

/// Positions are computed in float: on an axis of n pixels they are off by some n * 2^-23, and the surface of values
/// 0..1 rises by at most 1 a pixel.
void expect_surface(const Picture<float>& in, bool align_corners, const Picture<float>& out) {
  const auto from = in.view();
  const auto to = out.view();
  const double tolerance = 1e-6 + static_cast<double>(from.height + from.width) * 4 * 0x1p-23;
  double worst = 0;
  out.for_each_place([&](int64_t y, int64_t x, int64_t c) {
    const double wanted = surface(in, position(y, from.height, to.height, align_corners),
                                  position(x, from.width, to.width, align_corners), c);
    const double off = std::abs(out(y, x, c) - wanted);
    worst = off <= worst ? worst : off;  // NaN counts as worst
  });
  EXPECT_LE(worst, tolerance);
  EXPECT_FALSE(out.written_outside());
}

class InterpolateTest : public ::testing::TestWithParam<bool> {
 protected:
  static Picture<float> interpolated(const Picture<float>& in, int64_t height, int64_t width,
                                     Layout layout = Layout::packed) {
    Picture<float> out(height, width, in.view().channels, layout);
    interpolate<float>(in.view(), GetParam(), out.view());
    return out;
  }
};

TEST_P(InterpolateTest, LiesOnTheBilinearSurfaceAtEverySize) {
  std::mt19937 random(30);
  auto random_size = [&](int64_t largest) { return 1 + static_cast<int64_t>(random()) % largest; };
  for (int64_t width = 1; width <= 70; ++width)
    for (int64_t height = 1; height <= 5; ++height)
      for (int64_t channels : {1, 3, 4}) {
        const Picture<float> in = random_image(random, height, width, channels);
        const int64_t sizes[][2] = {
            {1, 1}, {height, width}, {random_size(9), random_size(90)}, {2 * height, 71 - width}};
        for (const auto& [out_height, out_width] : sizes) {
          SCOPED_TRACE(::testing::Message()
                       << width << " x " << height << " x " << channels << " to " << out_width << " x " << out_height);
          expect_surface(in, GetParam(), interpolated(in, out_height, out_width));
        }
        if (HasFailure()) return;
      }
}

TEST_P(InterpolateTest, GivesTheSameBytesFromAnyLayoutToAnyLayout) {
  std::mt19937 random(31);
  for (int64_t channels : {1, 3, 4}) {
    const Picture<float> in = random_image(random, 13, 29, channels);
    for (Layout from : kLayouts)
      for (Layout to : kLayouts) {
        const Picture<float> wanted = interpolated(in, 17, 11), out = interpolated(in.in(from), 17, 11, to);
        EXPECT_TRUE(out.same_values(wanted)) << from << " to " << to << ", " << channels;
        EXPECT_FALSE(out.written_outside()) << from << " to " << to << ", " << channels;
      }
  }
}

TEST_P(InterpolateTest, GivesTheSameBytesForAnyNumberOfThreads) {
  std::mt19937 random(32);
  for (const auto& [height, width] : {std::pair<int64_t, int64_t>{40, 50}, {600, 700}}) {
    const Picture<float> in = random_image(random, height, width, 3);
    set_num_threads(1);
    const Picture<float> wanted = interpolated(in, 400, 300);
    expect_surface(in, GetParam(), wanted);
    with_thread_counts([&](int threads) { EXPECT_TRUE(interpolated(in, 400, 300).same_values(wanted)) << threads; });
  }
}

TEST_P(InterpolateTest, ReadsBytesAs0To255) {
  std::mt19937 random(33);
  for (int64_t width = 1; width <= 70; ++width)
    for (int64_t channels : {1, 3}) {
      const Picture<uint8_t> bytes = testing::random_bytes(random, 4, width, channels, Layout::transposed);
      Picture<float> floats(4, width, channels);
      bytes.for_each_place([&](int64_t y, int64_t x, int64_t c) { floats(y, x, c) = bytes(y, x, c); });
      Picture<float> out(9, 33, channels);
      interpolate<uint8_t>(bytes.view(), GetParam(), out.view());
      ASSERT_TRUE(out.same_values(interpolated(floats, 9, 33))) << width;
    }
}

TEST_P(InterpolateTest, KeepsAPictureOfTheSameSizeAndSpreadsASinglePixel) {
  std::mt19937 random(34);
  const Picture<float> in = random_image(random, 7, 37, 3), pixel = random_image(random, 1, 1, 3);
  EXPECT_TRUE(interpolated(in, 7, 37).same_values(in));
  const Picture<float> spread = interpolated(pixel, 5, 21);
  spread.for_each_place([&](int64_t y, int64_t x, int64_t c) { ASSERT_EQ(spread(y, x, c), pixel(0, 0, c)); });
}

TEST_P(InterpolateTest, LetsNaNAndInfinityReachTheirNeighboursOnly) {
  std::mt19937 random(35);
  Picture<float> in = random_image(random, 9, 41, 1);
  in(4, 20) = NAN;
  in(0, 3) = INFINITY;
  const Picture<float> out = interpolated(in, 18, 82);
  EXPECT_TRUE(std::isnan(out(8, 40)) || std::isnan(out(9, 41)));
  EXPECT_FALSE(std::isfinite(out(0, 6)));
  for (int64_t y = 0; y < 18; ++y)
    for (int64_t x = 0; x < 82; ++x) {
      const double source_y = position(y, 9, 18, GetParam()), source_x = position(x, 41, 82, GetParam());
      const bool near_nan = std::abs(source_y - 4) < 1.001 && std::abs(source_x - 20) < 1.001;
      const bool near_infinity = source_y < 1.001 && std::abs(source_x - 3) < 1.001;
      EXPECT_TRUE(near_nan || near_infinity || std::isfinite(out(y, x))) << x << ", " << y;
    }
}

INSTANTIATE_TEST_SUITE_P(Corners, InterpolateTest, ::testing::Bool(),
                         [](const auto& case_info) { return case_info.param ? "aligned" : "half_pixel"; });

TEST(Interpolate, MeetsTheCornersWhereTheyAreAligned) {
  std::mt19937 random(36);
  const Picture<float> in = random_image(random, 6, 10, 1);
  Picture<float> out(23, 31);
  interpolate<float>(in.view(), true, out.view());
  EXPECT_EQ(out(0, 0), in(0, 0));
  EXPECT_NEAR(out(0, 30), in(0, 9), 1e-5);
  EXPECT_NEAR(out(22, 0), in(5, 0), 1e-5);
  EXPECT_NEAR(out(22, 30), in(5, 9), 1e-5);
}

}  // namespace
}  // namespace mattecore::kernels
