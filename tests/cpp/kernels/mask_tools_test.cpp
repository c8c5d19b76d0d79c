#include "mattecore/kernels/mask_tools.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <random>
#include <stdexcept>
#include <string_view>

#include "mattecore/base/image.h"
#include "mattecore/base/parallel.h"

namespace mattecore::kernels {
namespace {

/// Values in steps of 1 / levels.
Image<float> random_mask(int64_t height, int64_t width, uint32_t levels, uint32_t seed) {
  Image<float> mask(height, width);
  std::mt19937 random(seed);
  for (int64_t i = 0; i < height * width; ++i)
    mask.view().data[i] = static_cast<float>(random() % (levels + 1)) / static_cast<float>(levels);
  return mask;
}

Image<float> drawn(std::initializer_list<const char*> rows) {
  Image<float> mask(static_cast<int64_t>(rows.size()), static_cast<int64_t>(std::string_view(*rows.begin()).size()));
  int64_t y = 0;
  for (const char* row : rows) {
    for (int64_t x = 0; x < mask.view().width; ++x)
      mask(y, x) = row[x] == '#' ? 1.0f : row[x] == '.' ? 0.0f : static_cast<float>(row[x] - '0') / 10;
    ++y;
  }
  return mask;
}

bool same_values(const Image<float>& a, const Image<float>& b) {
  return a.view().same_size(b.view()) &&
         std::equal(a.view().data, a.view().data + a.view().height * a.view().width, b.view().data);
}

TEST(GrowAndShrink, MatchTheDefinitionAtEverySize) {
  for (int64_t height = 1; height <= 5; ++height)
    for (int64_t width = 1; width <= 70; ++width)
      for (Shape shape : {Shape::kBox, Shape::kEllipse}) {
        const int64_t radius = (width + 2 * height) % 12;
        const Image<float> mask = random_mask(height, width, 1000, static_cast<uint32_t>(width));
        Image<float> grown(height, width), shrunk(height, width);
        grow(mask.view(), radius, shape, grown.view());
        shrink(mask.view(), radius, shape, shrunk.view());
        for (int64_t y = 0; y < height; ++y)
          for (int64_t x = 0; x < width; ++x) {
            float largest = 0, smallest = 1;
            for (int64_t v = std::max<int64_t>(0, y - radius); v <= std::min(height - 1, y + radius); ++v)
              for (int64_t u = std::max<int64_t>(0, x - radius); u <= std::min(width - 1, x + radius); ++u) {
                const double chord = std::rint(std::sqrt(static_cast<double>(radius * radius - (v - y) * (v - y))));
                if (shape == Shape::kEllipse && std::abs(static_cast<double>(u - x)) > chord) continue;
                largest = std::max(largest, mask(v, u));
                smallest = std::min(smallest, mask(v, u));
              }
            ASSERT_EQ(grown(y, x), largest) << height << " x " << width << ", radius " << radius;
            ASSERT_EQ(shrunk(y, x), smallest) << height << " x " << width << ", radius " << radius;
          }
      }
}

TEST(GrowAndShrink, CoverEverythingWhereTheRadiusPassesThePicture) {
  Image<float> mask(20, 30), out(20, 30);
  std::fill_n(mask.view().data, 20 * 30, 0.25f);
  mask(3, 28) = 0.75f;
  for (Shape shape : {Shape::kBox, Shape::kEllipse}) {
    grow(mask.view(), 100, shape, out.view());
    EXPECT_EQ(*std::min_element(out.view().data, out.view().data + 600), 0.75f);
    shrink(mask.view(), 100, shape, out.view());
    EXPECT_EQ(*std::max_element(out.view().data, out.view().data + 600), 0.25f);
  }
}

TEST(GrowAndShrink, GiveTheSameBytesForAnyNumberOfThreads) {
  const Image<float> mask = random_mask(400, 301, 1000, 3);
  for (Shape shape : {Shape::kBox, Shape::kEllipse}) {
    Image<float> alone(400, 301), out(400, 301);
    set_num_threads(1);
    grow(mask.view(), 9, shape, alone.view());
    for (int threads : {2, 3, 7}) {
      set_num_threads(threads);
      grow(mask.view(), 9, shape, out.view());
      EXPECT_TRUE(same_values(out, alone)) << threads;
    }
  }
  set_num_threads(0);
}

TEST(Feather, SpreadsAPixelAsTheGaussianSays) {
  Image<float> mask(61, 61), out(61, 61);
  std::fill_n(mask.view().data, 61 * 61, 0.0f);
  mask(30, 30) = 1;
  feather(mask.view(), 3, out.view());
  double sum = 0;
  for (int64_t y = 0; y < 61; ++y)
    for (int64_t x = 0; x < 61; ++x) {
      const double distance = static_cast<double>((y - 30) * (y - 30) + (x - 30) * (x - 30));
      const bool inside = std::abs(y - 30) <= 12 && std::abs(x - 30) <= 12;
      EXPECT_NEAR(out(y, x), inside ? std::exp(-distance / 18) / (18 * 3.14159265358979) : 0, 3e-6);
      sum += out(y, x);
    }
  EXPECT_NEAR(sum, 1, 1e-5);
}

TEST(Feather, KeepsConstantMasksAtEverySizeAndCopiesWithoutSigma) {
  for (int64_t height = 1; height <= 5; ++height)
    for (int64_t width = 1; width <= 70; ++width) {
      Image<float> mask(height, width), out(height, width);
      std::fill_n(mask.view().data, height * width, 0.7f);
      feather(mask.view(), 0.3 * static_cast<double>(width), out.view());
      for (int64_t i = 0; i < height * width; ++i) ASSERT_NEAR(out.view().data[i], 0.7f, 1e-6);
      feather(mask.view(), 0, out.view());
      EXPECT_TRUE(same_values(out, mask));
    }
}

TEST(Feather, GivesTheSameBytesForAnyNumberOfThreads) {
  const Image<float> mask = random_mask(300, 201, 1000, 3);
  Image<float> alone(300, 201), out(300, 201);
  set_num_threads(1);
  feather(mask.view(), 4.5, alone.view());
  for (int threads : {2, 3, 7}) {
    set_num_threads(threads);
    feather(mask.view(), 4.5, out.view());
    EXPECT_TRUE(same_values(out, alone)) << threads;
  }
  set_num_threads(0);
}

TEST(FillHoles, FillsHolesWithTheirSoftRims) {
  const Image<float> mask = drawn({".........",  //
                                   ".#####...",  //
                                   ".#595#...",  //
                                   ".#5.5#.##",  //
                                   ".#595#.#.",  //
                                   ".#####.##"});
  const Image<float> wanted = drawn({".........",  //
                                     ".#####...",  //
                                     ".#####...",  //
                                     ".#####.##",  //
                                     ".#####.#.",  // open at the border: no hole
                                     ".#####.##"});
  Image<float> out(6, 9);
  fill_holes(mask.view(), out.view());
  EXPECT_TRUE(same_values(out, wanted));
}

TEST(FillHoles, FillsAHoleInAVeilToTheVeil) {
  const Image<float> mask = drawn({".....", ".444.", ".3.4.", ".444.", "....."});
  const Image<float> wanted = drawn({".....", ".444.", ".334.", ".444.", "....."});
  Image<float> out(5, 5);
  fill_holes(mask.view(), out.view());
  EXPECT_TRUE(same_values(out, wanted));
}

/// Repeats "no lower than the mask, no higher than the lowest neighbour" until nothing changes.
Image<float> filled_by_repetition(const Image<float>& mask) {
  const int64_t height = mask.view().height, width = mask.view().width;
  Image<float> filled(height, width);
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x)
      filled(y, x) = y == 0 || x == 0 || y == height - 1 || x == width - 1 ? mask(y, x) : 1.0f;
  for (bool changed = true; changed;) {
    changed = false;
    for (int64_t y = 1; y < height - 1; ++y)
      for (int64_t x = 1; x < width - 1; ++x) {
        const float lowest = std::min({filled(y - 1, x), filled(y + 1, x), filled(y, x - 1), filled(y, x + 1)});
        const float value = std::max(mask(y, x), std::min(filled(y, x), lowest));
        changed |= value != filled(y, x);
        filled(y, x) = value;
      }
  }
  return filled;
}

TEST(FillHoles, MatchesTheDefinitionAtEverySize) {
  for (int64_t height : {1, 2, 3, 5, 20})
    for (int64_t width = 1; width <= 70; ++width) {
      const Image<float> mask =
          random_mask(height, width, 1 + static_cast<uint32_t>(width) % 5, static_cast<uint32_t>(width));
      Image<float> out(height, width);
      fill_holes(mask.view(), out.view());
      EXPECT_TRUE(same_values(out, filled_by_repetition(mask))) << height << " x " << width;
    }
}

TEST(KeepLargestComponent, KeepsItsValuesAlone) {
  const Image<float> mask = drawn({"#..2...", ".5..#..", "..3..#."});
  Image<float> out(3, 7);
  // Three pixels each: the first in raster order.
  keep_largest_component(mask.view(), 0, out.view());
  EXPECT_TRUE(same_values(out, drawn({"#......", ".5.....", "..3...."})));
  keep_largest_component(mask.view(), 0.5f, out.view());
  EXPECT_TRUE(same_values(out, drawn({".......", "....#..", ".....#."})));
  keep_largest_component(mask.view(), 1, out.view());
  EXPECT_TRUE(same_values(out, drawn({".......", ".......", "......."})));
}

TEST(MaskTools, RefuseNaNOtherSizesAndNegativeRadii) {
  Image<float> mask(4, 5), out(4, 5), narrow(4, 4);
  std::fill_n(mask.view().data, 20, 0.5f);
  EXPECT_THROW(grow(mask.view(), -1, Shape::kBox, out.view()), std::invalid_argument);
  EXPECT_THROW(shrink(mask.view(), 1, Shape::kEllipse, narrow.view()), std::invalid_argument);
  EXPECT_THROW(fill_holes(mask.view(), narrow.view()), std::invalid_argument);
  EXPECT_THROW(feather(mask.view(), -0.5, out.view()), std::invalid_argument);
  mask(3, 4) = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THROW(grow(mask.view(), 1, Shape::kBox, out.view()), std::invalid_argument);
  EXPECT_THROW(fill_holes(mask.view(), out.view()), std::invalid_argument);
  EXPECT_THROW(keep_largest_component(mask.view(), 0, out.view()), std::invalid_argument);
}

}  // namespace
}  // namespace mattecore::kernels
