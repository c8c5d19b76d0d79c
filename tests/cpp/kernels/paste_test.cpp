#include "mattecore/kernels/paste.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>

#include "kernels/picture.h"

namespace mattecore::kernels {
namespace {

using testing::kLayouts;
using testing::Layout;
using testing::Picture;
using testing::with_thread_counts;

Picture<float> random_picture(std::mt19937& random, int64_t height, int64_t width, int64_t channels) {
  return Picture<float>(height, width, channels).fill([&] { return static_cast<float>(random() % 1001) / 1000; });
}

TEST(Paste, FollowsItsFormulasInEveryLayout) {
  std::mt19937 random(3);
  for (int64_t width = 1; width <= 40; ++width)
    for (int64_t height : {1, 2, 5})
      for (int64_t channels : {1, 3, 4}) {
        const auto under = random_picture(random, height, width, channels);
        const auto over = random_picture(random, height, width, channels),
                   mask = random_picture(random, height, width, 1);
        for (Layout layout : kLayouts) {
          SCOPED_TRACE(::testing::Message() << height << " x " << width << " x " << channels << ", " << layout);
          Picture<float> blended(height, width, channels, layout), rgba(height, width, 4, layout);
          blend(under.in(layout).view(), over.in(layout).view(), mask.in(layout).view(), blended.view());
          join_alpha(over.in(layout).view(), mask.in(layout).view(), rgba.view());
          blended.for_each_place([&](int64_t y, int64_t x, int64_t c) {
            // Kept in memory, so that no compiler fuses the sum.
            const volatile float rest = 1 - mask(y, x);
            const volatile float kept = rest * under(y, x, c), laid = mask(y, x) * over(y, x, c);
            ASSERT_EQ(blended(y, x, c), kept + laid);
          });
          rgba.for_each_place([&](int64_t y, int64_t x, int64_t c) {
            ASSERT_EQ(rgba(y, x, c), c == 3 ? mask(y, x) : over(y, x, channels == 1 ? 0 : c));
          });
          EXPECT_FALSE(blended.written_outside());
          EXPECT_FALSE(rgba.written_outside());
          if (HasFailure()) return;
        }
      }
}

TEST(Paste, GivesTheSameBytesForAnyNumberOfThreads) {
  std::mt19937 random(4);
  const auto under = random_picture(random, 203, 301, 3), over = random_picture(random, 203, 301, 3);
  const auto mask = random_picture(random, 203, 301, 1);
  Picture<float> first(203, 301, 3);
  blend(under.view(), over.view(), mask.view(), first.view());
  with_thread_counts([&](int threads) {
    Picture<float> out(203, 301, 3);
    blend(under.view(), over.view(), mask.view(), out.view());
    EXPECT_TRUE(out.same_values(first)) << threads;
  });
}

}  // namespace
}  // namespace mattecore::kernels
