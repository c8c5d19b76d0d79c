#include "mattecore/kernels/levels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <utility>
#include <vector>

#include "kernels/picture.h"

namespace mattecore::kernels {
namespace {

using testing::kLayouts;
using testing::Layout;
using testing::Picture;
using testing::random_bytes;
using testing::with_thread_counts;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

Picture<float> random_mask(std::mt19937& random, int64_t height, int64_t width, Layout layout = Layout::packed) {
  std::uniform_real_distribution<float> values(-0.5f, 1.5f);
  return Picture<float>(height, width, 1, layout).fill([&] { return values(random); });
}

bool same_bits(float a, float b) { return (std::isnan(a) && std::isnan(b)) || a == b; }

TEST(Extent, FindsTheEndsWhereverTheyLie) {
  for (int64_t width = 1; width <= 70; ++width)
    for (int64_t height : {1, 2, 5})
      for (Layout layout : kLayouts)
        for (int64_t place = 0; place < width; ++place) {
          auto mask = Picture<float>(height, width, 1, layout).fill([] { return 0.5f; });
          mask(height - 1, place) = 0.75f;
          mask(0, width - 1 - place) = 0.25f;
          const bool both_at_one_place = height == 1 && place == width - 1 - place;
          const float largest = !both_at_one_place ? 0.75f : width == 1 ? 0.25f : 0.5f;
          const Extent found = extent(mask.view());
          ASSERT_EQ(found.smallest, 0.25f) << place << " of " << width << ", " << layout;
          ASSERT_EQ(found.largest, largest) << place << " of " << width << ", " << layout;
        }
}

TEST(Extent, IsNaNWhereverOneNaNLies) {
  for (int64_t width = 1; width <= 70; ++width)
    for (int64_t place = 0; place < width; ++place) {
      auto mask = Picture<float>(3, width).fill([] { return 0.5f; });
      mask(1, place) = NAN;
      const Extent found = extent(mask.view());
      ASSERT_TRUE(std::isnan(found.smallest) && std::isnan(found.largest)) << place << " of " << width;
    }
}

TEST(Extent, KnowsInfinitiesAndNegativeMasks) {
  auto mask = Picture<float>(2, 9).fill([] { return -3.0f; });
  EXPECT_EQ(extent(mask.view()).largest, -3.0f);
  mask(1, 4) = -kInfinity;
  mask(0, 8) = kInfinity;
  EXPECT_EQ(extent(mask.view()).smallest, -kInfinity);
  EXPECT_EQ(extent(mask.view()).largest, kInfinity);
}

TEST(Extent, IsTheSameForAnyNumberOfThreads) {
  std::mt19937 random(20);
  Picture<float> mask = random_mask(random, 701, 503);
  float smallest = kInfinity, largest = -kInfinity;
  mask.for_each_place([&](int64_t y, int64_t x, int64_t) {
    smallest = std::min(smallest, mask(y, x));
    largest = std::max(largest, mask(y, x));
  });
  with_thread_counts([&](int threads) {
    EXPECT_EQ(extent(mask.view()).smallest, smallest) << threads;
    EXPECT_EQ(extent(mask.view()).largest, largest) << threads;
  });
  for (int64_t y : {0, 233, 350, 467, 700}) {  // a NaN in any thread's part
    const float covered = std::exchange(mask(y, 251), NAN);
    with_thread_counts(
        [&](int threads) { EXPECT_TRUE(std::isnan(extent(mask.view()).smallest)) << threads << ", " << y; });
    mask(y, 251) = covered;
  }
}

/// A level kernel with fixed settings, and its value by one rounding to float per step: a double holds the exact
/// difference, product or quotient closely enough that rounding it again gives the float operation's result.
struct LevelKernel {
  const char* name;
  void (*run)(const Picture<float>& mask, Picture<float>& out);
  float (*wanted)(float v);
};

float rounded(double v) { return static_cast<float>(v); }

template <int kBlackPercent, int kWhitePercent>
LevelKernel remap(const char* name) {
  return {name,
          [](const Picture<float>& mask, Picture<float>& out) {
            histogram_remap(mask.view(), kBlackPercent / 100.0, kWhitePercent / 100.0, out.view());
          },
          [](float v) {
            const double white = kWhitePercent / 100.0, held = std::min(kBlackPercent / 100.0, white - 0.001);
            const float shifted = rounded(static_cast<double>(v) - rounded(held));
            const float scaled = rounded(static_cast<double>(shifted) * rounded(1.0 / (white - held)));
            return std::isnan(scaled) ? scaled : std::clamp(scaled, 0.0f, 1.0f);
          }};
}

constexpr Extent kExtent{-0.37f, 1.21f};

const LevelKernel kLevelKernels[] = {
    {"normalize_min_max",
     [](const Picture<float>& mask, Picture<float>& out) { normalize_min_max(mask.view(), kExtent, out.view()); },
     [](float v) {
       const float range = rounded(static_cast<double>(kExtent.largest) - kExtent.smallest);
       const float shifted = rounded(static_cast<double>(v) - kExtent.smallest);
       return rounded(static_cast<double>(shifted) / range);
     }},
    remap<1, 99>("histogram_remap"),
    remap<30, 60>("narrow_remap"),
    remap<98, 2>("crossed_remap"),
    remap<50, 50>("touching_remap"),
};

class LevelKernelTest : public ::testing::TestWithParam<LevelKernel> {
 protected:
  static void check(const Picture<float>& mask, Picture<float>&& out) {
    GetParam().run(mask, out);
    int64_t wrong = 0;
    mask.for_each_place(
        [&](int64_t y, int64_t x, int64_t) { wrong += !same_bits(out(y, x), GetParam().wanted(mask(y, x))); });
    EXPECT_EQ(wrong, 0);
    EXPECT_FALSE(out.written_outside());
  }
};

TEST_P(LevelKernelTest, EqualsTheReferenceAtEverySizeAndLayout) {
  std::mt19937 random(21);
  for (int64_t width = 1; width <= 70; ++width)
    for (int64_t height = 1; height <= 5; ++height)
      for (Layout layout : kLayouts) {
        const Layout other = kLayouts[static_cast<size_t>(width + height) % std::size(kLayouts)];
        SCOPED_TRACE(::testing::Message() << width << " x " << height << ", " << layout << " to " << other);
        Picture<float> mask = random_mask(random, height, width, layout);
        if (width > 4) {
          mask(0, 0) = NAN;
          mask(0, 1) = kInfinity;
          mask(0, 2) = -kInfinity;
          mask(0, width - 1) = width % 2 ? NAN : 1e-42f;
        }
        check(mask, Picture<float>(height, width, 1, other));
        if (HasFailure()) return;
      }
}

TEST_P(LevelKernelTest, GivesTheSameBytesForAnyNumberOfThreads) {
  std::mt19937 random(22);
  const Picture<float> mask = random_mask(random, 431, 307);
  with_thread_counts([&](int threads) {
    SCOPED_TRACE(threads);
    check(mask, Picture<float>(431, 307));
  });
}

INSTANTIATE_TEST_SUITE_P(Kernels, LevelKernelTest, ::testing::ValuesIn(kLevelKernels),
                         [](const auto& case_info) { return std::string(case_info.param.name); });

TEST(NormalizeMinMax, StretchesAMaskToItsEndsExactly) {
  std::mt19937 random(23);
  const Picture<float> mask = random_mask(random, 31, 17);
  Picture<float> out(31, 17);
  normalize_min_max(mask.view(), extent(mask.view()), out.view());
  const Extent stretched = extent(out.view());
  EXPECT_EQ(stretched.smallest, 0.0f);
  EXPECT_EQ(stretched.largest, 1.0f);
}

TEST(NormalizeMinMax, MakesAMaskOfOneValueZero) {
  for (float value : {0.0f, 0.25f, 1.0f, -7.0f}) {
    const auto mask = Picture<float>(3, 5).fill([&] { return value; });
    auto out = Picture<float>(3, 5).fill([] { return 9.0f; });
    normalize_min_max(mask.view(), extent(mask.view()), out.view());
    out.for_each_place([&](int64_t y, int64_t x, int64_t) { ASSERT_EQ(out(y, x), 0.0f); });
  }
}

TEST(Brighten, MultipliesEveryValueAsPillowDoes) {
  Picture<uint8_t> mask(16, 16);
  mask.for_each_place([&](int64_t y, int64_t x, int64_t) { mask(y, x) = static_cast<uint8_t>(16 * y + x); });
  Picture<uint8_t> out(16, 16);
  brighten(mask.view(), 1.01, out.view());
  mask.for_each_place([&](int64_t y, int64_t x, int64_t) {
    const int v = mask(y, x);
    const int wanted = v < 100 ? v : v < 200 ? v + 1 : v < 253 ? v + 2 : 255;
    ASSERT_EQ(out(y, x), wanted) << v;
  });
  for (double factor : {0.0, 0.5, 1.0, 2.0, 300.0}) {
    brighten(mask.view(), factor, out.view());
    mask.for_each_place([&](int64_t y, int64_t x, int64_t) {
      ASSERT_EQ(out(y, x), static_cast<int>(std::min(255.0, mask(y, x) * factor)))
          << int{mask(y, x)} << " by " << factor;
    });
  }
}

TEST(Brighten, ReachesEveryPixelInAnyLayoutAndWithAnyNumberOfThreads) {
  std::mt19937 random(24);
  auto check = [](const Picture<uint8_t>& mask, Picture<uint8_t>&& out) {
    brighten(mask.view(), 2.0, out.view());
    int64_t wrong = 0;
    mask.for_each_place([&](int64_t y, int64_t x, int64_t) { wrong += out(y, x) != std::min(255, 2 * mask(y, x)); });
    EXPECT_EQ(wrong, 0);
    EXPECT_FALSE(out.written_outside());
  };
  for (int64_t width = 1; width <= 70; ++width)
    for (Layout layout : kLayouts) {
      SCOPED_TRACE(::testing::Message() << width << ", " << layout);
      check(random_bytes(random, 3, width, 1, layout), Picture<uint8_t>(3, width, 1, layout));
    }
  const Picture<uint8_t> large = random_bytes(random, 601, 503);
  with_thread_counts([&](int threads) {
    SCOPED_TRACE(threads);
    check(large, Picture<uint8_t>(601, 503));
  });
}

}  // namespace
}  // namespace mattecore::kernels
