#include "mattecore/kernels/morphology.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <stdexcept>
#include <vector>

#include "mattecore/base/image.h"
#include "mattecore/base/parallel.h"

namespace mattecore::kernels {
namespace {

template <class T>
class Morphology : public testing::Test {};
using Values = testing::Types<uint8_t, float>;
TYPED_TEST_SUITE(Morphology, Values);

template <class T>
Image<T> random_image(int64_t height, int64_t width, uint32_t seed) {
  Image<T> image(height, width);
  std::mt19937 random(seed);
  for (int64_t i = 0; i < height * width; ++i) image.view().data[i] = static_cast<T>(random() % 256);
  return image;
}

template <class T>
T extreme_of_box(ImageView<const T> in, int64_t y, int64_t x, BoxReach reach, bool largest) {
  T extreme = in(y, x);
  for (int64_t v = std::max<int64_t>(0, y - reach.up); v <= std::min(in.height - 1, y + reach.down); ++v)
    for (int64_t u = std::max<int64_t>(0, x - reach.left); u <= std::min(in.width - 1, x + reach.right); ++u)
      extreme = largest ? std::max(extreme, in(v, u)) : std::min(extreme, in(v, u));
  return extreme;
}

template <class T>
void expect_matches(ImageView<const T> in, BoxReach reach) {
  Image<T> eroded(in.height, in.width), dilated(in.height, in.width);
  erode(in, reach, eroded.view());
  dilate(in, reach, dilated.view());
  for (int64_t y = 0; y < in.height; ++y)
    for (int64_t x = 0; x < in.width; ++x) {
      ASSERT_EQ(eroded(y, x), extreme_of_box(in, y, x, reach, false)) << y << ", " << x;
      ASSERT_EQ(dilated(y, x), extreme_of_box(in, y, x, reach, true)) << y << ", " << x;
    }
}

TYPED_TEST(Morphology, MatchesAtEverySize) {
  std::mt19937 random(1);
  for (int64_t height = 1; height <= 5; ++height)
    for (int64_t width = 1; width <= 70; ++width) {
      auto reach = [&] { return static_cast<int64_t>(random() % 12); };
      SCOPED_TRACE(testing::Message() << height << " x " << width);
      expect_matches<TypeParam>(random_image<TypeParam>(height, width, random()).view(),
                                {reach(), reach(), reach(), reach()});
    }
}

TYPED_TEST(Morphology, MatchesForReachesUpToFarBeyondThePicture) {
  const Image<TypeParam> image = random_image<TypeParam>(61, 83, 2);
  for (int64_t radius : {0, 1, 7, 8, 30, 60, 100, 1'000'000})
    for (BoxReach reach : {BoxReach::around(radius), BoxReach{radius, 0, 0, 2}, BoxReach{0, radius, 3, 0},
                           BoxReach{1, 2, radius, 0}, BoxReach{2, 1, 0, radius}}) {
      SCOPED_TRACE(radius);
      expect_matches<TypeParam>(image.view(), reach);
    }
}

TYPED_TEST(Morphology, IsItselfRepeatedForARepeatedBox) {
  const Image<TypeParam> image = random_image<TypeParam>(70, 90, 3);
  for (int64_t size : {1, 2, 3, 6, 7}) {
    Image<TypeParam> at_once(70, 90), step(70, 90), next(70, 90);
    dilate<TypeParam>(image.view(), BoxReach::repeated_box(size, 5), at_once.view());
    dilate<TypeParam>(image.view(), BoxReach::repeated_box(size, 1), step.view());
    for (int i = 0; i < 4; ++i) {
      dilate<TypeParam>(step.view(), BoxReach::repeated_box(size, 1), next.view());
      std::swap(step, next);
    }
    EXPECT_TRUE(std::equal(at_once.view().data, at_once.view().data + 70 * 90, step.view().data)) << size;
  }
}

TYPED_TEST(Morphology, GivesTheSameBytesForAnyNumberOfThreadsAndStrides) {
  const int64_t height = 301, width = 517;
  const Image<TypeParam> image = random_image<TypeParam>(height, width, 4);
  const BoxReach reach{10, 5, 40, 3};
  set_num_threads(1);
  Image<TypeParam> alone(height, width), out(height, width), wide(height, 2 * width);
  erode<TypeParam>(image.view(), reach, alone.view());
  const ImageView<TypeParam> every_other(wide.view().data, height, width, 1, 2 * width, 2, 1);
  for (int threads : {1, 2, 3, 7}) {
    set_num_threads(threads);
    erode<TypeParam>(image.view(), reach, out.view());
    EXPECT_TRUE(std::equal(alone.view().data, alone.view().data + height * width, out.view().data)) << threads;
    erode<TypeParam>(image.view(), reach, every_other);
    erode<TypeParam>(every_other, {}, out.view());
    EXPECT_TRUE(std::equal(alone.view().data, alone.view().data + height * width, out.view().data)) << threads;
  }
  set_num_threads(0);
}

TYPED_TEST(Morphology, RefusesOtherSizesAndNegativeReaches) {
  const Image<TypeParam> image = random_image<TypeParam>(4, 5, 5);
  Image<TypeParam> out(4, 5), narrow(4, 4);
  EXPECT_THROW(erode<TypeParam>(image.view(), {}, narrow.view()), std::invalid_argument);
  EXPECT_THROW(dilate<TypeParam>(image.view(), {0, 0, -1, 0}, out.view()), std::invalid_argument);
}

}  // namespace
}  // namespace mattecore::kernels
