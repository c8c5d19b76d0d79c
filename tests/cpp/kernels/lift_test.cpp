#include "mattecore/kernels/lift.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "kernels/picture.h"
#include "mattecore/kernels/foreground.h"

namespace mattecore::kernels {
namespace {

using testing::kLayouts;
using testing::Layout;
using testing::Picture;
using testing::with_thread_counts;

template <class T>
double full() {
  return std::is_floating_point_v<T> ? 1.0 : static_cast<double>(std::numeric_limits<T>::max());
}

template <class T>
Picture<T> random_picture(std::mt19937& random, int64_t height, int64_t width, int64_t channels) {
  std::uniform_real_distribution<double> any(0, full<T>());
  return Picture<T>(height, width, channels).fill([&] { return static_cast<T>(any(random)); });
}

/// A third of it 0, a third 1, the rest between.
Picture<float> random_mask(std::mt19937& random, int64_t height, int64_t width) {
  std::uniform_real_distribution<float> any(-1, 2);
  return Picture<float>(height, width).fill([&] { return std::clamp(any(random), 0.0f, 1.0f); });
}

/// A disc with a soft edge three pixels wide.
Picture<float> disc(int64_t side, double radius) {
  Picture<float> mask(side, side);
  mask.for_each_place([&](int64_t y, int64_t x, int64_t) {
    const double middle = static_cast<double>(side - 1) / 2;
    const double away = std::hypot(static_cast<double>(y) - middle, static_cast<double>(x) - middle);
    mask(y, x) = static_cast<float>(std::clamp((radius - away) / 3 + 0.5, 0.0, 1.0));
  });
  return mask;
}

template <class T>
class LiftTest : public ::testing::Test {};
using Types = ::testing::Types<uint8_t, uint16_t, float>;
TYPED_TEST_SUITE(LiftTest, Types);

TYPED_TEST(LiftTest, KeepsThePicturesValuesUnderTheMaskAndNothingElse) {
  using T = TypeParam;
  // Half a step, and what float32 rounds the product by; floats stay what they are.
  const double slack = std::is_floating_point_v<T> ? 0 : 0.5 + full<T>() * 0x1p-24;
  std::mt19937 random(1);
  for (int64_t width : {1, 2, 7, 33})
    for (int64_t height : {1, 3, 20})
      for (int64_t channels : {1, 3, 4}) {
        const auto original = random_picture<T>(random, height, width, channels);
        const auto mask = random_mask(random, height, width).in(Layout::padded_rows);
        for (Layout layout : kLayouts) {
          SCOPED_TRACE(::testing::Message() << width << " x " << height << " x " << channels << ", " << layout);
          const auto image = original.in(layout);
          Picture<T> out(height, width, 4, Layout::padded_rows);
          lift<T>(image.view(), mask.view(), false, out.view());
          int64_t wrong = 0;
          out.for_each_place([&](int64_t y, int64_t x, int64_t c) {
            const double exact = static_cast<double>(mask(y, x)) * full<T>();
            const double alpha = static_cast<double>(out(y, x, 3));
            if (c == 3) {
              wrong += std::abs(alpha - exact) > (slack);
            } else {
              wrong += out(y, x, c) != (alpha > 0 ? image(y, x, channels == 1 ? 0 : c) : T{0});
            }
          });
          EXPECT_EQ(wrong, 0);
          EXPECT_FALSE(out.written_outside());
        }
      }
}

TYPED_TEST(LiftTest, ClipsTheMask) {
  using T = TypeParam;
  Picture<T> image = Picture<T>(1, 4, 1).fill([] { return T{1}; });
  Picture<float> mask(1, 4);
  mask(0, 0) = -0.5f, mask(0, 1) = 1.5f, mask(0, 2) = std::numeric_limits<float>::quiet_NaN(), mask(0, 3) = 1;
  Picture<T> out(1, 4, 4);
  lift<T>(image.view(), mask.view(), false, out.view());
  for (int64_t x = 0; x < 4; ++x) EXPECT_EQ(static_cast<double>(out(0, x, 3)), x % 2 ? full<T>() : 0);
}

TYPED_TEST(LiftTest, CleansTheSoftEdgeAloneAsOverTheWholePicture) {
  using T = TypeParam;
  constexpr int64_t kSide = 90;
  // Red before blue: what the foreground's colours are is known.
  const auto mask = disc(kSide, 20);
  Picture<T> image(kSide, kSide, 3);
  image.for_each_place([&](int64_t y, int64_t x, int64_t c) {
    const double m = static_cast<double>(mask(y, x));
    image(y, x, c) = static_cast<T>((c == 0 ? m : c == 2 ? 1 - m : 0) * full<T>());
  });
  Picture<T> plain(kSide, kSide, 4), clean(kSide, kSide, 4);
  lift<T>(image.view(), mask.view(), false, plain.view());
  lift<T>(image.view(), mask.view(), true, clean.view());
  double blue_before = 0, blue = 0;
  clean.for_each_place([&](int64_t y, int64_t x, int64_t c) {
    const double alpha = static_cast<double>(plain(y, x, 3));
    if (c == 3 || alpha == 0 || alpha == full<T>()) {
      EXPECT_EQ(clean(y, x, c), plain(y, x, c));
    } else if (c == 2) {
      blue_before += alpha * static_cast<double>(plain(y, x, c)), blue += alpha * static_cast<double>(clean(y, x, c));
    }
  });
  EXPECT_LT(blue, 0.05 * blue_before);
}

TYPED_TEST(LiftTest, GivesTheSameBytesForAnyNumberOfThreads) {
  using T = TypeParam;
  std::mt19937 random(3);
  const auto image = random_picture<T>(random, 301, 257, 3);
  const auto mask = random_mask(random, 301, 257);
  Picture<T> first(301, 257, 4);
  lift<T>(image.view(), mask.view(), true, first.view());
  with_thread_counts([&](int threads) {
    Picture<T> out(301, 257, 4);
    lift<T>(image.view(), mask.view(), true, out.view());
    EXPECT_TRUE(out.same_values(first)) << threads << " threads";
  });
}

TEST(LiftTest, LeavesColoursWhereNothingIsSoft) {
  std::mt19937 random(4);
  const auto image = random_picture<uint8_t>(random, 9, 9, 3);
  auto hard = Picture<float>(9, 9).fill([&] { return static_cast<float>(random() % 2); });
  Picture<uint8_t> plain(9, 9, 4), clean(9, 9, 4);
  lift<uint8_t>(image.view(), hard.view(), false, plain.view());
  lift<uint8_t>(image.view(), hard.view(), true, clean.view());
  EXPECT_TRUE(clean.same_values(plain));
}

}  // namespace
}  // namespace mattecore::kernels
