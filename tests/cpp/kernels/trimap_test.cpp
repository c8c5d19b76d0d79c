#include "mattecore/kernels/trimap.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <random>
#include <stdexcept>

#include "mattecore/base/image.h"
#include "mattecore/base/parallel.h"
#include "mattecore/kernels/morphology.h"

namespace mattecore::kernels {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

/// Values 0, 0.9999, 1 and a little noise; solid enough for an erosion to leave something.
Image<float> random_mask(int64_t height, int64_t width, uint32_t seed) {
  Image<float> mask(height, width);
  std::mt19937 random(seed);
  const uint32_t solid = random() % 3;
  for (int64_t i = 0; i < height * width; ++i) {
    const bool odd = random() % 50 == 0;
    mask.view().data[i] = odd          ? 0.9999f * static_cast<float>(random() % 2)
                          : solid == 0 ? 0.0f
                          : solid == 1 ? 1.0f
                                       : 1.5f;
  }
  return mask;
}

/// The originals' steps one after another, with the grey kernels.
Image<uint8_t> reference(ImageView<const float> mask, int64_t erode_size, int64_t dilate_size) {
  Image<uint8_t> hard(mask.height, mask.width), eroded(mask.height, mask.width), trimap(mask.height, mask.width);
  for (int64_t y = 0; y < mask.height; ++y)
    for (int64_t x = 0; x < mask.width; ++x) hard(y, x) = mask(y, x) >= 1 ? 255 : 0;
  erode<uint8_t>(hard.view(), BoxReach::repeated_box(erode_size, 5), eroded.view());
  dilate<uint8_t>(hard.view(), BoxReach::repeated_box(dilate_size, 5), trimap.view());
  for (int64_t y = 0; y < mask.height; ++y)
    for (int64_t x = 0; x < mask.width; ++x) trimap(y, x) = eroded(y, x) ? 255 : trimap(y, x) ? 127 : 0;
  return trimap;
}

TEST(TrimapFromMask, MatchesTheOriginalsStepsAtEverySize) {
  for (int64_t height = 1; height <= 5; ++height)
    for (int64_t width = 1; width <= 200; ++width) {
      const Image<float> mask = random_mask(height, width, static_cast<uint32_t>(width * 5 + height));
      Image<uint8_t> hard(height, width), trimap(height, width);
      for (int64_t i = 0; i < height * width; ++i) hard.view().data[i] = mask.view().data[i] >= 1 ? 255 : 254;
      const int64_t erode_size = 1 + width % 4, dilate_size = 1 + width % 31;
      const Image<uint8_t> wanted = reference(mask.view(), erode_size, dilate_size);
      trimap_from_mask<float>(mask.view(), erode_size, dilate_size, trimap.view());
      EXPECT_TRUE(std::equal(wanted.view().data, wanted.view().data + height * width, trimap.view().data))
          << height << " x " << width;
      trimap_from_mask<uint8_t>(hard.view(), erode_size, dilate_size, trimap.view());
      EXPECT_TRUE(std::equal(wanted.view().data, wanted.view().data + height * width, trimap.view().data))
          << height << " x " << width << ", 8 bits";
    }
}

TEST(TrimapFromMask, ReachesFartherUpAndLeftForAnEvenSize) {
  Image<float> mask(61, 61);
  std::fill_n(mask.view().data, 61 * 61, 0.0f);
  mask(30, 30) = 1;
  Image<uint8_t> trimap(61, 61);
  trimap_from_mask<float>(mask.view(), 1, 6, trimap.view());
  EXPECT_EQ(trimap(30, 30), 255);
  // The dilated pixel lies where the box around y, x meets it: 15 pixels of reach up are 15 rows further down.
  for (auto [y, x, value] :
       {std::tuple<int, int, int>{45, 45, 127}, {46, 30, 0}, {30, 46, 0}, {20, 20, 127}, {19, 30, 0}})
    EXPECT_EQ(trimap(y, x), value) << y << ", " << x;
}

TEST(TrimapFromMask, LeavesConstantMasksAloneAtTheBorders) {
  Image<float> mask(40, 50);
  Image<uint8_t> trimap(40, 50);
  for (float value : {0.0f, 1.0f}) {
    std::fill_n(mask.view().data, 40 * 50, value);
    trimap_from_mask<float>(mask.view(), 255, 255, trimap.view());
    for (int64_t i = 0; i < 40 * 50; ++i) ASSERT_EQ(trimap.view().data[i], value == 1 ? 255 : 0);
  }
}

TEST(TrimapFromMask, GivesTheSameBytesForAnyNumberOfThreadsAndStrides) {
  const int64_t height = 333, width = 517;
  Image<float> mask(height, width), wide(height, 2 * width);
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x) mask(y, x) = wide(y, 2 * x) = (x / 90 + y / 70) % 2 ? 1.0f : 0.0f;
  const Image<uint8_t> wanted = reference(mask.view(), 6, 7);
  const ImageView<const float> every_other(wide.view().data, height, width, 1, 2 * width, 2, 1);
  for (int threads : {1, 2, 3, 7}) {
    set_num_threads(threads);
    for (const auto& view : {ImageView<const float>(mask.view()), every_other}) {
      Image<uint8_t> trimap(height, width);
      trimap_from_mask<float>(view, 6, 7, trimap.view());
      EXPECT_TRUE(std::equal(wanted.view().data, wanted.view().data + height * width, trimap.view().data)) << threads;
    }
  }
  set_num_threads(0);
}

