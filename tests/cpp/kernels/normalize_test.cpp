#include "mattecore/kernels/normalize.h"

#include <gtest/gtest.h>

#include <random>
#include <stdexcept>
#include <vector>

#include "kernels/picture.h"

namespace mattecore::kernels {
namespace {

using testing::kLayouts;
using testing::Layout;
using testing::Picture;
using testing::random_bytes;
using testing::with_thread_counts;

TEST(Normalize, ScalesEachChannelAndPadsWithZeros) {
  std::mt19937 random(1);
  const std::vector<double> mean{0.485, 0.456, 0.406, 0}, std{0.229, 0.224, 0.225, 1};
  for (int64_t channels : {1, 3, 4})
    for (auto [height, width] : {std::pair{1, 1}, std::pair{1, 9}, std::pair{7, 1}, std::pair{5, 13}})
      for (int64_t more : {0, 1, 6})
        for (Layout layout : kLayouts) {
          auto in = random_bytes(random, height, width, channels, layout);
          Picture<float> out(height + more, width + more, channels, layout);
          normalize(in.view(), std::span(mean).first(static_cast<size_t>(channels)),
                    std::span(std).first(static_cast<size_t>(channels)), out.view());
          for (int64_t y = 0; y < height + more; ++y)
            for (int64_t x = 0; x < width + more; ++x)
              for (int64_t c = 0; c < channels; ++c) {
                if (y >= height || x >= width) {
                  ASSERT_EQ(out(y, x, c), 0.0f);
                } else {
                  const auto i = static_cast<size_t>(c);
                  ASSERT_NEAR(out(y, x, c), (in(y, x, c) / 255.0 - mean[i]) / std[i], 2e-7)
                      << "a rounding of values up to 2.7";
                }
              }
          ASSERT_FALSE(out.written_outside());
        }
}

TEST(Normalize, IsTheSameForAnyNumberOfThreads) {
  std::mt19937 random(2);
  const auto in = random_bytes(random, 301, 401, 3);
  const std::vector<double> mean{0.485, 0.456, 0.406}, std{0.229, 0.224, 0.225};
  Picture<float> first(320, 416, 3);
  normalize(in.view(), mean, std, first.view());
  with_thread_counts([&](int threads) {
    Picture<float> out(320, 416, 3);
    normalize(in.view(), mean, std, out.view());
    EXPECT_TRUE(out.same_values(first)) << threads << " threads";
  });
}

TEST(Normalize, RefusesWhatDoesNotFit) {
  const std::vector<double> three{0.5, 0.5, 0.5}, one{0.5};
  Picture<uint8_t> in(2, 3, 3);
  Picture<float> out(2, 3, 3), small(2, 2, 3), grey(2, 3, 1);
  EXPECT_THROW(normalize(in.view(), one, three, out.view()), std::invalid_argument);
  EXPECT_THROW(normalize(in.view(), three, one, out.view()), std::invalid_argument);
  EXPECT_THROW(normalize(in.view(), three, three, grey.view()), std::invalid_argument);
  EXPECT_THROW(normalize(in.view(), three, three, small.view()), std::invalid_argument);
}

}  // namespace
}  // namespace mattecore::kernels
