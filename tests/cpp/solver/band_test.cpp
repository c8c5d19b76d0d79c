#include "mattecore/solver/band.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace mattecore::solver {
namespace {

Image<Label> random_labels(int64_t height, int64_t width, uint32_t seed) {
  Image<Label> labels(height, width);
  std::mt19937 random(seed);
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x) labels(y, x) = random() % 30 == 0 ? Label::unknown : Label::background;
  return labels;
}

/// Every pixel that a window or a coupling of an unknown pixel can ask for gives its own value, and all others zero.
TEST(Band, NeighboursAreFoundOrZero) {
  const Progress nobody;
  const Pulse pulse(nobody, "a test");
  for (uint32_t seed = 0; seed < 60; ++seed) {
    const int64_t height = 1 + seed % 9, width = 1 + seed * 7 % 90;
    const Image<Label> labels = random_labels(height, width, seed);
    const Band band(labels.view());
    Buffer<float> vector = zeros<float>(band.size(), pulse);
    std::set<int32_t> taken;
    for (const Band::Block& block : band.blocks())
      for (int32_t k = 0; k < Band::kBlock; ++k) {
        EXPECT_TRUE(taken.insert(block.at + k).second);
        EXPECT_EQ(band.place(block.y, block.x + k), block.at + k);
        if (block.x + k < width && labels(block.y, block.x + k) == Label::unknown)
          vector[static_cast<size_t>(block.at + k)] = static_cast<float>(1 + block.y * width + block.x + k);
      }
    const int64_t whole = (width + Band::kBlock - 1) / Band::kBlock * Band::kBlock;
    for (int64_t y = -Band::kMargin; y < height + Band::kMargin; ++y)
      for (int64_t x = 0; x < whole; ++x)
        for (int64_t shift = -2; shift <= 2; ++shift) {
          const int64_t u = x + shift;
          const bool unknown = y >= 0 && y < height && u >= 0 && u < width && labels(y, u) == Label::unknown;
          EXPECT_EQ(vector[static_cast<size_t>(band.place(y, x) + shift)],
                    unknown ? static_cast<float>(1 + y * width + u) : 0.0f)
              << seed << ": " << y << ", " << x << " + " << shift;
        }
  }
}

}  // namespace
}  // namespace mattecore::solver