TEST(FixTrimap, ComparesStrictly) {
  Image<float> mask(1, 5), trimap(1, 5);
  const float values[] = {0.1f, 0.2f, 0.5f, 0.8f, 0.9f}, wanted[] = {0, 0.5f, 0.5f, 0.5f, 1};
  std::copy_n(values, 5, mask.view().data);
  fix_trimap<float>(mask.view(), 0.2, 0.8, trimap.view());
  for (int i = 0; i < 5; ++i) EXPECT_EQ(trimap(0, i), wanted[i]) << i;
  EXPECT_THROW(fix_trimap<float>(mask.view(), 0.8, 0.2, trimap.view()), std::invalid_argument);
}

TEST(TrimapFromAlpha, KeepsFarPixelsOnly) {
  for (int64_t width : {1, 5, 63, 64, 65, 130})
    for (int64_t grow_px : {0, 1, 3, 70}) {
      const int64_t height = 9;
      Image<float> alpha(height, width), trimap(height, width);
      std::mt19937 random(static_cast<uint32_t>(width));
      for (int64_t i = 0; i < height * width; ++i)
        alpha.view().data[i] = i % 40 == 39 ? static_cast<float>(random() % 5) / 4 : i / 100 % 2 ? 1.0f : 0.0f;
      trimap_from_alpha(alpha.view(), 0.95, 0.05, grow_px, trimap.view());
      for (int64_t y = 0; y < height; ++y)
        for (int64_t x = 0; x < width; ++x) {
          float smallest = 1, largest = 0;
          for (int64_t v = std::max<int64_t>(0, y - grow_px); v <= std::min(height - 1, y + grow_px); ++v)
            for (int64_t u = std::max<int64_t>(0, x - grow_px); u <= std::min(width - 1, x + grow_px); ++u)
              smallest = std::min(smallest, alpha(v, u)), largest = std::max(largest, alpha(v, u));
          ASSERT_EQ(trimap(y, x), smallest >= 0.95f ? 1.0f : largest <= 0.05f ? 0.0f : 0.5f) << y << ", " << x;
        }
    }
}

TEST(Trimap, RefusesNaNOtherSizesAndSenselessNumbers) {
  Image<float> mask(3, 70), narrow(3, 69), trimap(3, 70);
  Image<uint8_t> levels(3, 70), narrow_levels(3, 69);
  std::fill_n(mask.view().data, 3 * 70, 0.5f);
  EXPECT_THROW(trimap_from_mask<float>(mask.view(), 0, 6, levels.view()), std::invalid_argument);
  EXPECT_THROW(trimap_from_mask<float>(mask.view(), 6, 6, narrow_levels.view()), std::invalid_argument);
  EXPECT_THROW(fix_trimap<float>(mask.view(), 0.1, 0.9, narrow.view()), std::invalid_argument);
  EXPECT_THROW(trimap_from_alpha(mask.view(), 0.9, 0.9, 1, trimap.view()), std::invalid_argument);
  EXPECT_THROW(trimap_from_alpha(mask.view(), 0.9, 0.1, -1, trimap.view()), std::invalid_argument);
  mask(2, 69) = kNaN;
  EXPECT_THROW(trimap_from_mask<float>(mask.view(), 6, 6, levels.view()), std::invalid_argument);
  EXPECT_THROW(fix_trimap<float>(mask.view(), 0.1, 0.9, trimap.view()), std::invalid_argument);
  EXPECT_THROW(trimap_from_alpha(mask.view(), 0.9, 0.1, 1, trimap.view()), std::invalid_argument);
}

}  // namespace
}  // namespace mattecore::kernels
